import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { connectPlatform } from './api/platform.ts';
import { ChatContext, useChatController } from './chat/controller.ts';
import { SessionContext } from './hooks.ts';
import { Conversations } from './pages/conversations.tsx';
import { Converse } from './pages/converse.tsx';
import { Jobs } from './pages/jobs.tsx';
import { Keys } from './pages/keys.tsx';
import { Live } from './pages/live.tsx';
import { SignIn } from './pages/sign-in.tsx';
import { Traces } from './pages/traces.tsx';
import { href, PAGES, type Route, useRoute } from './router.ts';
import { keyFromFragment, storeKey, takeKey } from './session.ts';
import { useTheme } from './theme.ts';
import { Notice, PageHead } from './ui/basics.tsx';

/** The whole console: a session or the form that begins one. */
export function App() {
  const [key, setKey] = useState<string | null>(takeKey);
  const [reason, setReason] = useState<string | null>(null);
  useEffect(() => {
    const follow = () => {
      if (keyFromFragment(location.hash) !== null) setKey(takeKey());
    };
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  }, []);
  const signIn = (next: string) => {
    storeKey(next);
    setReason(null);
    setKey(next);
  };
  const signOut = (why?: string) => {
    storeKey(null);
    setReason(why ?? null);
    setKey(null);
  };
  if (key === null)
    return (
      <Frame>
        <SignIn reason={reason} onSignIn={signIn} />
      </Frame>
    );
  return <SignedIn key={key} apiKey={key} signOut={signOut} />;
}

function SignedIn({
  apiKey,
  signOut,
}: {
  readonly apiKey: string;
  readonly signOut: (why?: string) => void;
}) {
  const platform = useMemo(() => connectPlatform(apiKey), [apiKey]);
  const session = { platform, signOut };
  const chat = useChatController(platform);
  const route = useRoute();
  useFocusOnArrival(route);
  return (
    <SessionContext.Provider value={session}>
      <ChatContext.Provider value={chat}>
        <Frame route={route} onSignOut={() => signOut()}>
          <Page route={route} />
        </Frame>
      </ChatContext.Provider>
    </SessionContext.Provider>
  );
}

function Page({ route }: { readonly route: Route }) {
  switch (route.page) {
    case 'converse':
      return <Converse id={route.id} />;
    case 'conversations':
      return <Conversations id={route.id} />;
    case 'traces':
      return <Traces id={route.id} />;
    case 'live':
      return <Live />;
    case 'jobs':
      return <Jobs />;
    case 'keys':
      return <Keys />;
    case 'unknown':
      return (
        <>
          <PageHead title="No such page" />
          <Notice>
            <p>
              The console has no page <code>{route.path}</code>.{' '}
              <a href={href('converse')}>Start a conversation</a> instead.
            </p>
          </Notice>
        </>
      );
    default:
      return route satisfies never;
  }
}

interface FrameProps {
  readonly route?: Route;
  readonly onSignOut?: () => void;
  readonly children: preact.ComponentChildren;
}

function Frame({ route, onSignOut, children }: FrameProps) {
  const { theme, cycle } = useTheme();
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to content
      </button>
      <header class="top">
        <a
          class="brand"
          href={href('converse')}
          title="Multi-Component Platform – not the Model Context Protocol"
        >
          <Mark />
          <span class="brand-short">MCP</span>
          <span class="brand-name">Multi-Component Platform</span>
        </a>
        {route === undefined ? null : <Navigation route={route} />}
        <div class="top-actions">
          <button
            type="button"
            class="button button-quiet"
            onClick={cycle}
            aria-label={`Theme: ${theme}. Change it`}
          >
            <ThemeIcon theme={theme} />
          </button>
          {onSignOut === undefined ? null : (
            <button type="button" class="button button-quiet" onClick={onSignOut}>
              <Icon path="M6 2.5H3v11h3M10.5 5l3 3-3 3M13 8H6.5" />
              <span class="top-word">Sign out</span>
            </button>
          )}
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function Navigation({ route }: { readonly route: Route }) {
  return (
    <nav class="nav" aria-label="Pages">
      {PAGES.map(({ page, label }) => (
        <a key={page} href={href(page)} aria-current={route.page === page ? 'page' : undefined}>
          {label}
        </a>
      ))}
    </nav>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 22" aria-hidden="true">
      <circle class="mark-a" cx="11" cy="11" r="9" />
      <circle class="mark-b" cx="21" cy="11" r="9" />
    </svg>
  );
}

function ThemeIcon({ theme }: { readonly theme: string }) {
  const path =
    theme === 'light'
      ? 'M8 4.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7ZM8 .8v1.8M8 13.4v1.8M.8 8h1.8M13.4 8h1.8M2.9 2.9l1.3 1.3M11.8 11.8l1.3 1.3M13.1 2.9l-1.3 1.3M4.2 11.8l-1.3 1.3'
      : theme === 'dark'
        ? 'M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1Z'
        : 'M2 3h12v8H2zM5.5 13.5h5';
  return <Icon path={path} />;
}

function Icon({ path }: { readonly path: string }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

/** Moves the focus to the new page's heading and names it in the title bar; not on the first page of a visit. */
function useFocusOnArrival(route: Route): void {
  const first = useRef(true);
  const label = PAGES.find(({ page }) => page === route.page)?.label ?? 'Not found';
  useEffect(() => {
    document.title = `${label} · Multi-Component Platform`;
    if (!first.current) document.getElementById('page-title')?.focus({ preventScroll: true });
    if (!first.current) window.scrollTo(0, 0);
    first.current = false;
  }, [label]);
}
