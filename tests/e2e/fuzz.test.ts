import { ServiceName } from '@mcp/contracts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectShape } from './input/case.ts';
import { heapBytes } from './input/heap.ts';
import { SAMPLES, type Sample } from './input/routes.ts';
import { type Surface, startSurface } from './input/surface.ts';

const RUNS = 100;
/** Routes that read a body have more to go wrong. */
const RUNS_WITH_BODY = 400;
/** Each that gets through checks the logs of all conversations. */
const RUNS_OF_CHECKS = 25;
/** A bound for a loaded machine, not a measure. */
const TIMEOUT_MS = 120_000;
const MAX_GROWTH_BYTES = 32 * 1024 * 1024;

let surface: Surface;
/** An administrator for each route, so that none meets the limit of requests per minute. */
const keys = new Map<string, string>();
beforeAll(async () => {
  surface = await startSurface();
  for (const route of Object.keys(SAMPLES)) keys.set(route, (await surface.newKey(['admin'])).key);
});
afterAll(() => surface?.stop());

/** A valid value with one place changed: replaced, removed, or given a neighbour. */
function mutated(value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== 'object' || value === null) return junk;
  const entries = Object.entries(value);
  const rebuild = (next: [string, unknown][]): unknown =>
    Array.isArray(value) ? next.map(([, item]) => item) : Object.fromEntries(next);
  const changes: fc.Arbitrary<unknown>[] = [
    junk,
    fc.tuple(fc.oneof(fc.string(), names), junk).map(([key, item]) => rebuild([...entries, [key, item]])),
  ];
  if (entries.length > 0) {
    const at = fc.nat({ max: entries.length - 1 });
    changes.push(at.map((index) => rebuild(entries.filter((_, i) => i !== index))));
    for (const [index, [, item]] of entries.entries())
      changes.push(
        mutated(item).map((other) =>
          rebuild(entries.map(([key, old], i) => [key, i === index ? other : old] as [string, unknown])),
        ),
      );
  }
  return fc.oneof(...changes);
}

const names = fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf');
const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  names,
  fc.constantFrom<unknown>('', ' ', '\u0000', '💥', '\ud800', 'a'.repeat(5000), 'stream', 'mcp/dual'),
  fc.constantFrom<unknown>(-1, 0, 1e308, -0, 0.1, 2 ** 53, null, true, [], {}, { $ref: '#' }, [[[[[]]]]]),
);

function bodies(valid: unknown): fc.Arbitrary<string | Uint8Array | undefined> {
  const text = valid === undefined ? '{}' : JSON.stringify(valid);
  const broken = fc.oneof(
    fc.nat({ max: text.length }).map((end) => text.slice(0, end)),
    fc.string(),
    fc.uint8Array({ maxLength: 200 }),
    fc.constantFrom(text.replace(/\d/, '1e999'), text.replace(/\d/, 'NaN')),
  );
  if (valid === undefined)
    return fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: broken });
  return fc.oneof(
    { weight: 7, arbitrary: mutated(valid).map((value) => JSON.stringify(value) ?? '') },
    { weight: 1, arbitrary: fc.constant(text) },
    { weight: 2, arbitrary: broken },
  );
}

const headerValue = fc.oneof(
  names,
  fc.constantFrom('', 'application/json', 'text/event-stream', '*/*', 'gzip', 'batch', '5000', '-1', 'é'),
  fc.string({ maxLength: 60 }).map((text) => text.replace(/[^\x20-\xff]/g, '?').replace(/^\d+$/, 'x')),
);
const headers = fc.dictionary(
  fc.constantFrom(
    ...['accept', 'content-type', 'content-encoding', 'x-mcp-timeout-ms', 'x-mcp-class', 'x-mcp-residency'],
    ...['x-request-id', 'traceparent', 'tracestate', 'if-none-match', 'accept-encoding', 'origin', 'range'],
    ...['sec-websocket-protocol', 'authorization', 'x-forwarded-for', 'last-event-id', 'x-mcp-grant'],
  ),
  headerValue,
  { maxKeys: 3 },
);
const queries = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  {
    weight: 2,
    arbitrary: fc
      .array(
        fc.tuple(
          fc.constantFrom('limit', 'cursor', 'status', '__proto__', 'x'),
          fc.oneof(names, fc.string({ maxLength: 20 }), fc.constantFrom('5', 'queued', '%', '%ff')),
        ),
        { maxLength: 3 },
      )
      .map(
        (pairs) =>
          `?${pairs.map(([name, value]) => `${name}=${value.replace(/[^!-~]|#/g, '%c3%28')}`).join('&')}`,
      ),
  },
);
const tails = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  {
    weight: 1,
    arbitrary: fc.string({ maxLength: 30 }).map((text) => `/${encodeURIComponent(text.toWellFormed())}`),
  },
  { weight: 1, arbitrary: fc.constantFrom('/', '/..', '%', '%ff', '%00', '/../..', ';a=b') },
);
const methods = (method: string) =>
  fc.oneof(
    { weight: 20, arbitrary: fc.constant(method) },
    { weight: 1, arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS') },
  );

function requests(method: string, body: unknown) {
  return fc.record({ method: methods(method), body: bodies(body), headers, query: queries, tail: tails });
}
type Asked = ReturnType<typeof requests> extends fc.Arbitrary<infer T> ? T : never;

async function hold(route: string, sample: Sample, asked: Asked): Promise<void> {
  const path = `${sample.path(surface)}${asked.tail}${asked.query}`;
  const bodiless = ['GET', 'HEAD'].includes(asked.method) || asked.body === undefined;
  const answer = await surface.ask(path, {
    method: asked.method,
    headers: { 'x-api-key': keys.get(route) ?? '', 'content-type': 'application/json', ...asked.headers },
    ...(bodiless ? {} : { body: asked.body as string }),
  });
  const text = await answer.text();
  expect(answer.status, text).toBeLessThan(500);
  if (answer.status >= 400 && asked.method !== 'HEAD')
    expectShape(new URL(answer.url).pathname, { status: answer.status, text });
}

function runsOf(route: string, { body }: Sample): number {
  if (route.endsWith('/:job/run')) return RUNS_OF_CHECKS;
  return body === undefined ? RUNS : RUNS_WITH_BODY;
}

/** Requests that the gateway has not finished, but for the one that asks. */
async function working(): Promise<number> {
  const metrics = await (await fetch(`${surface.url}/metrics`)).text();
  return Number(/^service_requests_in_flight.* (\d+)$/m.exec(metrics)?.[1]) - 1;
}
let before = 0;

describe.each(Object.entries(SAMPLES))('%s', (route, sample) => {
  const method = route.slice(0, route.indexOf(' '));
  test(
    'survives requests at random',
    async () => {
      const numRuns = runsOf(route, sample);
      await fc.assert(
        fc.asyncProperty(requests(method, sample.body), (asked) => hold(route, sample, asked)),
        { numRuns },
      );
      await expect.poll(working).toBe(0);
      // The first routes warm up what stays for good: compiled code, labels, caches.
      if (sample.body !== undefined && before === 0) before = heapBytes();
    },
    TIMEOUT_MS,
  );
});

test('every service is as well as before, and the heap as large', async () => {
  for (const service of ServiceName.options)
    expect((await fetch(`${surface.shipped.urls[service]}/readyz`)).status, service).toBe(200);
  expect(heapBytes() - before).toBeLessThan(MAX_GROWTH_BYTES);
});
