/** Weights between which the learner may choose: the declared ones, and some around them within bounds. */
import type { ArbitrationTerms, CandidateScore, Evidence } from '@mcp/contracts';
import { compositeOf, ranked, type Weights } from '../composite.ts';

/** Of the rule by which weights are made and chosen, as decisions name it. */
export const LEARNER_VERSION = '1';

export interface Arm {
  readonly name: string;
  readonly weights: Weights;
}

/**
 * The declared weights first. In the others one weight is moved by `max_shift`, at the cost of the rest; the share of
 * safety is never under the declared one.
 */
export function armsOf({ weights, learner }: Pick<ArbitrationTerms, 'weights' | 'learner'>): readonly Arm[] {
  const total = weights.semantic + weights.coherence + weights.safety;
  const declared: Arm = { name: 'declared', weights };
  if (total === 0) return [declared];
  const semantic = weights.semantic / total;
  const coherence = weights.coherence / total;
  const safety = weights.safety / total;
  const { contradiction } = weights;
  const to_semantic = Math.min(learner.max_shift, coherence);
  const to_coherence = Math.min(learner.max_shift, semantic);
  const to_safety = Math.min(learner.max_shift, 1 - safety);
  const rest = safety === 1 ? 0 : (1 - safety - to_safety) / (1 - safety);
  const shares = { semantic, coherence, safety, contradiction };
  const arms: Arm[] = [
    declared,
    {
      name: 'semantic',
      weights: { ...shares, semantic: semantic + to_semantic, coherence: coherence - to_semantic },
    },
    {
      name: 'coherence',
      weights: { ...shares, semantic: semantic - to_coherence, coherence: coherence + to_coherence },
    },
    {
      name: 'safety',
      weights: {
        ...shares,
        semantic: semantic * rest,
        coherence: coherence * rest,
        safety: safety + to_safety,
      },
    },
    {
      name: 'contradiction',
      weights: { ...shares, contradiction: Math.min(1, contradiction + learner.max_shift) },
    },
    {
      name: 'no-contradiction',
      weights: { ...shares, contradiction: Math.max(0, contradiction - learner.max_shift) },
    },
  ];
  return arms;
}

/** The answer that weights choose. Undefined without candidates. */
export function choiceOf(
  candidates: readonly CandidateScore[],
  weights: Weights,
): CandidateScore | undefined {
  return ranked(candidates.map((one) => ({ ...one, composite: compositeOf(one, weights) })))[0];
}

/**
 * Whether the learner has a say: there are answers to choose between, they are about equally safe, and no extra turn was
 * taken, for that was one by the declared weights.
 */
export function isOpen(
  decided: Pick<Evidence, 'method' | 'candidates' | 'safety_delta' | 'critique_turn'>,
  { thresholds }: Pick<ArbitrationTerms, 'thresholds'>,
): boolean {
  const { method, candidates, safety_delta, critique_turn } = decided;
  const alike = safety_delta !== null && safety_delta < thresholds.safety_gap;
  return method === 'composite' && candidates.length > 1 && alike && !critique_turn;
}
