import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReadingPace } from '../src/embedded/prefill.ts';
import { Sampler, type Sampling } from '../src/embedded/sampler.ts';
import { StopText } from '../src/embedded/stop-text.ts';

const sampling: Sampling = {
  temperature: 1,
  top_p: 1,
  top_k: 0,
  min_p: 0,
  frequency_penalty: 0,
  presence_penalty: 0,
  seed: 1,
};
type Distribution = ReadonlyMap<string, number>;

const distribution: fc.Arbitrary<Distribution> = fc
  .array(fc.double({ min: 0.001, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 })
  .map((weights) => {
    const total = weights.reduce((sum, one) => sum + one, 0);
    return new Map(
      weights.sort((a, b) => b - a).map((weight, at): [string, number] => [`t${at}`, weight / total]),
    );
  });
const options: fc.Arbitrary<Sampling> = fc.record({
  temperature: fc.double({ min: 0, max: 2, noNaN: true }),
  top_p: fc.double({ min: 0, max: 1, noNaN: true }),
  top_k: fc.nat(20),
  min_p: fc.double({ min: 0, max: 1, noNaN: true }),
  frequency_penalty: fc.double({ min: -2, max: 2, noNaN: true }),
  presence_penalty: fc.double({ min: -2, max: 2, noNaN: true }),
  seed: fc.integer(),
});
const chosen = (with_options: Partial<Sampling>, from: Distribution, times: number) => {
  const sampler = new Sampler<string>({ ...sampling, ...with_options });
  return Array.from({ length: times }, () => sampler.choose(from));
};
/** How often each was chosen, as a share. */
const shares = (tokens: readonly string[]) => {
  const count = new Map<string, number>();
  for (const token of tokens) count.set(token, (count.get(token) ?? 0) + 1 / tokens.length);
  return count;
};
const THREE: Distribution = new Map([
  ['a', 0.6],
  ['b', 0.3],
  ['c', 0.1],
]);

describe('the choice of a token', () => {
  it('is one that the model gave a chance, and the same for the same seed', () => {
    fc.assert(
      fc.property(distribution, options, (from, given) => {
        const first = chosen(given, from, 10);
        for (const token of first) expect(from.get(token)).toBeGreaterThan(0);
        expect(chosen(given, from, 10)).toEqual(first);
      }),
    );
  });

  it('is one of the likeliest top_k', () => {
    fc.assert(
      fc.property(distribution, options, fc.integer({ min: 1, max: 12 }), (from, given, top_k) => {
        const allowed = [...from.keys()].slice(0, top_k);
        for (const token of chosen({ ...given, top_k }, from, 10)) expect(allowed).toContain(token);
      }),
    );
  });

  it('is within the nucleus: those before it have less than top_p together', () => {
    fc.assert(
      fc.property(distribution, fc.double({ min: 0.01, max: 1, noNaN: true }), (from, top_p) => {
        for (const token of chosen({ top_p }, from, 10)) {
          const before = [...from].slice(0, [...from.keys()].indexOf(token));
          expect(before.reduce((sum, [, probability]) => sum + probability, 0)).toBeLessThan(
            before.length === 0 ? 1 : top_p + 1e-9,
          );
        }
      }),
    );
  });

  it('is at least min_p as likely as the likeliest', () => {
    fc.assert(
      fc.property(distribution, fc.double({ min: 0, max: 1, noNaN: true }), (from, min_p) => {
        const most = Math.max(...from.values());
        for (const token of chosen({ min_p }, from, 10))
          expect(from.get(token)).toBeGreaterThanOrEqual(Math.min(most, min_p * most));
      }),
    );
  });

  it.each<[string, Partial<Sampling>, Distribution]>([
    ['no temperature', { temperature: 0 }, THREE],
    ['one candidate', { top_k: 1 }, THREE],
    ['a nucleus of nothing', { top_p: 0 }, THREE],
    ['a threshold of all', { min_p: 1 }, THREE],
    ['hardly a temperature', { temperature: 1e-308 }, THREE],
    ['the least temperature that there is', { temperature: Number.MIN_VALUE }, THREE],
    ['others without a chance', {}, new Map([...THREE].map(([token], at) => [token, at === 0 ? 1 : 0]))],
  ])('is always the likeliest with %s', (_, given, from) => {
    expect(new Set(chosen(given, from, 50))).toEqual(new Set(['a']));
  });

  it.each([
    [0.5, [0.36, 0.09, 0.01]],
    [1, [0.6, 0.3, 0.1]],
    [2, [0.6 ** 0.5, 0.3 ** 0.5, 0.1 ** 0.5]],
  ])('follows the distribution at temperature %d', (temperature, weights) => {
    const got = shares(chosen({ temperature }, THREE, 20_000));
    const total = weights.reduce((sum, one) => sum + one, 0);
    for (const [at, token] of ['a', 'b', 'c'].entries())
      expect(got.get(token)).toBeCloseTo((weights[at] ?? 0) / total, 1);
  });

  it.each<[string, Partial<Sampling>, string[]]>([
    ['none', {}, ['a', 'a', 'a', 'a']],
    // e^-2 of 0.6 is 0.08: less than any other.
    ['one for having come', { presence_penalty: 2 }, ['a', 'b', 'c', 'a']],
    ['one for each time', { frequency_penalty: 0.5 }, ['a', 'a', 'b', 'a']],
    ['a reward', { frequency_penalty: -2 }, ['a', 'a', 'a', 'a']],
  ])('falls on others after a penalty: %s', (_, given, tokens) => {
    expect(chosen({ ...given, temperature: 0 }, THREE, 4)).toEqual(tokens);
  });

  it('differs with the seed', () => {
    const runs = new Set([1, 2, 3, 2 ** 31, -1].map((seed) => chosen({ seed }, THREE, 40).join('')));
    expect(runs.size).toBe(5);
  });

  it('fails where the model gave no distribution', () => {
    expect(() => chosen({}, new Map(), 1)).toThrow('no distribution');
    expect(() => chosen({}, new Map([['a', 0]]), 1)).toThrow('no distribution');
  });
});

const stop = fc.stringMatching(/^[ab]{1,4}$/);
/** Texts that come near to stop strings, in pieces. */
const spoken = fc.array(fc.stringMatching(/^[abc]{0,4}$/), { maxLength: 12 });

/** What was said of the pieces, each piece's index being what belongs to it. */
function say(stops: readonly string[], pieces: readonly string[]) {
  const held = new StopText<number>(stops);
  const said: { text: string; items: number[] } = { text: '', items: [] };
  const steps: string[] = [];
  for (const [at, piece] of pieces.entries()) {
    const out = held.push(piece, [at]);
    said.text += out.text;
    said.items.push(...out.items);
    steps.push(said.text);
    if (out.stopped) return { ...said, steps, stopped: true };
  }
  const rest = held.end();
  return { text: said.text + rest.text, items: [...said.items, ...rest.items], steps, stopped: false };
}

describe('text before a stop string', () => {
  it('is all that comes before the first one, and nothing of it is ever said', () => {
    fc.assert(
      fc.property(fc.array(stop, { maxLength: 3 }), spoken, (stops, pieces) => {
        const whole = pieces.join('');
        const { text, stopped, items } = say(stops, pieces);
        expect(whole.startsWith(text)).toBe(true);
        expect(stopped).toBe(stops.some((one) => whole.includes(one)));
        for (const one of stops) expect(text).not.toContain(one);
        if (!stopped) expect(text).toBe(whole);
        else expect(stops.some((one) => whole.startsWith(one, text.length))).toBe(true);
        expect(items).toEqual(items.map((_, at) => at));
      }),
      { numRuns: 1000 },
    );
  });

  it('does not depend on the pieces when there is one stop string', () => {
    fc.assert(
      fc.property(stop, spoken, (one, pieces) => {
        const whole = pieces.join('');
        expect(say([one], pieces).text).toBe(say([one], [...whole]).text);
        expect(say([one], pieces).text).toBe(say([one], [whole]).text);
      }),
    );
  });

  it('is held back only as long as it may become one', () => {
    fc.assert(
      fc.property(stop, spoken, (one, pieces) => {
        const { steps } = say([one], pieces);
        for (const [at, said] of steps.entries()) {
          const given = pieces.slice(0, at + 1).join('');
          const held = given.slice(said.length);
          if (held !== '' && !given.includes(one))
            expect(
              Array.from({ length: one.length }, (_, size) => one.slice(0, size + 1)).some((part) =>
                held.endsWith(part),
              ),
            ).toBe(true);
        }
      }),
    );
  });

  it('passes at once where there are none', () => {
    const held = new StopText<number>([]);
    expect(held.push('any', [1])).toEqual({ text: 'any', items: [1], stopped: false });
    expect(held.end()).toEqual({ text: '', items: [] });
  });
});

describe('the pace of reading a prompt', () => {
  it('is of 8 to 128 tokens, however it went', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.nat(1000), fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 1e6, noNaN: true }))),
        ),
        (measured) => {
          const pace = new ReadingPace();
          for (const [tokens, duration_ms] of measured) {
            pace.took(tokens, duration_ms);
            expect(pace.piece()).toBeGreaterThanOrEqual(8);
            expect(pace.piece()).toBeLessThanOrEqual(128);
            expect(Number.isInteger(pace.piece())).toBe(true);
          }
        },
      ),
    );
  });

  it.each([
    [0.1, 8],
    [0.5, 30],
    [1, 60],
    [100, 128],
  ])('comes to what is read within 60 ms: %d tokens in one make %d', (tokens_per_ms, piece) => {
    const pace = new ReadingPace();
    for (let time = 0; time < 40; time++) pace.took(tokens_per_ms * 10, 10);
    expect(pace.piece()).toBe(piece);
  });
});
