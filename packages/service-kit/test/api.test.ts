import {
  type ApiOf,
  coreEndpoints,
  defineApi,
  type Endpoints,
  governanceEndpoints,
  modelGatewayEndpoints,
  PlatformError,
  taskEngineEndpoints,
  transparencyLogEndpoints,
} from '@mcp/contracts';
import { failure } from '@mcp/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { apiClient } from '../src/clients/api-client.ts';
import { ServiceClient } from '../src/clients/http-client.ts';
import { apiApp } from '../src/http/api-server.ts';
import { type ServiceKit, type StartedServices, startServices } from '../src/index.ts';
import { callOf, cleanUp, env, kitFor, serviceOf } from './support.ts';

const Item = z.object({ id: z.string(), size: z.number() });
const endpoints = defineApi({
  find: {
    method: 'GET',
    path: '/internal/items/:name{.+}',
    param: 'text',
    query: z.object({ size: z.coerce.number().default(1), colour: z.string().optional() }),
    answers: 'json',
    answer: Item,
    callers: ['gateway'],
  },
  make: {
    method: 'POST',
    path: '/internal/items/:id/parts',
    param: 'uuid',
    body: z.object({ size: z.number() }),
    answers: 'json',
    answer: Item,
    status: 201,
    callers: ['gateway'],
  },
  count: {
    method: 'GET',
    path: '/internal/count',
    query: z.object({ to: z.coerce.number() }),
    answers: 'events',
    event: z.object({ at: z.number() }),
    callers: ['gateway'],
  },
  content: {
    method: 'GET',
    path: '/internal/content/:id',
    param: 'uuid',
    answers: 'bytes',
    callers: ['gateway'],
  },
  lie: {
    method: 'GET',
    path: '/internal/lie',
    answers: 'json',
    answer: Item,
    callers: ['gateway'],
  },
  forOthers: {
    method: 'GET',
    path: '/internal/others',
    answers: 'json',
    answer: Item,
    callers: ['governance'],
  },
});
type Api = ApiOf<typeof endpoints>;

const ID = '0194f0c2-0000-7000-8000-000000000001';
const api: Api = {
  find: async (name, { size, colour }) => ({ id: `${colour ?? 'no colour'}: ${name}`, size }),
  make: async (id, { size }, { principal }) => ({ id: `${principal.id} ${id}`, size }),
  async *count({ to }) {
    for (let at = 0; at < to; at++) {
      if (at === 3) throw new PlatformError('conflict', 'Three is taken.');
      yield { at };
    }
  },
  async *content(id) {
    yield new TextEncoder().encode('half of ');
    yield new TextEncoder().encode(id);
  },
  lie: async () => ({ id: 'x' }) as never,
  forOthers: async () => ({ id: 'x', size: 1 }),
};

let services: StartedServices;
let kit: ServiceKit;
let client: ServiceClient;
let remote: Api;
beforeAll(async () => {
  const core = serviceOf('core', () => undefined);
  services = await startServices(
    {
      ...core,
      create: async (its) => ({
        app: apiApp({ kit: its, endpoints, api, checks: {} }),
        api,
        close: async () => undefined,
      }),
    },
    env(),
  );
  const url = `http://127.0.0.1:${services.ports.get('core')}`;
  kit = await kitFor('gateway', { MCP_CORE_URL: url });
  if (kit.signer === undefined) throw new Error('the gateway of the tests signs its calls');
  client = new ServiceClient({ name: 'core', url, signer: kit.signer, connect_timeout_ms: 1000 });
  remote = apiClient(endpoints, client);
});
afterAll(async () => {
  await client.close();
  await kit.close();
  await services.stop('end');
  cleanUp();
});

describe.each([
  ['in process', () => api],
  ['over HTTP', () => remote],
])('an API of a table, %s', (_, its) => {
  test('takes its parameter, query and body, and answers', async () => {
    const call = callOf();
    expect(await its().find('a/b ü?', { size: 3, colour: 'red&blue' }, call)).toEqual({
      id: 'red&blue: a/b ü?',
      size: 3,
    });
    expect(await its().make(ID, { size: 2 }, call)).toEqual({ id: `${call.principal.id} ${ID}`, size: 2 });
  });

  test('streams its events, and what ends them', async () => {
    const seen: number[] = [];
    for await (const { at } of its().count({ to: 3 }, callOf())) seen.push(at);
    expect(seen).toEqual([0, 1, 2]);
    const broken = failure(
      (async () => {
        for await (const { at } of its().count({ to: 5 }, callOf())) seen.push(at);
      })(),
    );
    expect(await broken).toMatchObject({ code: 'conflict', message: 'Three is taken.' });
    expect(seen).toEqual([0, 1, 2, 0, 1, 2]);
  });

  test('gives a file as its bytes', async () => {
    const pieces: Uint8Array[] = [];
    for await (const piece of its().content(ID, callOf())) pieces.push(piece);
    expect(Buffer.concat(pieces).toString()).toBe(`half of ${ID}`);
  });
});

test('over HTTP what does not fit the table is refused on both sides', async () => {
  expect(await failure(remote.make('not-a-uuid', { size: 1 }, callOf()))).toMatchObject({
    code: 'invalid_request',
    param: 'id',
  });
  expect(await failure(remote.make(ID, { size: 'big' } as never, callOf()))).toMatchObject({
    code: 'invalid_request',
    param: 'size',
  });
  expect(await failure(remote.forOthers(callOf()))).toMatchObject({ code: 'forbidden' });
  // Nothing that the caller did: it is not told that its request is wrong.
  expect(await failure(remote.lie(callOf()))).toMatchObject({ code: 'upstream_failed', retryable: true });
});

test.each<[string, Endpoints]>([
  ['core', coreEndpoints],
  ['governance', governanceEndpoints],
  ['model-gateway', modelGatewayEndpoints],
  ['task-engine', taskEngineEndpoints],
  ['transparency-log', transparencyLogEndpoints],
])(
  'the table of %s has each route once, a check for each parameter, and somebody who may ask',
  (_, table) => {
    const rows = Object.values(table);
    const routes = rows.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(routes).size).toBe(routes.length);
    for (const { method, path, param, body, callers } of rows) {
      expect(path).toMatch(/^\/internal\/[^:]*(:\w+(\{[^}]*\})?[^:]*)?$/);
      expect(path.includes(':')).toBe(param !== undefined);
      expect(callers.length).toBeGreaterThan(0);
      if (method === 'GET') expect(body).toBeUndefined();
    }
  },
);
