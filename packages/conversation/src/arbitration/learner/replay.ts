/** What policies of weights would have been worth, by feedback on decisions that were made under others: off-policy evaluation. */
import type { ArbitrationTerms } from '@mcp/contracts';
import { type Arm, armsOf, choiceOf, isOpen } from './arms.ts';
import { bestArm, type Learnt, learn, promised } from './bandit.ts';
import { featuresOf, lessonsOf, type Taught, withKind } from './lessons.ts';

/** Parts of the decisions: models are fitted to the others, so that none is judged by what it has seen. */
const FOLDS = 5;
const DRAWS = 1000;
/** Weights of importance over this are cut: a little bias for much less variance (Ionides 2008). */
const MAX_WEIGHT = 20;

/** A figure with its 95 % bootstrap interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** What a policy is worth, in mean feedback. */
export interface PolicyWorth {
  readonly policy: string;
  /** Inverse propensity scores; self-normalised; doubly robust. */
  readonly ips: Estimate;
  readonly snips: Estimate;
  readonly dr: Estimate;
  /** Doubly robust, against the declared weights on the same decisions. */
  readonly change: Estimate;
  /** Decisions that the weights of importance are worth (Kish 1965). */
  readonly effective: number;
  /** Share of decisions in which it would have chosen what could not have been chosen: there it is worth what the model says. */
  readonly unsupported: number;
}

export interface Replayed {
  readonly decisions: number;
  /** Of them with the best answer named, so that every policy's answer is known to be right or wrong. */
  readonly compared: number;
  readonly policies: readonly PolicyWorth[];
}

/** One decision under one policy. */
interface Outcome {
  readonly weight: number;
  readonly reward: number;
  readonly dr: number;
  readonly unsupported: boolean;
}

/**
 * The value of each arm, and of `learned`: the arm that what was learnt from the other parts takes for the best. Only decisions in which
 * the learner has a say count.
 */
export function replay(taught: readonly Taught[], terms: ArbitrationTerms): Replayed {
  const open = taught.filter(({ evidence }) => isOpen(evidence, terms));
  const arms = armsOf(terms);
  const models = Array.from({ length: FOLDS }, (_, fold) => {
    const rest = open.filter((_one, at) => at % FOLDS !== fold);
    return learn(rest.flatMap(lessonsOf), rest.length);
  });
  const outcomes = (armFor: (one: Taught, learnt: Learnt) => Arm | undefined) =>
    open.flatMap((one, at): Outcome[] => {
      const learnt = models[at % FOLDS];
      const arm = learnt && armFor(one, learnt);
      return learnt === undefined || arm === undefined ? [] : [outcomeOf(one, { arm, learnt })];
    });
  const declared = outcomes(() => arms[0]);
  const policies = [
    ...arms.map((arm) =>
      worthOf(
        arm.name,
        outcomes(() => arm),
        declared,
      ),
    ),
    worthOf(
      'learned',
      outcomes(({ evidence }, learnt) => bestArm({ evidence, arms, learnt, terms })),
      declared,
    ),
  ];
  const compared = open.filter(({ better }) => better !== null).length;
  return { decisions: open.length, compared, policies };
}

function outcomeOf(
  { evidence, score, better }: Taught,
  { arm, learnt }: { readonly arm: Arm; readonly learnt: Learnt },
): Outcome {
  const { candidates, message_id, learner } = evidence;
  const chosen = choiceOf(candidates, arm.weights)?.message_id;
  if (better !== null) {
    const reward = Number(chosen === better);
    return { weight: 1, reward, dr: reward, unsupported: false };
  }
  const features = featuresOf(evidence);
  const modelled = (id: string | undefined) => {
    const at = candidates.findIndex((one) => one.message_id === id);
    return Math.min(1, Math.max(0, promised(learnt, withKind(features[at] ?? [], 'score'))));
  };
  const propensity = learner?.propensity ?? 1;
  const weight = chosen === message_id ? Math.min(MAX_WEIGHT, 1 / propensity) : 0;
  const reward = score ?? 0;
  const dr = modelled(chosen) + weight * (reward - modelled(message_id));
  return { weight, reward, dr, unsupported: chosen !== message_id && propensity === 1 };
}

function worthOf(policy: string, outcomes: readonly Outcome[], declared: readonly Outcome[]): PolicyWorth {
  const mean = (of: (at: number) => number) => (picked: readonly number[]) =>
    picked.reduce((sum, at) => sum + of(at), 0) / Math.max(1, picked.length);
  const count = outcomes.length;
  const weighted = mean((at) => (outcomes[at]?.weight ?? 0) * (outcomes[at]?.reward ?? 0));
  const weight = mean((at) => outcomes[at]?.weight ?? 0);
  const estimate = (of: (picked: readonly number[]) => number) => bootstrap(count, of);
  const total = outcomes.reduce((sum, one) => sum + one.weight, 0);
  const squares = outcomes.reduce((sum, one) => sum + one.weight ** 2, 0);
  return {
    policy,
    ips: estimate(weighted),
    snips: estimate((picked) => weighted(picked) / (weight(picked) || 1)),
    dr: estimate(mean((at) => outcomes[at]?.dr ?? 0)),
    change: estimate(mean((at) => (outcomes[at]?.dr ?? 0) - (declared[at]?.dr ?? 0))),
    effective: squares === 0 ? 0 : total ** 2 / squares,
    unsupported: count === 0 ? 0 : outcomes.filter((one) => one.unsupported).length / count,
  };
}

/** The percentile method (Efron 1979), seeded: the same decisions give the same interval. */
function bootstrap(count: number, of: (picked: readonly number[]) => number): Estimate {
  const all = Array.from({ length: count }, (_, at) => at);
  const random = uniform();
  const drawn = Array.from({ length: DRAWS }, () => of(all.map(() => Math.floor(random() * count))));
  drawn.sort((a, b) => a - b);
  const at = (share: number) => drawn[Math.floor(DRAWS * share)] ?? Number.NaN;
  return { value: of(all), low: at(0.025), high: at(0.975) };
}

/** Seeded random numbers in [0, 1), by a linear congruence (Numerical Recipes): good enough to draw with. */
function uniform(): () => number {
  let state = 0x5eed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
