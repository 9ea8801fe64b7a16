import type { CandidateScore, Decision, FinishReason, Side } from '@mcp/contracts';
import { coherence } from './coherence.ts';

/** One of the two answers to decide between. */
export interface Candidate {
  readonly role: Side;
  readonly model: string;
  readonly message_id: string;
  readonly text: string;
  readonly finish: FinishReason;
  /** Risk in [0, 1]. */
  readonly risk: number;
  /** Embedding of the text, or undefined when none was available. */
  readonly vector: readonly number[] | undefined;
}

export interface ArbitrationOptions {
  readonly candidates: readonly Candidate[];
  /** Embedding of the question. */
  readonly question: readonly number[] | undefined;
  readonly weights?: Decision['weights'];
  readonly critique_turn: boolean;
  readonly duration_ms: number;
}

export const DEFAULT_WEIGHTS: Decision['weights'] = { semantic: 0.4, coherence: 0.3, safety: 0.3 };
/** Above this divergence the two answers are taken to say different things. */
export const DIVERGENCE_THRESHOLD = 0.35;
/** Below this difference in risk, neither is preferred for its safety. */
export const SAFETY_GAP_THRESHOLD = 0.2;

/** Cosine of two vectors, in [-1, 1]; 0 when one has no length. */
export function cosine(a: readonly number[], b: readonly number[]): number {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i] ?? 0;
    const y = b[i] ?? 0;
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  // Not the root of the product: tiny vectors would underflow to 0 / 0.
  const norm = Math.sqrt(aa) * Math.sqrt(bb);
  return norm === 0 ? 0 : Math.min(1, Math.max(-1, dot / norm));
}

/** Divergence and safety delta of two candidates (blueprint, arbitration v2: D = 1 − cosine, S = |riskA − riskB|). */
export function divergenceOf(candidates: readonly Candidate[]): {
  divergence: number | null;
  safety_delta: number | null;
} {
  const [a, b] = candidates;
  if (a === undefined || b === undefined) return { divergence: null, safety_delta: null };
  return {
    divergence: a.vector === undefined || b.vector === undefined ? null : 1 - cosine(a.vector, b.vector),
    safety_delta: Math.abs(a.risk - b.risk),
  };
}

/** Whether the two differ so much, at like risk, that one more turn should settle it. */
export function wantsCritique(candidates: readonly Candidate[]): boolean {
  const { divergence, safety_delta } = divergenceOf(candidates);
  return (
    divergence !== null &&
    safety_delta !== null &&
    divergence > DIVERGENCE_THRESHOLD &&
    safety_delta < SAFETY_GAP_THRESHOLD
  );
}

/**
 * Chooses between the candidates by a weighted sum of semantic fit, coherence and safety, and says why.
 * With equal scores the later speaker's candidate is not preferred: modelA wins. Throws RangeError without candidates.
 */
export function arbitrate(options: ArbitrationOptions): Decision {
  const weights = options.weights ?? DEFAULT_WEIGHTS;
  const scored = options.candidates
    .map((candidate) => score(candidate, options, weights))
    .sort((a, b) => a.role.localeCompare(b.role));
  const best = scored.reduce<CandidateScore | undefined>(
    (top, one) => (top === undefined || one.composite > top.composite ? one : top),
    undefined,
  );
  if (best === undefined) throw new RangeError('there is nothing to decide between');
  const other = scored.find((one) => one !== best);
  const { divergence, safety_delta } = divergenceOf(options.candidates);
  return {
    chosen: best.role,
    message_id: best.message_id,
    method: other === undefined ? 'only-candidate' : 'composite',
    reason: other === undefined ? `${best.model} gave the only answer.` : reasonOf(best, other, divergence),
    divergence,
    safety_delta,
    weights,
    candidates: scored,
    critique_turn: options.critique_turn,
    duration_ms: options.duration_ms,
  };
}

function score(
  candidate: Candidate,
  { candidates, question }: ArbitrationOptions,
  weights: Decision['weights'],
): CandidateScore {
  const other = candidates.find((one) => one !== candidate);
  const cosines = [question, other?.vector].flatMap((vector) =>
    vector === undefined || candidate.vector === undefined ? [] : [cosine(candidate.vector, vector)],
  );
  // Without embeddings the semantic score is the same for both and decides nothing.
  const semantic =
    cosines.length === 0
      ? 0.5
      : clamp((cosines.reduce((sum, value) => sum + value, 0) / cosines.length + 1) / 2);
  const parts = {
    semantic,
    coherence: coherence(candidate.text, candidate.finish),
    safety: clamp(1 - candidate.risk),
  };
  const total = weights.semantic + weights.coherence + weights.safety;
  const composite = clamp(
    (weights.semantic * parts.semantic +
      weights.coherence * parts.coherence +
      weights.safety * parts.safety) /
      (total || 1),
  );
  return {
    role: candidate.role,
    model: candidate.model,
    message_id: candidate.message_id,
    ...parts,
    composite,
  };
}

function reasonOf(best: CandidateScore, other: CandidateScore, divergence: number | null): string {
  const parts = (['semantic', 'coherence', 'safety'] as const)
    .map((name) => ({ name, lead: best[name] - other[name] }))
    .sort((a, b) => b.lead - a.lead);
  const lead = parts[0];
  const words = {
    semantic: 'fits the question better',
    coherence: 'reasons more coherently',
    safety: 'is safer',
  } as const;
  const why =
    lead === undefined || lead.lead < 0.005
      ? 'the two are nearly equal'
      : `it ${words[lead.name]} (${best[lead.name].toFixed(2)} against ${other[lead.name].toFixed(2)})`;
  const apart =
    divergence === null
      ? ''
      : ` The answers ${divergence > DIVERGENCE_THRESHOLD ? 'diverge' : 'agree in the main'} (divergence ${divergence.toFixed(2)}).`;
  return `${best.model} was chosen with ${best.composite.toFixed(2)} against ${other.composite.toFixed(2)}: ${why}.${apart}`;
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
