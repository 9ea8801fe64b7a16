import { ArbitrationTerms, type FinishReason } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitrate, type Candidate, coherence, cosine, divergenceOf, extraTurnFor } from '../src/index.ts';

const STOP: FinishReason = { unified: 'stop', raw: 'stop' };
const IDS = ['modelA', 'modelB', 'modelC', 'modelD', 'modelE', 'modelF', 'modelG', 'modelH'];

const number = fc.double({ min: -1, max: 1, noNaN: true });
const vector = fc.array(number, { minLength: 4, maxLength: 4 });
const weights = fc.record({
  semantic: fc.double({ min: 0, max: 1, noNaN: true }),
  coherence: fc.double({ min: 0, max: 1, noNaN: true }),
  safety: fc.double({ min: 0, max: 1, noNaN: true }),
});

function candidates(min: number, max: number, at: fc.Arbitrary<readonly number[] | undefined> = vector) {
  return fc
    .array(
      fc.record({
        text: fc.lorem({ maxCount: 40 }),
        risk: fc.double({ min: 0, max: 1, noNaN: true }),
        vector: at,
        finish: fc.constantFrom<FinishReason>(STOP, { unified: 'length', raw: 'max_tokens' }),
      }),
      { minLength: min, maxLength: max },
    )
    .map((list) => list.map((one, place): Candidate => withId(one, place)));
}

function withId(one: Omit<Candidate, 'participant' | 'model' | 'message_id'>, place: number): Candidate {
  const participant = IDS[place] ?? 'nobody';
  const message_id = `0194f0c2-0000-7000-8000-${String(place).padStart(12, '0')}`;
  return { participant, model: `${participant}-7b`, message_id, ...one };
}

function make(risk: number, at: readonly number[] | undefined, place: number): Candidate {
  const text = 'The answer is four, because two and two make four.';
  return withId({ text, finish: STOP, risk, vector: at }, place);
}

const TERMS = ArbitrationTerms.parse({});
const COMMON = { terms: TERMS, contradictions: [] };

describe('arbitrate', () => {
  it('is the same in whatever order the candidates come', () => {
    const shuffled = candidates(1, 8).chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, fc.option(vector, { nil: undefined }), ([list, other], question) => {
        expect(arbitrate({ ...COMMON, question, candidates: other })).toEqual(
          arbitrate({ ...COMMON, question, candidates: list }),
        );
      }),
    );
  });

  it('scores each candidate in [0, 1], by their ids, and chooses one that none scores above', () => {
    const missing = fc.option(vector, { nil: undefined });
    fc.assert(
      fc.property(candidates(1, 8, missing), missing, weights, (list, question, chosen_weights) => {
        const terms = { ...TERMS, weights: { ...TERMS.weights, ...chosen_weights } };
        const decision = arbitrate({ ...COMMON, question, candidates: list, terms });
        expect(decision).toMatchObject({
          weights: terms.weights,
          version: '3',
          thresholds: TERMS.thresholds,
        });
        expect(decision.candidates.map(({ role }) => role)).toEqual(
          list.map(({ participant }) => participant),
        );
        for (const { semantic, coherence: coherent, safety, composite } of decision.candidates)
          for (const value of [semantic, coherent, safety, composite])
            expect(value >= 0 && value <= 1).toBe(true);
        const best = decision.candidates.find(({ role }) => role === decision.chosen);
        expect(best?.message_id).toBe(decision.message_id);
        expect(best?.composite).toBe(Math.max(...decision.candidates.map(({ composite }) => composite)));
        expect(decision.reason).toContain(decision.chosen);
      }),
    );
  });

  it('gives equal scores to equal answers, and chooses the first by id', () => {
    fc.assert(
      fc.property(candidates(1, 1), vector, fc.integer({ min: 2, max: 8 }), ([one], question, count) => {
        if (one === undefined) throw new Error('one was asked for');
        const list = Array.from({ length: count }, (_, place) => withId(contentOf(one), place));
        const { chosen, candidates: scored } = arbitrate({
          ...COMMON,
          question,
          candidates: list.toReversed(),
        });
        expect(new Set(scored.map(({ composite }) => composite)).size).toBe(1);
        expect(chosen).toBe('modelA');
      }),
    );
  });

  it('of one candidate has nothing to compare', () => {
    fc.assert(
      fc.property(candidates(1, 1), vector, (list, question) => {
        expect(arbitrate({ ...COMMON, question, candidates: list })).toMatchObject({
          chosen: 'modelA',
          method: 'only-candidate',
          reason: 'modelA-7b gave the only answer.',
          divergence: null,
          safety_delta: null,
        });
      }),
    );
    expect(() => arbitrate({ ...COMMON, question: undefined, candidates: [] })).toThrow(RangeError);
  });

  /** The rule as it was when there were two sides, written down once more. */
  it('decides between two as it did when there could be no more', () => {
    fc.assert(
      fc.property(candidates(2, 2), fc.option(vector, { nil: undefined }), (list, question) => {
        const [a, b] = list as [Candidate, Candidate];
        const semantic = (one: Candidate, other: Candidate) => {
          const all = [question, other.vector].flatMap((v) =>
            v === undefined || one.vector === undefined ? [] : [cosine(one.vector, v)],
          );
          const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
          return Math.min(1, Math.max(0, (mean + 1) / 2));
        };
        const { semantic: s, coherence: c, safety: f } = TERMS.weights;
        const composite = (one: Candidate, other: Candidate) =>
          (s * semantic(one, other) + c * coherence(one.text, one.finish) + f * (1 - one.risk)) / (s + c + f);
        const decision = arbitrate({ ...COMMON, question, candidates: list });
        expect(decision.candidates.map((one) => one.semantic)).toEqual([semantic(a, b), semantic(b, a)]);
        expect(decision.chosen).toBe(composite(b, a) > composite(a, b) ? 'modelB' : 'modelA');
        expect(decision.divergence).toBe(1 - cosine(a.vector ?? [], b.vector ?? []));
        expect(decision.safety_delta).toBe(Math.abs(a.risk - b.risk));
      }),
    );
  });

  it.each([
    ['safer', [make(0.9, [1, 0], 0), make(0, [1, 0], 1)], 'modelB', /is safer \(1\.00 against 0\.10\)/],
    [
      'closer to the question',
      [make(0, [0, 1], 0), make(0, [1, 0], 1)],
      'modelB',
      /fits the question better/,
    ],
    [
      'one of three that is safer',
      [make(0.9, [1, 0], 0), make(0.9, [1, 0], 1), make(0, [1, 0], 2)],
      'modelC',
      /is safer/,
    ],
    [
      'none of two that are alike',
      [make(0, [1, 0], 0), make(0, [1, 0], 1)],
      'modelA',
      /the two are nearly equal/,
    ],
  ] as const)('prefers what is %s, and says so', (_, list, chosen, reason) => {
    const decision = arbitrate({ ...COMMON, question: [1, 0], candidates: list });
    expect(decision.chosen).toBe(chosen);
    expect(decision.reason).toMatch(reason);
  });

  it('weighs the question as much as all the others together, however many they are', () => {
    // All but the last agree with each other and not with the question.
    for (const count of [3, 5, 8]) {
      const list = Array.from({ length: count }, (_, place) =>
        make(0, place === count - 1 ? [1, 0] : [0, 1], place),
      );
      const { candidates: scored } = arbitrate({ ...COMMON, question: [1, 0], candidates: list });
      const last = scored.at(-1);
      expect(last?.semantic).toBeCloseTo((0.5 + 1) / 2);
      expect(scored[0]?.semantic).toBeCloseTo((((count - 2) / (count - 1)) * 0.5 + 1) / 2);
    }
  });
});

function contentOf({ text, finish, risk, vector: at }: Candidate) {
  return { text, finish, risk, vector: at };
}

describe('divergence', () => {
  it('is that of the two that are furthest apart: no other pair is further, and some pair is as far', () => {
    fc.assert(
      fc.property(candidates(2, 8), (list) => {
        const { divergence, safety_delta } = divergenceOf(list);
        const pairs = list.flatMap((a, at) => list.slice(at + 1).map((b) => [a, b] as const));
        const apart = pairs.map(([a, b]) => divergenceOf([a, b]).divergence ?? Number.NaN);
        const deltas = pairs.map(([a, b]) => divergenceOf([a, b]).safety_delta ?? Number.NaN);
        expect(divergence).toBe(Math.max(...apart));
        expect(safety_delta).toBe(Math.max(...deltas));
        expect(divergence).toBeGreaterThanOrEqual(0);
        expect(divergence).toBeLessThanOrEqual(2);
        expect(safety_delta).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('does not shrink when an answer is added', () => {
    fc.assert(
      fc.property(candidates(3, 8), (list) => {
        const before = divergenceOf(list.slice(0, -1));
        const after = divergenceOf(list);
        expect(after.divergence).toBeGreaterThanOrEqual(before.divergence ?? Number.NaN);
        expect(after.safety_delta).toBeGreaterThanOrEqual(before.safety_delta ?? Number.NaN);
      }),
    );
  });

  it('is unknown when an embedding is missing, and of fewer than two answers', () => {
    expect(divergenceOf([make(0, [1, 0], 0), make(0.5, undefined, 1), make(0, [0, 1], 2)])).toEqual({
      divergence: null,
      safety_delta: 0.5,
    });
    expect(divergenceOf([make(0, [1, 0], 0)])).toEqual({ divergence: null, safety_delta: null });
    expect(divergenceOf([])).toEqual({ divergence: null, safety_delta: null });
  });

  it.each([
    ['far apart at like risk', [make(0, [1, 0], 0), make(0, [0, 1], 1)], 'divergence'],
    ['far apart at unlike risk', [make(0.9, [1, 0], 0), make(0, [0, 1], 1)], undefined],
    ['close together', [make(0, [1, 0], 0), make(0, [1, 0.01], 1)], undefined],
    [
      'one of three is far from the rest',
      [make(0, [1, 0], 0), make(0, [1, 0], 1), make(0, [0, 1], 2)],
      'divergence',
    ],
    ['unknown', [make(0, undefined, 0), make(0, [0, 1], 1)], undefined],
    ['only one', [make(0, [1, 0], 0)], undefined],
  ] as const)('asks for a refinement turn: %s', (_, list, wanted) => {
    expect(extraTurnOf(list)).toBe(wanted);
  });

  it('asks for a refinement turn exactly within its thresholds', () => {
    fc.assert(
      fc.property(candidates(1, 8, fc.option(vector, { nil: undefined })), (list) => {
        const { divergence, safety_delta } = divergenceOf(list);
        const { thresholds } = TERMS;
        expect(extraTurnOf(list) === 'divergence').toBe(
          (divergence ?? -1) > thresholds.divergence && (safety_delta ?? 2) < thresholds.safety_gap,
        );
      }),
    );
  });
});

function extraTurnOf(list: readonly Candidate[]) {
  const verdict = arbitrate({ ...COMMON, question: undefined, candidates: list });
  // The extended loop is tested beside its own rules.
  const terms = { ...TERMS, max_extended_turns: 0 };
  return extraTurnFor({ verdict, terms, taken: 0, extended: 0, critique: true });
}

describe('cosine', () => {
  it('is symmetric, in [-1, 1], 1 with itself, and blind to length', () => {
    fc.assert(
      fc.property(vector, vector, fc.double({ min: 0.001, max: 1000, noNaN: true }), (a, b, scale) => {
        const value = cosine(a, b);
        expect(value).toBe(cosine(b, a));
        expect(value >= -1 && value <= 1).toBe(true);
        const long = (v: readonly number[]) => Math.hypot(...v) > 1e-3;
        fc.pre(long(a) && long(b));
        expect(cosine(a, a)).toBeCloseTo(1, 9);
        expect(
          cosine(
            a,
            b.map((x) => x * scale),
          ),
        ).toBeCloseTo(value, 6);
        expect(
          cosine(
            a,
            b.map((x) => -x),
          ),
        ).toBeCloseTo(-value, 9);
      }),
    );
    expect(cosine([0, 0], [1, 1])).toBe(0);
  });
});

describe('coherence', () => {
  const finish = fc.constantFrom<FinishReason>(
    STOP,
    { unified: 'length', raw: 'max' },
    { unified: 'other', raw: null },
  );

  it('is in [0, 1] for any text, and the same each time', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'grapheme' }), fc.lorem()), finish, (text, how) => {
        const value = coherence(text, how);
        expect(value >= 0 && value <= 1).toBe(true);
        expect(coherence(text, how)).toBe(value);
      }),
    );
  });

  it('does not rise when an answer is cut at the token limit', () => {
    fc.assert(
      fc.property(fc.lorem({ maxCount: 30 }), (text) => {
        expect(coherence(text, { unified: 'length', raw: 'max' })).toBeLessThanOrEqual(coherence(text, STOP));
      }),
    );
  });

  const good =
    'Water boils at 100 degrees because its vapour pressure then equals that of the air. However, on a mountain it boils earlier.';
  it.each([
    ['text that goes round in circles', 'the same thing again and '.repeat(20), 0.2],
    ['an answer that hedges', 'I think maybe. Perhaps. As an AI I cannot say.', 0.1],
    ['a single word', 'Yes.', 0.1],
    ['no word at all', ' … ', 0.4],
  ])('scores %s lower', (_, text, by) => {
    expect(coherence(text, STOP)).toBeLessThan(coherence(good, STOP) - by);
  });
});
