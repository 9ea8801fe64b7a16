/** What a policy makes of the recorded answers: whose is given, and what it costs. */
import type { AdequacyFeature, AdequacyScale, Cascade } from '@mcp/contracts';
import { adequacy, type Features } from '@mcp/model-serving/adequacy';
import { type Example, fitScale } from './fit.ts';

/** A question with both answers. */
export interface Case {
  readonly kind: string;
  readonly question: Features;
  readonly answer: Features;
  readonly small: Answer;
  readonly large: Answer;
}

interface Answer {
  readonly right: boolean;
  readonly usd: number;
  readonly tokens: number;
}

export type Terms = Pick<Cascade, 'after'> & { readonly before?: AdequacyScale };

type Outcome = 'kept' | 'left' | 'skipped';

/** As `packages/model-serving/src/cascade.ts` decides. */
function outcomeOf({ question, answer }: Case, { before, after }: Terms): Outcome {
  if (before !== undefined && adequacy(before, question) < before.at_least) return 'skipped';
  return adequacy(after, question, answer) >= after.at_least ? 'kept' : 'left';
}

export interface Result {
  readonly right: readonly boolean[];
  readonly usd: readonly number[];
  readonly outcomes: readonly Outcome[];
}

export function play(cases: readonly Case[], terms: Terms): Result {
  const outcomes = cases.map((one) => outcomeOf(one, terms));
  return tally(cases, outcomes);
}

export function tally(cases: readonly Case[], outcomes: readonly Outcome[]): Result {
  return {
    right: cases.map(({ small, large }, at) => (outcomes[at] === 'kept' ? small : large).right),
    usd: cases.map(({ small, large }, at) => costOf({ small, large }, outcomes[at] ?? 'left')),
    outcomes,
  };
}

function costOf({ small, large }: Pick<Case, 'small' | 'large'>, outcome: Outcome): number {
  switch (outcome) {
    case 'kept':
      return small.usd;
    case 'left':
      return small.usd + large.usd;
    case 'skipped':
      return large.usd;
    default:
      return outcome satisfies never;
  }
}

/** Which features each decision is made by. */
export interface Policy {
  readonly before: ((feature: AdequacyFeature) => boolean) | undefined;
  readonly after: (feature: AdequacyFeature) => boolean;
}

/**
 * The terms of a policy by one part of the cases: those thresholds that cost least while as many answers are right as
 * with the larger model alone. Thresholds are tried on probabilities of models that have not seen the case.
 */
export function tune(cases: readonly Case[], policy: Policy): Terms {
  const examplesOf = (has: (feature: AdequacyFeature) => boolean): Example[] =>
    cases.map(({ question, answer, small, large }) => ({
      features: new Map([...question, ...answer].filter(([feature]) => has(feature))),
      adequate: small.right || !large.right,
    }));
  const after = fitScale(examplesOf(policy.after));
  const before = policy.before === undefined ? undefined : fitScale(examplesOf(policy.before));
  const least = cases.filter(({ large }) => large.right).length;
  let best = { usd: Number.POSITIVE_INFINITY, before: 1, after: 1.01 };
  for (const skip of before === undefined ? [0] : steps(before.unseen))
    for (const keep of steps(after.unseen)) {
      const outcomes = cases.map((_, at): Outcome => {
        if ((before?.unseen[at] ?? 1) < skip) return 'skipped';
        return (after.unseen[at] ?? 0) >= keep ? 'kept' : 'left';
      });
      const { right, usd } = tally(cases, outcomes);
      const total = usd.reduce((sum, one) => sum + one, 0);
      if (right.filter((one) => one).length >= least && total < best.usd)
        best = { usd: total, before: skip, after: keep };
    }
  const scale = ({ bias, weights }: Pick<AdequacyScale, 'bias' | 'weights'>, at_least: number) => ({
    bias: round(bias),
    weights: Object.fromEntries(Object.entries(weights).map(([name, weight]) => [name, round(weight ?? 0)])),
    at_least: Math.min(1, round(at_least)),
  });
  return {
    after: scale(after, best.after),
    ...(before === undefined ? {} : { before: scale(before, best.before) }),
  };
}

/** What is more likely inadequate is never kept, whatever a small part of the cases says. */
const LEAST_ADEQUATE = 0.5;

/** Thresholds to try: between what was seen, and one that lets nothing pass. */
function steps(probabilities: readonly number[]): number[] {
  const likely = probabilities.filter((one) => one >= LEAST_ADEQUATE);
  return [...new Set(likely.map((one) => Math.floor(one * 50) / 50)), 1].sort((a, b) => a - b);
}

function round(value: number): number {
  return Number(value.toFixed(3));
}
