/** A source is read on while its reader is not ready: nothing is lost or moved, and little is held. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ReadAhead } from '../src/index.ts';

/** Strings go together while they are short; those that begin with `!` stay alone. */
const merge = (a: string, b: string) =>
  a.startsWith('!') || b.startsWith('!') || a.length + b.length > 20 ? undefined : a + b;

it('gives every value once and in order, and its failure or end after them', async () => {
  const piece = fc
    .tuple(fc.constantFrom('', '!'), fc.string({ maxLength: 5 }))
    .map(([mark, text]) => mark + text);
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 60 }),
      fc.array(fc.nat(3), { minLength: 1 }),
      fc.boolean(),
      async (values, delays, fails) => {
        let pulled = 0;
        async function* source() {
          for (const value of values) {
            pulled++;
            yield value;
          }
          if (fails) throw new Error('broke off');
        }
        const reader = new ReadAhead(source());
        const got: string[] = [];
        let failure: unknown;
        for (let round = 0; ; round++) {
          const next = await reader.next().catch((error: unknown) => {
            failure = error;
            return { done: true as const, value: undefined };
          });
          if (next.done === true) break;
          got.push(next.value);
          const turns = delays[round % delays.length] ?? 0;
          if (turns === 0) continue;
          let ready = Promise.resolve();
          for (let n = 0; n < turns * 8; n++) ready = ready.then(() => undefined);
          const held = await reader.gather(ready, { merge });
          expect(held.length).toBeLessThanOrEqual(16);
          got.push(...held);
        }
        expect(got.join('')).toBe(values.join(''));
        expect(got.filter((one) => one.startsWith('!'))).toEqual(values.filter((one) => one.startsWith('!')));
        expect(pulled).toBe(values.length);
        expect(failure instanceof Error).toBe(fails);
      },
    ),
  );
});

it('holds the source back when as much is held as may be', async () => {
  let pulled = 0;
  async function* endless() {
    for (;;) yield `!${pulled++}`;
  }
  const reader = new ReadAhead(endless());
  const { promise: ready, resolve } = Promise.withResolvers<void>();
  const held = reader.gather(ready, { merge });
  for (let n = 0; n < 1000; n++) await Promise.resolve();
  expect(pulled).toBe(16);
  resolve();
  expect(await held).toHaveLength(16);
});
