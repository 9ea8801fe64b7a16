import { type CallContext, type ErrorCode, PlatformError } from '@mcp/contracts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { gatewayCall } from '../src/models.ts';
import { SentenceVectors } from '../src/pipeline/sentence-vectors.ts';

afterEach(() => vi.useRealTimers());

/** An embedding model that does what it is told, and what was counted. */
function serving(embed: (call: CallContext) => Promise<readonly number[][]>) {
  const counted: string[] = [];
  let asked = 0;
  const vectors = new SentenceVectors({
    kit: {
      log: { warn: () => undefined },
      metrics: { observe: (_: string, { status }: { status: string }) => counted.push(status) },
    } as never,
    inference: () => ({
      async embed({ model, input }, call) {
        asked++;
        const found = await embed(call);
        return { model, vectors: found.map((one) => [...one]), input_tokens: [input].flat().length };
      },
    }),
  });
  return { of: (call = gatewayCall(5000)) => vectors.of('m', ['a'], call), counted, asked: () => asked };
}
const refusal = (code: ErrorCode) => async () => {
  throw new PlatformError(code, 'No.');
};

describe('vectors of sentences', () => {
  it('come as they are', async () => {
    const { of, counted } = serving(async () => [[1, 2]]);
    expect(await of()).toEqual([[1, 2]]);
    expect(counted).toEqual(['ok']);
  });

  it.each<[ErrorCode, number]>([
    ['model_not_found', 1],
    ['unavailable', 1],
    ['overloaded', 1],
    // The next caller's texts may be allowed there.
    ['wrong_region', 2],
  ])('are done without on %s, and asked for again after a while', async (code, at_once) => {
    vi.useFakeTimers({ now: 0, toFake: ['Date'] });
    const { of, counted, asked } = serving(refusal(code));
    expect(await of()).toBeUndefined();
    expect(await of()).toBeUndefined();
    expect(asked()).toBe(at_once);
    vi.setSystemTime(11_000);
    expect(await of()).toBeUndefined();
    expect(asked()).toBe(at_once + 1);
    expect(new Set(counted)).toEqual(new Set(['unavailable']));
  });

  it('end with the call', async () => {
    const stopped = new AbortController();
    const { of, asked } = serving(async ({ signal }) => {
      stopped.abort(new Error('gone'));
      signal.throwIfAborted();
      return [];
    });
    await expect(of({ ...gatewayCall(5000), signal: stopped.signal })).rejects.toThrow('gone');
    expect(asked()).toBe(1);
  });
});
