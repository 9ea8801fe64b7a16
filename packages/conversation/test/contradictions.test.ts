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
    ['set against something else', 'Languages grew slowly, not at once.', 'Languages grew slowly.'],
    ['a range in other words', 'It is for children aged 2 to 5.', 'Children aged 2 to 5 should have it.'],
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

  it('is nobody who told both sides, whoever else tells one', () => {
    expect(between([`${OLD} ${NEW}`, NEW])).toEqual([]);
  });

  it('costs both sides half where nothing decides, and nothing who tells both', () => {
    const texts = [OLD, NEW, `${OLD} Others say: ${NEW}`];
    const candidates = texts.map((text, at) => ({
      participant: IDS[at] ?? '',
      model: 'm',
      message_id: `0194f0c2-0000-7000-8000-00000000000${at}`,
      text,
      finish: STOP,
      risk: 0,
      vector: undefined,
    }));
    const contradictions = contradictionsOf(candidates, DEFAULT);
    const { candidates: scored, chosen } = arbitrate({
      candidates,
      question: undefined,
      terms: TERMS,
      contradictions,
    });
    expect(contradictions).toMatchObject([
      { against: null, between: [{ role: 'modelA' }, { role: 'modelB' }] },
    ]);
    const half = (contradictions[0]?.strength ?? 0) / 2;
    expect(scored.map(({ contradicted }) => contradicted ?? 0)).toEqual([
      expect.closeTo(half),
      expect.closeTo(half),
      0,
    ]);
    expect(chosen).toBe('modelC');
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

describe('positions of sources', () => {
  const WARM = 'A study by the Alpine Institute found that the glacier shrank by 12 metres.';
  const COLD = 'Researchers of Nordic College reported that the glacier gained ice.';
  const question = (...sources: string[]) =>
    `${sources.map((source, at) => `Source ${at + 1}: ${source}`).join('\n')}\n\nWhat happens to the glacier?`;
  const left = (answer: string, ...sources: string[]) =>
    between([answer], { question: question(...sources) })
      .filter(({ kind }) => kind === 'position')
      .map(({ between: [, { claim }] }) => claim);

  it.each([
    ['one is left out', WARM, [WARM, COLD], [COLD]],
    ['both are told', `${WARM} ${COLD}`, [WARM, COLD], []],
    ['neither is told', 'It changes.', [WARM, COLD], [WARM, COLD]],
    ['plain facts have no author', 'It changes.', ['The glacier is in Norway.', 'It is 4 km long.'], []],
    ['one author alone is no dispute', 'It changes.', [WARM, 'The glacier is in Norway.'], []],
    ['one source alone is no dispute', 'It changes.', [WARM], []],
  ])('%s', (_, answer, sources, expected) => {
    expect(left(answer, ...sources)).toEqual(expected);
  });

  it('are read where sources are labelled alone', () => {
    expect(between(['It changes.'], { question: `${WARM}\n${COLD}\nWhat happens?` })).toEqual([]);
    const numbered = `[1] ${WARM}\n[2] ${COLD}\n\nWhat happens?`;
    expect(between([WARM], { question: numbered })).toMatchObject([
      { kind: 'position', against: null, between: [{ role: 'modelA' }, { role: 'user', claim: COLD }] },
    ]);
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
