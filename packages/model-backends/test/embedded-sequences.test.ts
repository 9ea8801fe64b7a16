import { PlatformError } from '@mcp/contracts';
import fc from 'fast-check';
import type { LlamaChat, LlamaContext, Token } from 'node-llama-cpp';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Sequence, Sequences } from '../src/embedded/sequences.ts';
import { refusalOf } from './support.ts';

const MIB = 1024 * 1024;

/** Contexts without a model: what was made, what was given up, and what each has read. */
class Contexts {
  readonly made: number[] = [];
  open = 0;
  spare_mib = 10_000;
  /** The next one cannot be made. */
  broken = false;
  readonly read = new Map<LlamaContext, readonly number[]>();

  begin(more: { max_context?: number; parallel?: number } = {}): Promise<Sequences> {
    return Sequences.begin({
      model: 'small',
      max_context: 16_384,
      parallel: 2,
      bytesOf: (tokens) => (tokens / 1024) * 100 * MIB,
      spareBytes: () => this.spare_mib * MIB,
      make: async (tokens) => this.#make(tokens),
      ...more,
    });
  }

  async #make(tokens: number): Promise<Sequence> {
    await Promise.resolve();
    if (this.broken) {
      this.broken = false;
      throw new Error('llama.cpp could not allocate');
    }
    this.made.push(tokens);
    this.open++;
    this.spare_mib -= (tokens / 1024) * 100;
    const context = {
      dispose: async () => {
        this.open--;
        this.spare_mib += (tokens / 1024) * 100;
      },
    } as unknown as LlamaContext;
    const compareContextTokens = (prompt: readonly number[]) => {
      const read = this.read.get(context) ?? [];
      const first = prompt.findIndex((token, at) => token !== read[at]);
      return { firstDifferentIndex: first < 0 ? prompt.length : first };
    };
    return { context, tokens, chat: { sequence: { compareContextTokens } } as unknown as LlamaChat };
  }
}

const need = (wanted: number, least = Math.min(wanted, 64)) => ({ wanted, least });
const prompt = (...tokens: number[]) => tokens as Token[];
const never = () => new AbortController().signal;
/** Whether it has come to an end after what can happen now has happened. */
const settled = async (work: Promise<unknown>) => {
  let done = false;
  work.then(
    () => {
      done = true;
    },
    () => {
      done = true;
    },
  );
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  return done;
};

let contexts: Contexts;
beforeEach(() => {
  contexts = new Contexts();
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('contexts that generations share', () => {
  it('begin with one of the least size, and grow by what is asked', async () => {
    const sequences = await contexts.begin();
    expect(contexts.made).toEqual([2048]);
    sequences.giveBack(await sequences.take(prompt(1), need(500), never()));
    expect(contexts.made).toEqual([2048]);
    sequences.giveBack(await sequences.take(prompt(1), need(3000), never()));
    expect(contexts.made).toEqual([2048, 4096]);
    expect(contexts.open).toBe(1);
    await sequences.close();
    expect(contexts.open).toBe(0);
  });

  it('are at most as many as may work at once; who comes later waits, first come first served', async () => {
    const sequences = await contexts.begin();
    const first = await sequences.take(prompt(1), need(500), never());
    const second = await sequences.take(prompt(1), need(500), never());
    const third = sequences.take(prompt(1), need(500), never());
    const fourth = sequences.take(prompt(1), need(500), never());
    expect(await settled(third)).toBe(false);
    sequences.giveBack(second);
    expect(await third).toBe(second);
    expect(await settled(fourth)).toBe(false);
    sequences.giveBack(first);
    expect(await fourth).toBe(first);
    expect(contexts.made).toEqual([2048, 2048]);
  });

  it('are lent to who has most of the prompt in it already', async () => {
    const sequences = await contexts.begin();
    const one = await sequences.take(prompt(1), need(500), never());
    const two = await sequences.take(prompt(1), need(500), never());
    contexts.read.set(one.context, [7, 8, 9]);
    contexts.read.set(two.context, [1, 2, 3]);
    sequences.giveBack(one);
    sequences.giveBack(two);
    expect(await sequences.take(prompt(1, 2, 9), need(500), never())).toBe(two);
  });

  it('let the next one pass when who stood before it leaves', async () => {
    // One works, one is free, and there is no memory for more.
    const sequences = await contexts.begin();
    const working = await sequences.take(prompt(1), need(500), never());
    sequences.giveBack(await sequences.take(prompt(1), need(500), never()));
    contexts.spare_mib = 0;
    const leaving = new AbortController();
    const large = sequences.take(prompt(1), need(8000, 8000), leaving.signal);
    const small = sequences.take(prompt(1), need(500), never());
    expect(await settled(small)).toBe(false);
    leaving.abort(new PlatformError('cancelled', 'enough'));
    expect(await refusalOf(large)).toMatchObject({ code: 'cancelled', message: 'enough' });
    expect(await small).not.toBe(working);
  });

  it.each([
    ['before', (abort: AbortController) => abort.abort()],
    ['while waiting', (abort: AbortController) => queueMicrotask(() => abort.abort())],
  ])('are not lent to who has left %s', async (_, leave) => {
    const sequences = await contexts.begin({ parallel: 1 });
    const working = await sequences.take(prompt(1), need(500), never());
    const abort = new AbortController();
    leave(abort);
    expect((await refusalOf(sequences.take(prompt(1), need(500), abort.signal))).code).toBe('cancelled');
    sequences.giveBack(working);
    expect(await sequences.take(prompt(1), need(500), never())).toBe(working);
  });

  it('refuse what there is no memory for, saying how much and when to try again, and serve the next', async () => {
    const sequences = await contexts.begin();
    contexts.spare_mib = 0;
    const large = sequences.take(prompt(1), need(9000, 9000), never());
    const small = sequences.take(prompt(1), need(500), never());
    expect(await refusalOf(large)).toMatchObject({
      code: 'unavailable',
      param: 'messages',
      retry_after_ms: 5000,
      message: expect.stringContaining('not the memory for the 9000 tokens that small would have to hold'),
    });
    expect((await small).tokens).toBe(2048);
  });

  it('are smaller than wanted where memory is short, as long as an answer fits', async () => {
    const sequences = await contexts.begin();
    contexts.spare_mib = 300;
    const got = await sequences.take(prompt(1), need(16_000, 2100), never());
    expect(got.tokens).toBe(4096);
  });

  it('refuse when one could not be made after all, and can be made later', async () => {
    const sequences = await contexts.begin();
    contexts.broken = true;
    expect(await refusalOf(sequences.take(prompt(1), need(3000), never()))).toMatchObject({
      code: 'unavailable',
      cause: new Error('llama.cpp could not allocate'),
    });
    expect((await sequences.take(prompt(1), need(3000), never())).tokens).toBe(4096);
  });

  it('are one small one again after five idle minutes, and not before', async () => {
    const sequences = await contexts.begin();
    const both = [
      await sequences.take(prompt(1), need(9000), never()),
      await sequences.take(prompt(1), need(500), never()),
    ];
    for (const one of both) sequences.giveBack(one);
    expect(contexts.open).toBe(2);
    await vi.advanceTimersByTimeAsync(299_000);
    expect(contexts.open).toBe(2);
    await vi.advanceTimersByTimeAsync(2000);
    expect(contexts.open).toBe(1);
    expect(contexts.made.at(-1)).toBe(2048);
  });

  it('stay as they are while one works', async () => {
    const sequences = await contexts.begin();
    await sequences.take(prompt(1), need(9000), never());
    sequences.giveBack(await sequences.take(prompt(1), need(9000), never()));
    await vi.advanceTimersByTimeAsync(600_000);
    expect(contexts.open).toBe(2);
  });

  it('are never lent twice, never too small, and all come back, whatever is asked and left', async () => {
    const step = fc.oneof(
      fc.record({ act: fc.constant('take' as const), wanted: fc.integer({ min: 1, max: 16_000 }) }),
      fc.record({ act: fc.constantFrom('give' as const, 'leave' as const), at: fc.nat(5) }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 30 }),
        fc.integer({ min: 250, max: 3000 }),
        async (steps, spare_mib) => {
          contexts = new Contexts();
          const sequences = await contexts.begin();
          contexts.spare_mib = spare_mib;
          const lent: Sequence[] = [];
          const open: { abort: AbortController; work: Promise<void> }[] = [];
          const take = (wanted: number) => {
            const abort = new AbortController();
            const work = sequences.take(prompt(1), need(wanted, Math.ceil(wanted / 2)), abort.signal).then(
              (got) => {
                expect(lent).not.toContain(got);
                expect(got.tokens).toBeGreaterThanOrEqual(Math.ceil(wanted / 2));
                lent.push(got);
              },
              (error: unknown) => {
                expect(['cancelled', 'unavailable']).toContain((error as PlatformError).code);
              },
            );
            open.push({ abort, work });
          };
          const give = (at: number) => {
            const [one] = lent.splice(at % Math.max(1, lent.length), 1);
            if (one !== undefined) sequences.giveBack(one);
          };
          for (const one of steps) {
            if (one.act === 'take') take(one.wanted);
            else if (one.act === 'give') give(one.at);
            else open[one.at % Math.max(1, open.length)]?.abort.abort();
            await settled(Promise.resolve());
            expect(contexts.open).toBeLessThanOrEqual(2);
          }
          // Nobody waits for ever once all give back.
          for (let turn = 0; turn < 100; turn++) {
            give(0);
            await settled(Promise.resolve());
          }
          await Promise.all(open.map(({ work }) => work));
          await sequences.close();
          expect(contexts.open).toBe(0);
        },
      ),
      { numRuns: 100 },
    );
  });
});
