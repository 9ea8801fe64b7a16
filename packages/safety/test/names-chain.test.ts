/** The chain of the classifier of names: its sums are those of every path counted one by one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chainOf, STATES, startOfChain } from '../src/pii/names/chain.ts';
import { isCommon } from '../src/pii/names/word-filters.ts';
import { piiIn } from '../src/pii/reader.ts';

const score = fc.double({ min: -4, max: 4, noNaN: true });
const chain = fc.integer({ min: 1, max: 4 }).chain((length) =>
  fc.record({
    emissions: fc.array(score, { minLength: length * STATES, maxLength: length * STATES }),
    weights: fc.array(score, { minLength: STATES * STATES, maxLength: STATES * STATES }),
  }),
);

/** The share of all paths in which a candidate has a state. */
function counted(emissions: readonly number[], weights: readonly number[], at: number): number[] {
  const sums = new Array<number>(STATES).fill(0);
  const length = emissions.length / STATES;
  for (let path = 0; path < STATES ** length; path++) {
    const states = Array.from({ length }, (_, i) => Math.floor(path / STATES ** i) % STATES);
    const total = states.reduce((sum, state, i) => {
      const prior = i === 0 ? STATES - 1 : (states[i - 1] ?? 0);
      return sum + (emissions[i * STATES + state] ?? 0) + (weights[prior * STATES + state] ?? 0);
    }, 0);
    const own = states[at] ?? 0;
    sums[own] = (sums[own] ?? 0) + Math.exp(total);
  }
  const all = sums.reduce((sum, one) => sum + one, 0);
  return sums.map((one) => one / all);
}

describe('the chain', () => {
  it('has for every candidate the probabilities that all paths together give', () => {
    fc.assert(
      fc.property(chain, ({ emissions, weights }) => {
        const length = emissions.length / STATES;
        const { alphas, betas } = chainOf(Float64Array.from(emissions), new Array<number>(length).fill(0), {
          factors: Float64Array.from(weights, Math.exp),
          before: startOfChain(),
        });
        for (let at = 0; at < length; at++) {
          const own = Array.from({ length: STATES }, (_, state) => {
            const index = at * STATES + state;
            return (alphas[index] ?? 0) * (betas[index] ?? 0);
          });
          const all = own.reduce((sum, one) => sum + one, 0);
          counted(emissions, weights, at).forEach((share, state) => {
            expect((own[state] ?? 0) / all).toBeCloseTo(share, 6);
          });
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('words that name nobody', () => {
  it.each(['the', 'table', 'wohne', 'middleware', 'computing'])('%s is one', (word) => {
    expect(isCommon(word)).toBe(true);
  });

  it.each(['kowalski', 'nguyen', 'budapest', 'hernández', 'utca'])('%s is none', (word) => {
    expect(isCommon(word)).toBe(false);
  });
});

describe('names', () => {
  const found = (text: string) =>
    piiIn(text).map(({ kind, start, end }) => `${kind} ${text.slice(start, end)}`);

  it.each([
    ['my name is john kowalski', 'person john kowalski'],
    ['please ask Ludwig van der Berg about it', 'person Ludwig van der Berg'],
    ['Everybody was there: Anna, Pedro, Yusuf and Ingrid.', 'person Ingrid'],
    ['Send it to 12 Harrow Street, Flat 3, Leeds', 'address 12 Harrow Street, Flat 3, Leeds'],
    [
      'meet me at the corner of Mill Lane and Station Road',
      'address the corner of Mill Lane and Station Road',
    ],
  ])('are whole in %j', (text, span) => {
    expect(found(text)).toContain(span);
  });

  it.each([
    'the names <PERSON_1> and <LOCATION_2> stand for values, as does <ADDRESS_3>',
    'install the middleware, configure eslint and restart nginx',
    'Kubernetes and Docker run on Linux',
  ])('are none in %j', (text) => {
    expect(found(text)).toEqual([]);
  });
});
