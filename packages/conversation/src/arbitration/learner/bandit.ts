/**
 * A contextual bandit: one linear model of the features of each arm's answer, with its confidence, as LinUCB has it (Li, Chu,
 * Langford and Schapire 2010). Arms are tried by a floor of exploration; beside it, one is taken only where it is better
 * by the lower bound of its confidence, so that the declared weights stand where little is known.
 */
import type { ArbitrationTerms, Evidence } from '@mcp/contracts';
import { type Arm, choiceOf } from './arms.ts';
import { DIMENSIONS, featuresOf, type Lesson } from './lessons.ts';

/** Strength of the ridge: so much evidence there is for no effect of anything. */
const RIDGE = 1;
/** Deviations of an estimate that are taken from it. */
const CAUTION = 1;
/** Standard deviation of feedback around what is expected, at the most for values in [0, 1]. */
const NOISE = 0.5;

/** What has been learnt: rewards as a linear function of features, and how sure each direction is. */
export interface Learnt {
  readonly lessons: number;
  readonly theta: readonly number[];
  /** Inverse of the matrix of what was seen. */
  readonly inverse: readonly (readonly number[])[];
}

/** `count`: decisions that the lessons are of. */
export function learn(lessons: readonly Lesson[], count: number): Learnt {
  const seen = Array.from({ length: DIMENSIONS }, (_, row) =>
    Array.from({ length: DIMENSIONS }, (_cell, column): number => (row === column ? RIDGE : 0)),
  );
  const sum = Array.from({ length: DIMENSIONS }, (): number => 0);
  for (const { features, reward, weight } of lessons)
    for (const [row, a] of features.entries()) {
      sum[row] = (sum[row] ?? 0) + weight * reward * a;
      const line = seen[row];
      if (line !== undefined)
        for (const [column, b] of features.entries()) line[column] = (line[column] ?? 0) + weight * a * b;
    }
  const inverse = inverted(seen);
  return { lessons: count, theta: inverse.map((line) => dot(line, sum)), inverse };
}

/** The reward that features promise. */
export function promised({ theta }: Learnt, features: readonly number[]): number {
  return dot(theta, features);
}

export interface Offer {
  readonly evidence: Pick<Evidence, 'candidates' | 'contradiction'>;
  readonly arms: readonly Arm[];
  readonly learnt: Learnt;
  readonly terms: Pick<ArbitrationTerms, 'learner'>;
}

export interface Choice {
  readonly arm: Arm;
  /** The probability of its answer, over all arms that choose it. */
  readonly propensity: number;
}

/** The arm that is best by what is known; of those that choose the same answer, and until enough is known, the first. */
export function bestArm({ evidence, arms, learnt, terms }: Offer): Arm | undefined {
  const [declared] = arms;
  if (declared === undefined || learnt.lessons < terms.learner.min_feedback) return declared;
  const features = featuresOf(evidence);
  const of = (arm: Arm) => features[answerOf(evidence, arm)] ?? [];
  const own = of(declared);
  let best = { arm: declared, advantage: 0 };
  for (const arm of arms.slice(1)) {
    const change = [0, 0, ...of(arm).map((value, at) => value - (own[at] ?? 0))];
    const width =
      NOISE *
      Math.sqrt(
        Math.max(
          0,
          dot(
            change,
            learnt.inverse.map((line) => dot(line, change)),
          ),
        ),
      );
    const advantage = promised(learnt, change) - CAUTION * width;
    if (advantage > best.advantage + 1e-12) best = { arm, advantage };
  }
  return best.arm;
}

/** Draws an arm: the best, or in a share of decisions any. `draw` is uniform in [0, 1). */
export function chooseArm(offer: Offer, draw: number): Choice | undefined {
  const best = bestArm(offer);
  const { arms, evidence, terms } = offer;
  const { exploration } = terms.learner;
  const arm = draw < exploration ? arms[Math.floor((draw / exploration) * arms.length)] : best;
  if (arm === undefined || best === undefined) return undefined;
  const answer = answerOf(evidence, arm);
  const alike = arms.filter((one) => answerOf(evidence, one) === answer).length;
  const certain = answerOf(evidence, best) === answer ? 1 - exploration : 0;
  return { arm, propensity: Math.min(1, certain + (exploration * alike) / arms.length) };
}

function answerOf({ candidates }: Pick<Evidence, 'candidates'>, { weights }: Arm): number {
  const chosen = choiceOf(candidates, weights);
  return candidates.findIndex(({ message_id }) => message_id === chosen?.message_id);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
}

/** Gauss-Jordan without pivots: the ridge makes the matrix positive definite. */
function inverted(matrix: readonly (readonly number[])[]): number[][] {
  const size = matrix.length;
  const rows = matrix.map((line, row) => [...line, ...line.map((_, column) => (row === column ? 1 : 0))]);
  for (const [at, pivot] of rows.entries()) {
    const divisor = pivot[at] ?? 1;
    for (const column of pivot.keys()) pivot[column] = (pivot[column] ?? 0) / divisor;
    for (const [row, line] of rows.entries()) {
      const factor = line[at] ?? 0;
      if (row !== at && factor !== 0)
        for (const column of line.keys()) line[column] = (line[column] ?? 0) - factor * (pivot[column] ?? 0);
    }
  }
  return rows.map((line) => line.slice(size));
}
