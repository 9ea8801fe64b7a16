/** Contradictions between candidates on the level of claims: what is one, what is none, and whom it is held against. */
import {
  ArbitrationTerms,
  type ContradictionKind,
  Decision,
  type FinishReason,
  type RecordedContradiction,
} from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arbitrate,
  contradictionQuestion,
  contradictionsOf,
  digestOf,
  extraTaskOf,
  extraTurnFor,
  soundnessQuestion,
  yesOf,
} from '../src/index.ts';

const TERMS = ArbitrationTerms.parse({});
const STOP: FinishReason = { unified: 'stop', raw: 'stop' };
const IDS = ['modelA', 'modelB', 'modelC', 'modelD'];
const DEFAULT = { question: '', least: TERMS.thresholds.contradiction };

function between(texts: readonly string[], options: Partial<typeof DEFAULT> = {}) {
  return contradictionsOf(
    texts.map((text, at) => ({ participant: IDS[at] ?? '', text })),
    { ...DEFAULT, ...options },
  );
}

describe('a contradiction between two answers', () => {
  it.each<[ContradictionKind, string, string]>([
    ['verdict', 'Yes, a tomato is a fruit.', 'No, it is counted as a vegetable.'],
    ['negation', 'The vaccine prevents severe disease.', 'The vaccine does not prevent severe disease.'],
    ['negation', 'Coffee improves memory in adults.', 'Coffee does not improve the memory of adults.'],
    ['number', 'The bridge was opened in 1931.', 'The bridge was opened in 1958.'],
    ['number', 'Water boils at 100 °C at sea level.', 'Water boils at 80 °C at sea level.'],
    ['number', 'The deal is worth $4.5 million.', 'The deal is worth $2 billion.'],
    ['number', 'The trial lasted six weeks in total.', 'The trial lasted six months in total.'],
    ['opposite', 'Exports of steel increased last year.', 'Exports of steel fell last year.'],
    ['opposite', 'The new reactor design is safe.', 'The new reactor design is dangerous.'],
    ['quantifier', 'All swans in the lake are white.', 'None of the swans in the lake are white.'],
    [
      'name',
      'The capital of the country is called Canberra.',
      'The capital of the country is called Sydney.',
    ],
  ])('by %s: %s / %s', (kind, a, b) => {
    const [found] = between([a, b]);
    expect(found).toMatchObject({ kind, against: null, between: [{ role: 'modelA' }, { role: 'modelB' }] });
    expect(found?.why).toMatch(/^modelA and modelB contradict each other: .*\.$/);
    // The other way round it is the same.
    expect(between([b, a])[0]).toMatchObject({ kind, strength: found?.strength });
  });

  it.each([
    ['the same in other units', 'The parcel weighs 2 kg in all.', 'The parcel weighs 2000 g in all.'],
    ['the same, rounded', 'The tower is 330 metres tall.', 'The tower is 329 metres tall.'],
    ['the same amount', 'It cost $1,500,000 to build.', 'It cost 1.5 million dollars to build.'],
    ['denied twice', 'The drug is not ineffective for adults.', 'The drug is effective for adults.'],
    ['other subjects', 'The bridge opened in 1931.', 'The museum closed in 1958.'],
    ['both sides named', 'Prices rise and fall with the season.', 'Prices rise and fall with the weather.'],
    ['a question', 'Was the bridge opened in 1931?', 'The bridge was opened in 1958.'],
    ['code', '```\nbridge opened = 1931\n```', 'The bridge was opened in 1958.'],
    ['not only', 'Cats are not only hunters of mice.', 'Cats are hunters of mice.'],
    ['nothing said', '', 'The bridge was opened in 1958.'],
  ])('is none: %s', (_, a, b) => {
    expect(between([a, b])).toEqual([]);
  });

  it('is never seen between a text and itself, and is always within its bounds', () => {
    const text = fc.oneof(
      fc.lorem({ maxCount: 40, mode: 'sentences' }),
      fc.string({ unit: 'grapheme', maxLength: 400 }),
      fc
        .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 })
        .map((units) => `The bridge opened ${String.fromCharCode(...units)} 1931`),
      fc
        .array(
          fc.constantFrom('not', 'all', 'none', '5', '1958', 'rises', 'falls', 'London', 'price.', 'of tea'),
          {
            maxLength: 60,
          },
        )
        .map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(fc.array(text, { minLength: 2, maxLength: 4 }), text, (texts, question) => {
        const found = between(texts, { question, least: 0.1 });
        expect(Decision.shape.contradictions.parse(found)).toEqual(found);
        for (const { strength, between: claims } of found) {
          expect(strength).toBeGreaterThanOrEqual(0.1);
          for (const { claim } of claims) expect(claim.isWellFormed()).toBe(true);
        }
        const [same = ''] = texts;
        expect(
          between([same, same], { question }).filter(({ between: [a, b] }) => a.claim === b.claim),
        ).toEqual([]);
      }),
    );
  });
});

describe('whom the evidence is against', () => {
  const OLD = 'The bridge was opened in 1931.';
  const NEW = 'The bridge was opened in 1958.';

  const pairs = (found: readonly RecordedContradiction[]) =>
    found.map(({ between: [a, b], against }) => [a.role, b.role, against]);

  it('is who says other than the sources that came with the question', () => {
    const question = 'Source: The bridge was opened in 1958 by the mayor.\n\nWhen was the bridge opened?';
    expect(pairs(between([OLD, NEW], { question }))).toEqual([
      ['modelA', 'modelB', 'modelA'],
      ['modelA', 'user', 'modelA'],
    ]);
    expect(pairs(between([NEW, OLD], { question }))).toEqual([
      ['modelA', 'modelB', 'modelB'],
      ['modelB', 'user', 'modelB'],
    ]);
    const why = between([OLD, NEW], { question }).map((one) => one.why);
    expect(why[1]).toMatch(/^modelA and what came with the question contradict each other/);
  });

  it('is nobody where the sources contradict each other, and who tells both contradicts none', () => {
    const question = `Source 1: ${OLD}\nSource 2: ${NEW}\nWhen was the bridge opened?`;
    expect(pairs(between([OLD], { question }))).toEqual([['modelA', 'user', null]]);
    expect(between([`${OLD} ${NEW}`], { question })).toEqual([]);
  });

  it('is who is in the minority', () => {
    const found = between([OLD, NEW, NEW]);
    expect(found.map(({ against }) => against)).toEqual(['modelA', 'modelA']);
    expect(found[0]?.why).toContain('the evidence is against modelA');
    expect(between([OLD, NEW, OLD]).map(({ against }) => against)).toEqual(['modelB', 'modelB']);
  });

  it('costs the candidate, as its weight says, and changes who is chosen', () => {
    const candidates = [OLD, NEW, NEW].map((text, at) => ({
      participant: IDS[at] ?? '',
      model: 'm',
      message_id: `0194f0c2-0000-7000-8000-00000000000${at}`,
      text,
      finish: STOP,
      risk: 0,
      vector: undefined,
    }));
    const contradictions = between([OLD, NEW, NEW]);
    const verdict = arbitrate({ candidates, question: undefined, terms: TERMS, contradictions });
    const plain = arbitrate({ candidates, question: undefined, terms: TERMS, contradictions: [] });
    expect(plain.chosen).toBe('modelA');
    expect(verdict.chosen).toBe('modelB');
    expect(verdict.reason).toMatch(/the evidence is against modelA/);
    const [a] = verdict.candidates;
    const lost = 1 - contradictions.reduce((share, { strength }) => share * (1 - strength), 1);
    expect(a?.contradicted).toBeCloseTo(lost);
    expect(a?.composite).toBeCloseTo(
      (plain.candidates[0]?.composite ?? 0) - TERMS.weights.contradiction * lost,
    );
    expect(verdict.candidates[1]?.contradicted).toBeUndefined();
  });
});

describe('an extra turn', () => {
  const scored = (composite: number, more: object = {}) => ({
    ...arbitrate({
      candidates: [0, 1].map((at) => ({
        participant: IDS[at] ?? '',
        model: 'm',
        message_id: `0194f0c2-0000-7000-8000-00000000000${at}`,
        text: 'The answer.',
        finish: STOP,
        risk: 0,
        vector: [1, 0],
      })),
      question: undefined,
      terms: TERMS,
      contradictions: [],
    }),
    candidates: [0, 1].map((at) => ({
      role: IDS[at] ?? '',
      model: 'm',
      message_id: `0194f0c2-0000-7000-8000-00000000000${at}`,
      semantic: composite,
      coherence: composite,
      safety: composite,
      composite,
    })),
    ...more,
  });
  const contradictions = between(['The bridge was opened in 1931.', 'The bridge was opened in 1958.']);

  it.each([
    ['nothing', scored(0.9), {}, undefined],
    ['a contradiction', scored(0.9, { contradictions }), {}, 'contradiction'],
    ['divergence', scored(0.9, { divergence: 0.5 }), {}, 'divergence'],
    ['both', scored(0.9, { divergence: 0.5, contradictions }), {}, 'contradiction'],
    ['a contradiction at unlike risk', scored(0.9, { contradictions, safety_delta: 0.5 }), {}, undefined],
    ['a contradiction once it was refined', scored(0.9, { contradictions }), { taken: 1 }, undefined],
    ['a contradiction without the flag', scored(0.9, { contradictions }), { critique: false }, undefined],
    ['a low composite', scored(0.3), {}, 'low-composite'],
    ['a low composite after the refinement', scored(0.3), { taken: 1 }, 'low-composite'],
    ['a low composite after the extended loop', scored(0.3), { taken: 2, extended: 1 }, undefined],
  ] as const)('for %s', (_, verdict, more, trigger) => {
    const options = { terms: TERMS, taken: 0, extended: 0, critique: true, ...more };
    expect(extraTurnFor({ verdict, ...options })).toBe(trigger);
  });

  it('is bounded, whatever the scores', () => {
    const terms = fc.record({
      max_extended_turns: fc.integer({ min: 0, max: 4 }),
      composite: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(terms, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (bounds, scores) => {
        const all = { ...TERMS, ...bounds, thresholds: { ...TERMS.thresholds, composite: bounds.composite } };
        let taken = 0;
        let extended = 0;
        for (const composite of scores) {
          const verdict = scored(composite, { contradictions });
          const trigger = extraTurnFor({ verdict, terms: all, taken, extended, critique: true });
          if (trigger === undefined) break;
          taken++;
          if (trigger === 'low-composite') extended++;
        }
        expect(extended).toBeLessThanOrEqual(bounds.max_extended_turns);
        expect(taken).toBeLessThanOrEqual(1 + bounds.max_extended_turns);
      }),
    );
  });

  it('is told what contradicts what, and goes on from the best answer', () => {
    expect(extraTaskOf('contradiction', contradictions)).toContain(
      '- "The bridge was opened in 1931." against "The bridge was opened in 1958."',
    );
    expect(extraTaskOf('contradiction', contradictions)).toMatch(
      /tells both sides and says that they disagree\.$/,
    );
    const decided = contradictions.map((one) => ({ ...one, against: 'modelA' }));
    expect(extraTaskOf('contradiction', decided)).toContain('Correct what is wrong.');
    expect(extraTaskOf('divergence', [])).toMatch(/^The answers differ\./);
    expect(extraTaskOf('low-composite', [])).not.toContain('In dispute');
    const verdict = scored(0.3);
    expect(digestOf(verdict, new Map([[verdict.message_id, 'x'.repeat(5000)]])).length).toBeLessThan(1300);
  });
});

describe('the judge', () => {
  const token = (text: string, p: number) => ({ token: text, logprob: Math.log(p), bytes: null });

  it('is read by the probability of yes among yes and no', () => {
    const first = {
      ...token('maybe', 0.5),
      top_logprobs: [token(' Yes', 0.2), token('yes', 0.1), token('No', 0.1), token('yesterday', 0.1)],
    };
    expect(yesOf(first)).toBeCloseTo(0.75);
    expect(yesOf({ ...token('no', 0.9), top_logprobs: [] })).toBe(0);
    expect(yesOf({ ...token('perhaps', 0.9), top_logprobs: [] })).toBeUndefined();
    expect(yesOf(undefined)).toBeUndefined();
  });

  it('is shown no more than the beginning of what it judges', () => {
    for (const messages of [
      contradictionQuestion('a'.repeat(9000), 'b'),
      soundnessQuestion('q', 'a'.repeat(9000)),
    ])
      expect(JSON.stringify(messages).length).toBeLessThan(2000);
  });
});
