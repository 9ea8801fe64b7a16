/** The composite of a candidate: what its components come to under weights. */
import type { ArbitrationTerms, CandidateScore } from '@mcp/contracts';

export type Weights = ArbitrationTerms['weights'];

/** What a candidate was found to have, before it is weighed. */
export type Components = Pick<
  CandidateScore,
  'semantic' | 'coherence' | 'safety' | 'judged' | 'contradicted'
>;

/** The reasoning signal: where a judge was asked, its word is worth as much as the heuristics. */
export function reasoningOf({ coherence, judged }: Components): number {
  return judged === undefined ? coherence : (coherence + judged) / 2;
}

export function compositeOf(parts: Components, weights: Weights): number {
  const total = weights.semantic + weights.coherence + weights.safety;
  const sum =
    weights.semantic * parts.semantic +
    weights.coherence * reasoningOf(parts) +
    weights.safety * parts.safety;
  const composite = sum / (total || 1) - weights.contradiction * (parts.contradicted ?? 0);
  return Math.min(1, Math.max(0, composite));
}

/** The candidates by their composites, the highest first; of equals, the one that comes first in their order. */
export function ranked(candidates: readonly CandidateScore[]): CandidateScore[] {
  // A sort is stable.
  return [...candidates].sort((a, b) => b.composite - a.composite);
}
