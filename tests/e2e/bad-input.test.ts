import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ServiceName } from '@mcp/contracts';
import { head, untilClosed } from '@mcp/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bodies } from './input/bodies.ts';
import { check, type Row, type Table } from './input/case.ts';
import { completions } from './input/completions.ts';
import { everywhere, lists, queries } from './input/everywhere.ts';
import { breaches, frames, talk } from './input/frames.ts';
import { heapBytes } from './input/heap.ts';
import { legacy } from './input/legacy.ts';
import { messages } from './input/messages.ts';
import { others } from './input/others.ts';
import { responses } from './input/responses.ts';
import { SAMPLES } from './input/routes.ts';
import { type Surface, startSurface } from './input/surface.ts';
import { bearer, transport } from './input/transport.ts';

const LEAST = 400;
/** Seconds of the processor, all six services together. */
const MOST_PER_CASE_S = 1;
/** Test runner, spans and figures included, which are kept of each case: far less than what the largest cases send. */
const MAX_GROWTH_PER_CASE_BYTES = 40 * 1024;

const rows = new Map<string, Row[]>();
for (const table of [
  everywhere,
  queries,
  lists,
  bodies,
  completions,
  legacy,
  messages,
  responses,
  others,
  transport,
] satisfies Table[])
  for (const [route, own] of Object.entries(table)) rows.set(route, [...(rows.get(route) ?? []), ...own]);

let surface: Surface;
let before: Awaited<ReturnType<typeof left>>;
let heap_bytes = 0;
let costliest = { cpu_s: 0, name: '' };
beforeAll(async () => {
  surface = await startSurface();
  // The vocabularies of tokens come with the first request that has some, and stay.
  for (const model of ['tiny-chat', 'gpt-4o'])
    await surface.ask('/v1/completions', {
      method: 'POST',
      body: JSON.stringify({ model, prompt: [1, 2], max_tokens: 1 }),
    });
  before = await left();
  heap_bytes = heapBytes();
});
afterAll(() => surface?.stop());

/** Everything that a request can leave behind. */
async function left() {
  const db = new DatabaseSync(join(surface.shipped.data, 'core', 'core.db'), { readOnly: true });
  const count = (table: string) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n;
  const [conversations, records, answers] = ['conversations', 'records', 'stored_answers'].map(count);
  db.close();
  const list = async (path: string) => JSON.parse(await (await surface.ask(path)).text());
  const [{ jobs }, { keys }, governance] = await Promise.all(
    ['/v1/jobs?limit=200', '/admin/keys', '/admin/governance'].map(list),
  );
  return { conversations, records, answers, jobs, keys, governance };
}

async function measured(name: string, work: () => Promise<void>): Promise<void> {
  const from = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(from);
  const cpu_s = (user + system) / 1e6;
  if (cpu_s > costliest.cpu_s) costliest = { cpu_s, name };
}

test(`every route of the public interface is asked, ${LEAST} times and more in all`, () => {
  const routes = surface.shipped.routes.filter(({ service }) => service === 'gateway');
  const offered = [...new Set(routes.map(({ method, path }) => `${method} ${path}`))];
  expect(Object.keys(SAMPLES).sort()).toEqual(offered.sort());
  for (const route of offered) expect(rows.get(route)?.length, route).toBeGreaterThan(1);
  for (const [route, { scope }] of Object.entries(SAMPLES))
    if (scope !== undefined) expect(rows.get(route)?.length, route).toBeGreaterThan(9);
  const all = [...rows.values()].reduce((sum, own) => sum + own.length, 0) + frames.length + breaches.length;
  expect(all).toBeGreaterThanOrEqual(LEAST);
});

describe.each([...rows])('%s refuses in words', (_route, own) => {
  test.each(own)('%s', (...row) => measured(row[0], () => check(surface, row)));
});

describe('a WebSocket', () => {
  test.each(frames)('answers and goes on after %s', async (_name, frame, code, message) => {
    const { socket, next } = await talk(surface);
    socket.send(frame, { binary: typeof frame !== 'string' });
    expect(await next()).toMatchObject({ type: 'error', code, message: expect.stringMatching(message) });
    socket.send('{"type":"again"}');
    expect(await next()).toMatchObject({ type: 'error', code: 'invalid_request' });
    socket.close();
  });

  test('of five bad frames ends with 1008', async () => {
    const { socket, closed, events } = await talk(surface);
    for (let i = 0; i < 9; i++) socket.send('?');
    expect(await closed).toBe(1008);
    expect(events).toHaveLength(5);
  });

  test.each(breaches)('ends at %s', async (_name, bytes, code) => {
    const { socket, closed } = await talk(surface);
    Reflect.get(socket, '_socket').write(bytes);
    expect(await closed).toBe(code);
  });
});

describe('does not hold a connection open', () => {
  const CUT = ['Content-Length: 1000', 'Content-Type: application/json'];
  test.each<[string, string, number]>([
    ['GET /healthz', 'GET /healthz HTTP/1.1', 200],
    ['GET /v1/models', 'GET /v1/models HTTP/1.1', 400],
    ['HEAD /v1/models', 'HEAD /v1/models HTTP/1.1', 400],
    ['GET /ws without upgrade', 'GET /ws HTTP/1.1', 400],
    ['a path that is not there', 'POST /nope HTTP/1.1', 404],
    ['another method', 'PUT /chat HTTP/1.1', 405],
  ])('for the rest of a body that %s does not wait for', async (_name, start, status) => {
    const pieces = [head(start, [bearer(surface), ...CUT]), '{"message"'];
    expect(await untilClosed(surface.port, pieces)).toEqual([status]);
  });

  test.each<[string, readonly string[], number]>([
    ['that is needed', CUT, 400],
    ['that was refused', [...CUT, 'Content-Encoding: gzip'], 415],
    ['beyond its bound', ['Content-Length: 9000000', 'Content-Type: application/json'], 413],
  ])(
    'for the rest of a body %s when the client has ended, nor answers twice',
    async (_name, lines, status) => {
      const pieces = [head('POST /chat HTTP/1.1', [bearer(surface), ...lines]), '{"message"'];
      expect(await untilClosed(surface.port, pieces, { end: true })).toEqual([status]);
    },
  );
});

test('an unknown path points to pages that there are', async () => {
  const pages = (await (await surface.ask('/v2/chat')).text()).match(/docs\/[\w-]+\.md/g) ?? [];
  expect(pages.length).toBeGreaterThan(0);
  for (const page of pages) expect(existsSync(new URL(`../../${page}`, import.meta.url)), page).toBe(true);
});

/** What nobody reads must not be held for it. */
test('HEAD is answered wherever GET is, by an end and no body', async () => {
  for (const [route, { path }] of Object.entries(SAMPLES)) {
    if (!route.startsWith('GET ') || route === 'GET /ws') continue;
    const answer = await surface.ask(path(surface), { method: 'HEAD' });
    // The files of the console that a build would bring are not there.
    expect(answer.status, route).toBeOneOf([200, 204, 404]);
    expect(await answer.text()).toBe('');
  }
});

/** What standards say is to be passed over, not refused (W3C Trace Context, 3.2; RFC 9110, 5.1). */
test.each([
  ['traceparent', 'ff-00-00-00'],
  ['traceparent', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`],
  ['traceparent', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01-more`],
  ['tracestate', 'x'.repeat(9000)],
  ['x-request-id', 'a b\u00e9'],
  ['x-mcp-deadline', '0'],
  ['x-mcp-retries', '1e9'],
])('goes on with a %s of no meaning: %s', async (name, value) => {
  const answer = await surface.ask('/v1/models', { headers: { [name]: value } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('x-trace-id')).toMatch(/^(?!0{32})(?!a{32})[0-9a-f]{32}$/);
  expect(answer.headers.get('x-request-id')).toMatch(/^[\w.:-]{1,128}$/);
});

describe('afterwards', () => {
  test('nothing is there that a refused request left', async () => {
    expect(await left()).toEqual(before);
  });

  test('every service is well, and works on nothing any more', async () => {
    for (const service of ServiceName.options) {
      const url = surface.shipped.urls[service];
      expect((await fetch(`${url}/readyz`)).status, service).toBe(200);
      const metrics = await (await fetch(`${url}/metrics`)).text();
      // The one that reads them.
      expect(metrics, service).toMatch(/^service_requests_in_flight(\{[^}]*\})? 1$/m);
      expect(metrics, service).not.toMatch(/^service_errors_total\{[^}]*status="5/m);
    }
  });

  test('no case cost more than a second of the processor, and their memory is free again', () => {
    expect(costliest.cpu_s, costliest.name).toBeLessThan(MOST_PER_CASE_S);
    const cases = [...rows.values()].reduce((sum, own) => sum + own.length, 0);
    expect((heapBytes() - heap_bytes) / cases).toBeLessThan(MAX_GROWTH_PER_CASE_BYTES);
  });

  test('what is right is answered as before', async () => {
    for (const [path, body] of [
      ['/v1/chat/completions', { model: 'tiny-chat', messages: [{ role: 'user', content: 'hi' }] }],
      ['/chat', { message: 'hi', exchanges: 1 }],
    ] as const) {
      const answer = await surface.ask(path, { method: 'POST', body: JSON.stringify(body) });
      expect(answer.status, path).toBe(200);
      expect(await answer.text()).toMatch(/all is well/);
    }
    expect(JSON.parse(await (await surface.ask('/admin/stats')).text())).toMatchObject({ error_ratio: 0 });
    const { socket, next } = await talk(surface);
    socket.send(JSON.stringify({ type: 'start', request: { message: 'hi', exchanges: 1 } }));
    expect(await next()).toMatchObject({ type: 'start' });
    socket.close();
    await once(socket, 'close');
  });
});
