import type { KitContext, KitEnv } from '@mcp/service-kit';
import type { Hono } from 'hono';

const METHODS = 'GET, POST, DELETE';
const EXPOSED =
  'x-request-id, x-trace-id, x-mcp-overhead-ms, x-mcp-conversation-id, x-mcp-ignored-fields, x-mcp-context, x-mcp-safety, x-mcp-pii, x-mcp-risk, retry-after, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests';
const MAX_AGE_S = '600';

/** Lets browser applications of the listed origins call the API (Fetch standard, CORS). No cookies are involved. */
export function allowOrigins(app: Hono<KitEnv>, origins: readonly string[]): void {
  if (origins.length === 0) return;
  const allowed = new Set(origins);
  app.use(async (c, next) => {
    const origin = c.req.header('origin');
    const { headers } = c.get('state');
    headers.vary = 'origin';
    if (origin === undefined || !allowed.has(origin)) return next();
    headers['access-control-allow-origin'] = origin;
    headers['access-control-expose-headers'] = EXPOSED;
    if (c.req.method !== 'OPTIONS' || c.req.header('access-control-request-method') === undefined)
      return next();
    headers['access-control-allow-methods'] = METHODS;
    headers['access-control-allow-headers'] = requestedHeaders(c);
    headers['access-control-max-age'] = MAX_AGE_S;
    return c.body(null, 204);
  });
}

/** Whatever an allowed origin wants to send, as long as it is a list of header names. */
function requestedHeaders(c: KitContext): string {
  const requested = c.req.header('access-control-request-headers') ?? '';
  return /^[\w, -]{0,2000}$/.test(requested) ? requested : '';
}
