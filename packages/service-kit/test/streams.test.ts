/** Streams between services and to clients: whole however they are cut, and never taken for whole where they broke off. */

import { ERROR_CODES, type ErrorCode, PlatformError } from '@mcp/contracts';
import { failure } from '@mcp/testkit';
import fc from 'fast-check';
import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readNdjson } from '../src/clients/read-ndjson.ts';
import {
  baseApp,
  type KitEnv,
  ndjson,
  restoreError,
  type ServiceKit,
  streamBytes,
  streamEvents,
} from '../src/index.ts';
import { cleanUp, kitFor } from './support.ts';

let kit: ServiceKit;
let app: Hono<KitEnv>;
let source: () => AsyncIterable<unknown> = () => from([]);
let closed = 0;

beforeAll(async () => {
  kit = await kitFor('core');
  app = baseApp({ kit, checks: {} });
  app.get('/ndjson', (c) => ndjson(c, source()));
  app.get('/events', (c) =>
    streamEvents(c, source(), {
      content_type: 'text/event-stream',
      headers: { 'x-more': 'yes' },
      encode: (value) => `data: ${JSON.stringify(value)}\n\n`,
      onEnd: () => 'data: [DONE]\n\n',
      onError: ({ code }) => `event: error\ndata: ${code}\n\n`,
    }),
  );
  app.get('/bytes', (c) =>
    streamBytes(c, source() as AsyncIterable<Uint8Array>, { 'content-type': 'application/octet-stream' }),
  );
});
afterAll(async () => {
  await kit.close();
  cleanUp();
});

/** Values, then perhaps a failure; counts how often it was closed. */
async function* from(values: readonly unknown[], failing?: unknown): AsyncGenerator<unknown> {
  try {
    yield* values;
    if (failing !== undefined) throw failing;
  } finally {
    closed++;
  }
}

async function* pieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  );
  for (const [at, place] of places.entries()) yield bytes.slice(place, places[at + 1] ?? bytes.length);
}

async function read(body: AsyncIterable<Uint8Array>): Promise<{ values: unknown[]; error?: unknown }> {
  const values: unknown[] = [];
  try {
    for await (const value of readNdjson(body, restoreError)) values.push(value);
    return { values };
  } catch (error) {
    return { values, error };
  }
}

const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('\n', '💥\u2028', '€'),
);
const plain = value
  .map((one) => JSON.parse(JSON.stringify(one)) as unknown)
  .filter((one) => !JSON.stringify(one).includes('__proto__'));
const cuts = fc.array(fc.nat(), { maxLength: 20 });
const encoded = (text: string) => new TextEncoder().encode(text);

describe('NDJSON between services', () => {
  it('is what was sent, wherever it is cut: also within a character', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(plain, { maxLength: 8 }), cuts, async (values, at) => {
        source = () => from(values);
        const sent = new Uint8Array(await (await app.request('/ndjson')).arrayBuffer());
        expect(await read(pieces(sent, at))).toEqual({ values });
      }),
      { numRuns: 60 },
    );
  });

  it('that breaks off anywhere before its end is told so, after every whole value', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(plain, { minLength: 1, maxLength: 5 }),
        fc.nat(),
        cuts,
        async (values, length, at) => {
          const lines = values.map((one) => `${JSON.stringify(one)}\n`);
          const whole = encoded(`${lines.join('')}{"$end":true}\n`);
          const part = whole.slice(0, length % whole.length);
          const { values: got, error } = await read(pieces(part, at));
          expect(error).toMatchObject({ code: 'upstream_interrupted', retryable: true });
          expect(got).toEqual(values.slice(0, got.length));
          const complete = lines.filter(
            (_, index) => encoded(lines.slice(0, index + 1).join('')).length <= part.length,
          );
          expect(got).toHaveLength(complete.length);
        },
      ),
    );
  });

  it.each(Object.keys(ERROR_CODES) as ErrorCode[])(
    'brings %s as it was thrown, after what came before',
    async (code) => {
      const failing = new PlatformError(code, 'why', { param: 'p', retry_after_ms: 7 });
      source = () => from([1, 2], failing);
      const response = await app.request('/ndjson');
      expect(response.status).toBe(200);
      const { values, error } = await read(pieces(new Uint8Array(await response.arrayBuffer()), [3, 9]));
      expect(values).toEqual([1, 2]);
      expect(error).toEqual(failing);
      expect(error).toMatchObject({
        code,
        retryable: ERROR_CODES[code].retryable,
        param: 'p',
        retry_after_ms: 7,
      });
    },
  );

  it('reads nothing behind its end, and nothing behind an error', async () => {
    const after = encoded('1\n{"$end":true}\n2\nno JSON');
    expect(await read(pieces(after, []))).toEqual({ values: [1] });
    const failed = encoded('{"$error":{"code":"forbidden","message":"m"}}\n2\n');
    expect((await read(pieces(failed, []))).error).toMatchObject({ code: 'forbidden' });
  });

  it('has no line beyond 8 MiB, and does not wait for its end to say so', async () => {
    const piece = encoded('x'.repeat(1024 * 1024));
    let given = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        given++;
        yield piece;
      }
    }
    expect(await failure(readNdjson(endless(), restoreError))).toMatchObject({ code: 'upstream_failed' });
    expect(given).toBe(9);
  });
});

describe('events for clients', () => {
  it('come in order, then their end, with headers that keep them from being stored', async () => {
    source = () => from(['a', { b: 1 }]);
    const response = await app.request('/events');
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-more': 'yes',
    });
    expect(await response.text()).toBe('data: "a"\n\ndata: {"b":1}\n\ndata: [DONE]\n\n');
  });

  it('that are refused before the first keep the status of the refusal', async () => {
    source = () => from([], new PlatformError('overloaded', 'full', { retry_after_ms: 1500 }));
    const response = await app.request('/events');
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('2');
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  });

  it('that fail later end with the error instead of their end, and nothing unknown in it', async () => {
    source = () => from(['a'], new Error('password=hunter2'));
    expect(await (await app.request('/events')).text()).toBe('data: "a"\n\nevent: error\ndata: internal\n\n');
  });

  it.each(['/events', '/ndjson', '/bytes'])(
    'asked for by HEAD on %s, have headers alone, and their source is closed',
    async (path) => {
      const before = closed;
      source = () => from([encoded('a'), encoded('b')]);
      const response = await app.request(path, { method: 'HEAD' });
      expect(response.status).toBe(200);
      expect(await response.text()).toBe('');
      expect(closed).toBe(before + 1);
    },
  );

  it.each(['/events', '/ndjson', '/bytes'])('whose client leaves %s close their source', async (path) => {
    const before = closed;
    source = () => from([encoded('a'), encoded('b'), encoded('c')]);
    const response = await app.request(path);
    const reader = response.body?.getReader();
    await reader?.read();
    await reader?.cancel();
    await expect.poll(() => closed).toBe(before + 1);
  });
});

describe('bytes', () => {
  it('come as they are, whatever their pieces', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 500 }), cuts, async (bytes, at) => {
        source = () => pieces(bytes, at);
        const got = Buffer.from(await (await app.request('/bytes')).arrayBuffer());
        expect(got.equals(Buffer.from(bytes))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('that fail in the middle break the connection: a part is not the whole', async () => {
    source = () => from([encoded('a')], new PlatformError('unavailable', 'gone'));
    const response = await app.request('/bytes');
    expect(response.status).toBe(200);
    await expect(response.arrayBuffer()).rejects.toThrow();
  });

  it('that are refused before the first keep the status of the refusal', async () => {
    source = () => from([], new PlatformError('not_found', 'none'));
    expect((await app.request('/bytes')).status).toBe(404);
  });
});
