import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bounds, contextSize, type Held, MIN_CONTEXT, nextMove } from '../src/embedded/growth.ts';
import { spareBytes } from '../src/embedded/memory.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

const held = fc.array(
  fc.record({
    tokens: fc.constantFrom(2048, 4096, 8192, 16_384),
    free: fc.boolean(),
    shared: fc.nat(2000),
  }),
  { maxLength: 4 },
);
const need = fc
  .tuple(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 20_000 }))
  .map(([a, b]) => ({ wanted: Math.max(a, b), least: Math.min(a, b) }));
const bounds = fc.record({
  max_context: fc.constantFrom(1024, 4096, 16_384, 32_768),
  max_held: fc.integer({ min: 1, max: 4 }),
  spare_bytes: fc.nat(2000 * MIB),
  per_token: fc.integer({ min: 1000, max: 60_000 }),
});

function boundsOf({ per_token, ...rest }: Omit<Bounds, 'bytesOf'> & { per_token: number }): Bounds {
  return { ...rest, bytesOf: (tokens) => 20 * MIB + tokens * per_token };
}

/** A request that the model could hold at all, and contexts that it could have. */
const situation = fc.tuple(held, need, bounds).map(([list, { wanted, least }, limits]) => ({
  list: list.filter(({ tokens }) => tokens <= limits.max_context).slice(0, limits.max_held) as Held[],
  need: { wanted: Math.min(wanted, limits.max_context), least: Math.min(least, limits.max_context) },
  limits: boundsOf(limits),
}));

describe('where a generation takes place', () => {
  it('is free and large enough, within the bounds, and in memory that there is', () => {
    fc.assert(
      fc.property(situation, ({ list, need: asked, limits }) => {
        const move = nextMove(list, asked, limits);
        const busy = list.filter(({ free }) => !free).length;
        if (move.type === 'use') {
          const chosen = list[move.at];
          expect(chosen?.free).toBe(true);
          expect(chosen?.tokens).toBeGreaterThanOrEqual(asked.least);
        }
        if (move.type === 'make') {
          expect(move.tokens).toBeGreaterThanOrEqual(asked.least);
          expect(move.tokens).toBeLessThanOrEqual(limits.max_context);
          expect(move.tokens).toBeLessThanOrEqual(contextSize(asked.wanted, limits.max_context));
          expect(move.drop.every((at) => list[at]?.free === true)).toBe(true);
          expect(list.length - move.drop.length + 1).toBeLessThanOrEqual(Math.max(limits.max_held, busy));
          const given = move.drop.reduce((sum, at) => sum + limits.bytesOf(list[at]?.tokens ?? 0), 0);
          expect(limits.bytesOf(move.tokens)).toBeLessThanOrEqual(limits.spare_bytes + given);
        }
        if (move.type === 'wait') expect(busy).toBeGreaterThan(0);
        // Nothing that works here would ever end and make a difference.
        if (move.type === 'refuse') expect(busy).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });

  it('comes to a generation: what is made is then used, unless there is no memory at all', () => {
    fc.assert(
      fc.property(situation, ({ list, need: asked, limits }) => {
        const move = nextMove(list, asked, limits);
        if (move.type !== 'make') return;
        const kept = list.filter((_, at) => !move.drop.includes(at));
        const after = [...kept, { tokens: move.tokens, free: true, shared: 0 }];
        expect(nextMove(after, asked, { ...limits, spare_bytes: 0 })).toEqual({
          type: 'use',
          at: kept.length,
        });
      }),
      { numRuns: 2000 },
    );
  });

  it('begins small, grows by what is asked, and prefers what has read the prompt', () => {
    const limits = boundsOf({ max_context: 8192, max_held: 2, spare_bytes: GIB, per_token: 28_672 });
    const small: Held = { tokens: MIN_CONTEXT, free: true, shared: 0 };
    expect(nextMove([small], { wanted: 600, least: 64 }, limits)).toEqual({ type: 'use', at: 0 });
    expect(nextMove([small], { wanted: 3000, least: 64 }, limits)).toEqual({
      type: 'make',
      tokens: 4096,
      drop: [0],
    });
    expect(nextMove([{ ...small, free: false }], { wanted: 600, least: 64 }, limits)).toEqual({
      type: 'make',
      tokens: MIN_CONTEXT,
      drop: [],
    });
    const read: Held = { tokens: 8192, free: true, shared: 500 };
    expect(nextMove([small, read], { wanted: 600, least: 64 }, limits)).toEqual({ type: 'use', at: 1 });
    const busy: Held = { ...small, free: false };
    expect(nextMove([busy, busy], { wanted: 600, least: 64 }, limits)).toEqual({ type: 'wait' });
  });
});

describe('the memory that may still be taken', () => {
  it('leaves 256 MiB or a sixteenth, of the container where there is one, else of the machine', () => {
    const reading = { total: 8 * GIB, free: 5 * GIB, limit: 0, resident: GIB };
    expect(spareBytes(reading)).toBe(5 * GIB - GIB / 2);
    expect(spareBytes({ ...reading, limit: 4 * GIB })).toBe(3 * GIB - 256 * MIB);
    // What stands for no limit is beyond every machine.
    expect(spareBytes({ ...reading, limit: 2 ** 63 })).toBe(spareBytes(reading));
    expect(spareBytes({ ...reading, limit: GIB })).toBe(0);
  });
});
