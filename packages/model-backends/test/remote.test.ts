import { type ChatCompletionRequest, type ModelBackend, PlatformError } from '@mcp/contracts';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { contextFor } from '../src/ollama/body.ts';
import { backendOf, signal } from './support.ts';
import { ELSEWHERE } from './under-test.ts';

afterEach(() => vi.restoreAllMocks());

/** The clock that lists are kept by, moved by hand. */
function movableClock(): { pass(ms: number): void } {
  const real = performance.now.bind(performance);
  let moved_ms = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => real() + moved_ms);
  return {
    pass(ms) {
      moved_ms += ms;
    },
  };
}

const ids = async (backend: ModelBackend) => (await backend.models(signal())).map(({ id }) => id);

/** Those that list their models themselves. */
const LISTING = ELSEWHERE.filter(([, { list }]) => list !== undefined);

describe.each(LISTING)('the list of models of %s', (name, { env, list, describe: lists }) => {
  const start = async () => {
    const server = { up: true, reads: 0 };
    const backend = await backendOf(name, env, async (path, _body, { json }) => {
      if (path === list) server.reads++;
      return server.up || path !== list ? json(200, lists(path)) : json(500, { error: { message: 'no' } });
    });
    return { server, backend };
  };

  it('stays as it was known while it cannot be read, however long', async () => {
    const clock = movableClock();
    const { server, backend } = await start();
    expect(await ids(backend)).toEqual(['chat']);
    server.up = false;
    for (let round = 0; round < 5; round++) {
      const before = server.reads;
      // It is read again beside the request that asks, once the reading before has ended.
      const asked = async () => {
        clock.pass(3_600_000);
        expect(await ids(backend)).toEqual(['chat']);
        return server.reads;
      };
      await expect.poll(asked).toBeGreaterThan(before);
    }
  });

  it('is asked for again after a pause that grows, and says when, as long as it never came', async () => {
    const clock = movableClock();
    const { server, backend } = await start();
    server.up = false;
    const refusal = async () => {
      try {
        return await ids(backend);
      } catch (error) {
        if (error instanceof PlatformError) return error;
        throw error;
      }
    };
    expect(await refusal()).toMatchObject({ code: 'unavailable', status: 503, retry_after_ms: 1000 });
    expect(await refusal()).toMatchObject({ code: 'unavailable' });
    expect(server.reads).toBe(1);
    clock.pass(1001);
    expect(await refusal()).toMatchObject({ code: 'unavailable' });
    expect(server.reads).toBe(2);
    server.up = true;
    clock.pass(2001);
    expect(await refusal()).toEqual(['chat']);
  });
});

const Body = z.object({ options: z.object({ num_ctx: z.number() }) });

describe('the context that Ollama is asked to hold', () => {
  const ask = (chars: number, more: Partial<ChatCompletionRequest> = {}): ChatCompletionRequest => ({
    model: 'm',
    messages: [{ role: 'user', content: 'x'.repeat(chars) }],
    ...more,
  });

  it('holds the prompt and the answer, is one of few sizes, and within what the model has', () => {
    fc.assert(
      fc.property(
        fc.nat(200_000),
        fc.option(fc.integer({ min: 1, max: 100_000 }), { nil: undefined }),
        fc.integer({ min: 512, max: 1_000_000 }),
        (chars, max_tokens, max_context) => {
          const size = contextFor(ask(chars, max_tokens === undefined ? {} : { max_tokens }), max_context);
          expect(size).toBeLessThanOrEqual(max_context);
          expect(size === max_context || Number.isInteger(Math.log2(size))).toBe(true);
          if (size < max_context) expect(size).toBeGreaterThanOrEqual(chars / 4 + (max_tokens ?? 0));
        },
      ),
    );
  });

  it('grows with what is needed and never shrinks, so that the model is not loaded anew for each call', async () => {
    const sizes: number[] = [];
    const backend = await backendOf(
      'ollama',
      (url) => ({ OLLAMA_URL: url }),
      async (path, body, { json }) => {
        if (/tags/.test(path)) return json(200, { models: [{ name: 'm' }] });
        if (/show/.test(path))
          return json(200, { capabilities: ['completion'], model_info: { 'llama.context_length': 32_768 } });
        sizes.push(Body.parse(body).options.num_ctx);
        json(200, { message: { role: 'assistant', content: 'ok' }, done: true, eval_count: 1 });
      },
    );
    for (const chars of [10, 3000, 30_000, 10, 400_000, 10]) {
      const options = { signal: signal(), deadline_ms: Date.now() + 5000, traceparent: undefined };
      for await (const _ of backend.generate(ask(chars), options));
    }
    expect(sizes).toEqual([4096, 4096, 16_384, 16_384, 32_768, 32_768]);
  });
});
