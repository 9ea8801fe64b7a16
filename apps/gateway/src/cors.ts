import type { KitEnv } from '@mcp/service-kit';
import type { Hono } from 'hono';

const METHODS = 'GET, POST, DELETE';
const EXPOSED =
  'x-request-id, x-trace-id, x-mcp-overhead-ms, x-mcp-conversation-id, retry-after, x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests';
const ALLOWED =
  'authorization, content-type, accept, x-api-key, api-key, x-goog-api-key, x-request-id, x-mcp-timeout-ms, x-mcp-class, traceparent';
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
    headers['access-control-allow-headers'] = c.req.header('access-control-request-headers')?.match(STAINLESS)
      ? `${ALLOWED}, ${stainless(c.req.header('access-control-request-headers') ?? '')}`
      : ALLOWED;
    headers['access-control-max-age'] = MAX_AGE_S;
    return c.body(null, 204);
  });
}

/** OpenAI's client sends a family of headers of its own. */
const STAINLESS = /x-stainless-[a-z-]{1,40}/g;

function stainless(requested: string): string {
  return [...new Set(requested.toLowerCase().match(STAINLESS) ?? [])].slice(0, 20).join(', ');
}
