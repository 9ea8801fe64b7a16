import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AdaptiveLimit, type Ticket } from '../src/adaptive-limit.ts';

/** A server that takes so many at once and refuses the rest; callers send as many as the limit lets them, in rounds. */
function rounds(limit: AdaptiveLimit, { capacity, times }: { capacity: number; times: number }): number[] {
  const refusals: number[] = [];
  for (let round = 0; round < times; round++) {
    const tickets: Ticket[] = [];
    while (limit.free) tickets.push(limit.begin());
    const refused = tickets.splice(capacity);
    for (const ticket of refused) limit.end(ticket, 'refused');
    for (const ticket of tickets) limit.end(ticket, 'served');
    refusals.push(refused.length);
  }
  return refusals;
}

describe('the adaptive limit', () => {
  it('stays between 1 and its maximum, and counts who runs, whatever happens', () => {
    const step = fc.record({
      begin: fc.boolean(),
      pick: fc.nat(50),
      outcome: fc.constantFrom('served' as const, 'refused' as const, 'other' as const),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.array(step, { maxLength: 300 }), (max, steps) => {
        const limit = new AdaptiveLimit(max);
        const open: Ticket[] = [];
        for (const { begin, pick, outcome } of steps) {
          const before = limit.limit;
          if (begin && limit.free) open.push(limit.begin());
          else if (open.length > 0) {
            const [ticket] = open.splice(pick % open.length, 1);
            if (ticket !== undefined) limit.end(ticket, outcome);
            if (outcome === 'served') expect(limit.limit).toBeGreaterThanOrEqual(before);
            if (outcome === 'refused') expect(limit.limit).toBeLessThanOrEqual(before);
            if (outcome === 'other') expect(limit.limit).toBe(before);
            // Additive up, multiplicative down.
            expect(limit.limit - before).toBeLessThanOrEqual(1);
          }
          expect(limit.limit).toBeGreaterThanOrEqual(1);
          expect(limit.limit).toBeLessThanOrEqual(max);
          expect(limit.running).toBe(open.length);
        }
      }),
    );
  });

  it('finds what a server takes at once, stays near it, and finds it again when it becomes more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), fc.integer({ min: 1, max: 3 }), (capacity, growth) => {
        const limit = new AdaptiveLimit(512);
        rounds(limit, { capacity, times: 30 });
        for (let round = 0; round < 50; round++) {
          rounds(limit, { capacity, times: 1 });
          expect(limit.limit).toBeLessThanOrEqual(capacity + 1);
          expect(limit.limit).toBeGreaterThanOrEqual(Math.max(1, Math.floor(capacity * 0.7) - 1));
        }
        const later = capacity * growth;
        rounds(limit, { capacity: later, times: later * 10 });
        expect(limit.limit).toBeGreaterThanOrEqual(Math.max(1, Math.floor(later * 0.7) - 1));
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    [1, 70],
    [60, 40],
    [100, 25],
  ])('is lowered once for %i of 100 that were refused together, to what the server kept', (refused, left) => {
    const limit = new AdaptiveLimit(100);
    const tickets = Array.from({ length: 100 }, () => limit.begin());
    for (const ticket of tickets.slice(0, refused)) limit.end(ticket, 'refused');
    expect(limit.limit).toBe(left);
  });

  it('is not lowered by the refusal of one that was alone: that was none too many', () => {
    const limit = new AdaptiveLimit(8);
    limit.end(limit.begin(), 'refused');
    expect(limit.limit).toBe(8);
  });
});
