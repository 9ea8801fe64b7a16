import { type ApiOf, type CallContext, type Endpoint, type Endpoints, PlatformError } from '@mcp/contracts';
import type { z } from 'zod';
import { type RequestOptions, restoreError, type ServiceClient } from './http-client.ts';
import { readNdjson } from './read-ndjson.ts';

/** An internal API over HTTP, made from its table: what comes back is checked by the table's schemas. */
export function apiClient<T extends Endpoints>(endpoints: T, client: ServiceClient): ApiOf<T> {
  const methods = Object.entries(endpoints).map(([name, endpoint]) => [name, methodOf(endpoint, client)]);
  return Object.fromEntries(methods);
}

function methodOf(endpoint: Endpoint, client: ServiceClient): (...args: unknown[]) => unknown {
  return (...args) => {
    const { request, call } = requestOf(endpoint, args);
    switch (endpoint.answers) {
      case 'json':
        return client
          .json({ ...request, lane: endpoint.lane ?? 'short' }, call)
          .then((answer) => fitting(endpoint.answer, answer));
      case 'events':
        return events(client, { request, event: endpoint.event }, call);
      case 'bytes':
        return bytes(client, request, call);
      default:
        return endpoint satisfies never;
    }
  };
}

/** The arguments of a method are in the order of {@link ApiOf}. */
function requestOf(
  endpoint: Endpoint,
  args: readonly unknown[],
): { request: RequestOptions; call: CallContext } {
  const left = [...args];
  const id = endpoint.param === undefined ? undefined : encodeURIComponent(String(left.shift()));
  const query = endpoint.query === undefined ? '' : search(left.shift());
  const body = endpoint.body === undefined ? undefined : left.shift();
  const path = id === undefined ? endpoint.path : endpoint.path.replace(/:\w+(\{[^}]*\})?/, () => id);
  const { method, idempotent = method === 'GET' } = endpoint;
  return {
    request: { method, path: `${path}${query}`, idempotent, ...(body === undefined ? {} : { body }) },
    call: left.shift() as CallContext,
  };
}

async function* events(
  client: ServiceClient,
  { request, event }: { request: RequestOptions; event: z.ZodType },
  call: CallContext,
): AsyncGenerator<unknown> {
  const body = await client.stream(request, call);
  for await (const value of readNdjson(client.bytes(body, call), restoreError)) yield fitting(event, value);
}

/** What a service of another version may answer is nothing that the caller did wrong. */
function fitting(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new PlatformError(
    'upstream_failed',
    'A service answered with something else than its API says. Try again in a moment.',
    { cause: parsed.error },
  );
}

async function* bytes(
  client: ServiceClient,
  request: RequestOptions,
  call: CallContext,
): AsyncGenerator<Uint8Array> {
  yield* client.bytes(await client.stream(request, call), call);
}

function search(query: unknown): string {
  const pairs = Object.entries(query ?? {}).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)] as [string, string]],
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
}
