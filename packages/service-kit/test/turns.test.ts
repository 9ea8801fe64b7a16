import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Turns } from '../src/http/turns.ts';

const nextTurn = () => new Promise<void>((done) => setImmediate(done));

test('few begin in one turn of the event loop, all of them in the order of asking', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(40), { maxLength: 12 }), async (arrivals) => {
      const turns = new Turns();
      const begun: number[] = [];
      let asked = 0;
      let before = 0;
      for (let at = 0; at < arrivals.length || begun.length < asked; at++) {
        for (let more = arrivals[at] ?? 0; more > 0; more--) {
          const mine = asked++;
          turns.take(() => begun.push(mine));
        }
        await nextTurn();
        // What this turn began by itself, and what those that waited had begun before it.
        expect(begun.length - before).toBeLessThanOrEqual(16);
        expect(begun.length).toBeGreaterThanOrEqual(Math.min(asked, before + 8));
        before = begun.length;
      }
      expect(begun).toEqual(Array.from({ length: asked }, (_, number) => number));
    }),
  );
});

test('what comes alone begins at once', async () => {
  const turns = new Turns();
  let begun = 0;
  turns.take(() => begun++);
  expect(begun).toBe(1);
  for (let number = 0; number < 20; number++) turns.take(() => begun++);
  expect(begun).toBe(8);
  await nextTurn();
  await nextTurn();
  await nextTurn();
  expect(begun).toBe(21);
});
