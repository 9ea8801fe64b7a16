import type { ApiOf, Endpoint, Endpoints } from '@mcp/contracts';
import type { Hono } from 'hono';
import { type InternalAppOptions, internalApp } from './app.ts';
import { parseBody, parseQuery, uuidParam } from './body.ts';
import type { KitContext, KitEnv } from './context.ts';
import { streamBytes } from './download.ts';
import { ndjson } from './stream.ts';

/** A service's internal API as its table and what answers it; `wire`: who may ask what of other routes, which the caller adds. */
interface ApiAppOptions<T extends Endpoints> extends Omit<InternalAppOptions, 'callers'> {
  readonly endpoints: T;
  readonly api: ApiOf<T>;
  readonly wire?: InternalAppOptions['callers'];
}

/** An internal app with the routes of a table. */
export function apiApp<T extends Endpoints>(options: ApiAppOptions<T>): Hono<KitEnv> {
  const { endpoints, api, wire, ...rest } = options;
  const rows = Object.entries(endpoints);
  const callers = rows.map(([, { method, path, callers: names }]) => [`${method} ${path}`, names] as const);
  const app = internalApp({ ...rest, callers: { ...Object.fromEntries(callers), ...wire } });
  for (const [name, endpoint] of rows) {
    const method = api[name] as (...args: unknown[]) => unknown;
    app.on(endpoint.method, endpoint.path, async (c) =>
      answer(c, endpoint, method.call(api, ...(await argumentsOf(c, endpoint)))),
    );
  }
  return app;
}

/** What a request says, in the order in which its method takes it. */
async function argumentsOf(c: KitContext, endpoint: Endpoint): Promise<unknown[]> {
  const args: unknown[] = [];
  if (endpoint.param !== undefined) {
    const name = Object.keys(c.req.param())[0] ?? '';
    args.push(endpoint.param === 'uuid' ? uuidParam(c, name) : c.req.param(name));
  }
  if (endpoint.query !== undefined) args.push(parseQuery(c, endpoint.query));
  if (endpoint.body !== undefined) args.push(await parseBody(c, endpoint.body, endpoint.max_body_bytes));
  return [...args, c.get('call')];
}

async function answer(c: KitContext, endpoint: Endpoint, result: unknown): Promise<Response> {
  switch (endpoint.answers) {
    case 'json':
      return c.json(await result, endpoint.status ?? 200);
    case 'events':
      return ndjson(c, result as AsyncIterable<unknown>);
    case 'bytes':
      return streamBytes(c, result as AsyncIterable<Uint8Array>, {
        'content-type': 'application/octet-stream',
      });
    default:
      return endpoint satisfies never;
  }
}
