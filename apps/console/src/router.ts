import { useEffect, useState } from 'preact/hooks';

/** Every place of the console. Hash routes: the gateway serves one file and reloads stay where they were. */
export type Route =
  | { readonly page: 'converse'; readonly id: string | null }
  | { readonly page: 'conversations'; readonly id: string | null }
  | { readonly page: 'traces'; readonly id: string | null }
  | { readonly page: 'live' }
  | { readonly page: 'jobs' }
  | { readonly page: 'keys' }
  | { readonly page: 'unknown'; readonly path: string };

export type PageName = Exclude<Route['page'], 'unknown'>;

/** Pages in the order of the navigation. */
export const PAGES: readonly { readonly page: PageName; readonly label: string }[] = [
  { page: 'converse', label: 'Converse' },
  { page: 'conversations', label: 'Conversations' },
  { page: 'traces', label: 'Traces' },
  { page: 'live', label: 'Live' },
  { page: 'jobs', label: 'Jobs' },
  { page: 'keys', label: 'Keys' },
];

/** `#/conversations/<id>` → route. An empty hash is the first page. */
export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#/, '');
  const [page = '', rest = ''] = path.replace(/^\//, '').split('/', 2);
  const id = rest === '' ? null : decode(rest);
  switch (page) {
    case '':
    case 'converse':
      return { page: 'converse', id };
    case 'conversations':
    case 'traces':
      return { page, id };
    case 'live':
    case 'jobs':
    case 'keys':
      return { page };
    default:
      return { page: 'unknown', path };
  }
}

/** The link to a page, optionally to one thing on it. */
export function href(page: PageName, id?: string | null): string {
  return id === undefined || id === null ? `#/${page}` : `#/${page}/${encodeURIComponent(id)}`;
}

/** Goes to a link without a new history entry when `replace` is set. */
export function navigate(to: string, options: { readonly replace?: boolean } = {}): void {
  if (options.replace === true) {
    history.replaceState(null, '', to);
    window.dispatchEvent(new HashChangeEvent('hashchange'));
  } else {
    location.hash = to;
  }
}

/** The current route; follows the address bar. */
export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const follow = () => setRoute(parseRoute(location.hash));
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);
  return route;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
