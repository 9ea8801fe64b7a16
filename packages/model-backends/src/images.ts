import { PlatformError } from '@mcp/contracts';

/** A picture within a request. */
interface InlineImage {
  readonly media_type: string;
  /** Base64. */
  readonly data: string;
}

/** The picture in a `data:` URL; undefined for a URL that somebody has to fetch. */
export function imageIn(url: string): InlineImage | undefined {
  const [, media_type, data] = /^data:(image\/[\w.+-]+);base64,([A-Za-z0-9+/=]+)$/.exec(url) ?? [];
  return media_type === undefined || data === undefined ? undefined : { media_type, data };
}

/** As {@link imageIn}, for who fetches none: throws `unsupported_parameter` for any other URL. */
export function inlineImage(url: string, who: string): InlineImage {
  const image = imageIn(url);
  if (image !== undefined) return image;
  throw new PlatformError(
    'unsupported_parameter',
    `${who} fetches no pictures. Send it in the request: data:image/png;base64,…`,
    { param: 'messages' },
  );
}
