/** The learner of weights: its bounds, what it draws, what it learns, and what the replay of decisions says of it. */
import { ArbitrationTerms, type CandidateScore, type Evidence } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arbitrate,
  armsOf,
  bestArm,
  type Candidate,
  choiceOf,
  chooseArm,
  isOpen,
  learn,
  lessonsOf,
  replay,
  reweighed,
} from '../src/index.ts';

const TERMS = ArbitrationTerms.parse({});
const share = fc.double({ min: 0, max: 1, noNaN: true });
const weights = fc.record({ semantic: share, coherence: share, safety: share, contradiction: share });
const terms = fc
  .record({
    weights,
    learner: fc.record({
      max_shift: fc.double({ min: 0.01, max: 0.3, noNaN: true }),
      exploration: fc.double({ min: 0.01, max: 0.5, noNaN: true }),
    }),
  })
  .map((one) => ArbitrationTerms.parse(one));

const idOf = (at: number) => `0194f0c2-0000-7000-8000-${String(at).padStart(12, '0')}`;

function candidate(at: number, parts: Partial<CandidateScore>): CandidateScore {
  const own = { semantic: 0.7, coherence: 0.6, safety: 0.95, composite: 0, ...parts };
  return { role: `model${'ABCD'[at]}`, model: `model-${at}`, message_id: idOf(at), ...own };
}

const candidates = fc
  .array(fc.record({ semantic: share, coherence: share, safety: share, contradicted: share }), {
    minLength: 2,
    maxLength: 4,
  })
  .map((all) => all.map((parts, at) => candidate(at, parts)));

function evidenceOf(all: CandidateScore[], chosen: number, learner?: Evidence['learner']): Evidence {
  return {
    message_id: idOf(chosen),
    method: 'composite',
    divergence: 0.2,
    safety_delta: 0,
    weights: TERMS.weights,
    candidates: all,
    critique_turn: false,
    contradiction: 0,
    ...(learner === undefined ? {} : { learner }),
  };
}

const total = ({ semantic, coherence, safety }: ArbitrationTerms['weights']) => semantic + coherence + safety;

describe('weights between which is chosen', () => {
  it('begin with the declared ones, stay within the shift, and never weigh safety less', () => {
    fc.assert(
      fc.property(terms, (one) => {
        const [declared, ...rest] = armsOf(one);
        expect(declared?.weights).toEqual(one.weights);
        const sum = total(one.weights);
        for (const { weights: arm } of rest) {
          expect(total(arm)).toBeCloseTo(1, 9);
          expect(arm.safety).toBeGreaterThanOrEqual(one.weights.safety / sum - 1e-12);
          for (const name of ['semantic', 'coherence', 'safety'] as const) {
            expect(arm[name]).toBeGreaterThanOrEqual(-1e-12);
            expect(Math.abs(arm[name] - one.weights[name] / sum)).toBeLessThanOrEqual(
              one.learner.max_shift + 1e-9,
            );
          }
          const moved = Math.abs(arm.contradiction - one.weights.contradiction);
          expect(moved).toBeLessThanOrEqual(one.learner.max_shift + 1e-9);
        }
      }),
    );
  });
});

it('weighed again by the same weights, a verdict is the same, and its answer is the one that replay reads off it', () => {
  const said = fc.array(fc.record({ text: fc.lorem({ maxCount: 30 }), risk: share }), {
    minLength: 2,
    maxLength: 4,
  });
  fc.assert(
    fc.property(said, weights, weights, (all, own, other) => {
      const verdict = arbitrate({
        candidates: all.map(
          (one, at): Candidate => ({
            ...one,
            participant: `model${'ABCD'[at]}`,
            model: 'm',
            message_id: idOf(at),
            finish: { unified: 'stop', raw: 'stop' },
            vector: undefined,
          }),
        ),
        question: undefined,
        terms: ArbitrationTerms.parse({ weights: own }),
        contradictions: [],
      });
      expect(reweighed(verdict, own)).toEqual(verdict);
      const moved = reweighed(verdict, other);
      expect(moved.message_id).toBe(choiceOf(verdict.candidates, other)?.message_id);
      expect(moved.weights).toEqual(other);
    }),
  );
});

describe('what is drawn', () => {
  it('is an answer of one of the arms, with the probability that is recorded', () => {
    fc.assert(
      fc.property(terms, candidates, share, (one, all, good) => {
        const arms = armsOf(one);
        const evidence = { candidates: all, contradiction: 0 };
        const taught = Array.from({ length: 60 }, (_, at) => ({
          evidence: evidenceOf(all, at % all.length),
          score: at % 2 === 0 ? good : 1 - good,
          better: null,
        }));
        const learnt = learn(taught.flatMap(lessonsOf), taught.length);
        const { exploration } = one.learner;
        // One draw for each stretch that comes to the same, with its length.
        const stretches = [
          ...arms.map((_arm, at) => ({
            draw: ((at + 0.5) / arms.length) * exploration,
            length: exploration / arms.length,
          })),
          { draw: (1 + exploration) / 2, length: 1 - exploration },
        ];
        const seen = new Map<string, { length: number; propensity: number }>();
        for (const { draw, length } of stretches) {
          const choice = chooseArm({ evidence, arms, learnt, terms: one }, draw);
          const id = choice && choiceOf(all, choice.arm.weights)?.message_id;
          if (choice === undefined || id === undefined) throw new Error('nothing was drawn');
          seen.set(id, { length: (seen.get(id)?.length ?? 0) + length, propensity: choice.propensity });
        }
        for (const { length, propensity } of seen.values()) expect(propensity).toBeCloseTo(length, 9);
      }),
      { numRuns: 40 },
    );
  });

  it('are the declared weights until enough is known, and where nothing is', () => {
    const arms = armsOf(TERMS);
    const evidence = { candidates: [candidate(0, {}), candidate(1, { coherence: 0.1 })], contradiction: 0 };
    for (const lessons of [0, 49, 1000])
      expect(bestArm({ evidence, arms, learnt: learn([], lessons), terms: TERMS })?.name).toBe('declared');
  });
});

/** Two answers: the declared weights choose the first, weights for coherence the second. */
const contested = () => [
  candidate(0, { semantic: 0.8, coherence: 0.5 }),
  candidate(1, { semantic: 0.62, coherence: 0.7 }),
];

describe('what is learnt', () => {
  it.each([
    ['the answer that reasons better is called the better one', idOf(1), 'coherence'],
    ['the declared weights are right', idOf(0), 'declared'],
  ])('where %s', (_what, better, arm) => {
    const all = contested();
    const taught = Array.from({ length: 60 }, () => ({ evidence: evidenceOf(all, 0), score: null, better }));
    const learnt = learn(taught.flatMap(lessonsOf), taught.length);
    const offer = {
      evidence: { candidates: all, contradiction: 0 },
      arms: armsOf(TERMS),
      learnt,
      terms: TERMS,
    };
    expect(bestArm(offer)?.name).toBe(arm);
  });

  it('nothing from decisions that were not between answers', () => {
    expect(lessonsOf({ evidence: evidenceOf([], 0), score: 1, better: null })).toEqual([]);
  });
});

it.each([
  ['answers about equally safe', {}, true],
  ['one answer', { candidates: contested().slice(0, 1) }, false],
  ['answers of unlike risk', { safety_delta: 0.2 }, false],
  ['an extra turn', { critique_turn: true }, false],
  ['a deadline', { method: 'fastest-successful' as const }, false],
])('has a say: %s', (_what, change, open) => {
  expect(isOpen({ ...evidenceOf(contested(), 0), ...change }, TERMS)).toBe(open);
});

describe('replay', () => {
  it('is exact where the better answer is named', () => {
    const taught = Array.from({ length: 100 }, (_, at) => ({
      evidence: evidenceOf(contested(), 0),
      score: null,
      better: idOf(at % 4 === 0 ? 0 : 1),
    }));
    const { decisions, compared, policies } = replay(taught, TERMS);
    expect({ decisions, compared }).toEqual({ decisions: 100, compared: 100 });
    const worth = Object.fromEntries(policies.map(({ policy, dr, ips }) => [policy, [dr.value, ips.value]]));
    expect(worth).toMatchObject({ declared: [0.25, 0.25], coherence: [0.75, 0.75], learned: [0.75, 0.75] });
    const learned = policies.find(({ policy }) => policy === 'learned');
    expect(learned?.change.low).toBeGreaterThan(0);
  });

  it('weighs scores by how likely the answer was, and says what could not have been chosen', () => {
    const of = (chosen: number, propensity: number) =>
      evidenceOf(contested(), chosen, { version: '1', arm: 'declared', propensity, lessons: 0 });
    const drawn = [
      ...Array.from({ length: 90 }, () => ({ evidence: of(0, 0.9), score: 0.2, better: null })),
      ...Array.from({ length: 10 }, () => ({ evidence: of(1, 0.1), score: 1, better: null })),
    ];
    const { policies } = replay(drawn, TERMS);
    const [declared, , coherence] = policies;
    expect(declared?.ips.value).toBeCloseTo(0.2, 9);
    expect(coherence?.snips.value).toBeCloseTo(1, 9);
    expect(coherence).toMatchObject({ policy: 'coherence', effective: 10, unsupported: 0 });
    const certain = drawn.slice(0, 50).map((one) => ({ ...one, evidence: evidenceOf(contested(), 0) }));
    expect(replay(certain, TERMS).policies[2]).toMatchObject({ policy: 'coherence', unsupported: 1 });
  });
});
