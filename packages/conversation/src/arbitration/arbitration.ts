/** Chooses among the participants' answers, and says why. */
import type { CandidateScore, Decision, FinishReason } from '@mcp/contracts';
import { coherence } from './coherence.ts';

/** One of the answers to decide between. */
export interface Candidate {
  readonly participant: string;
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
/** Above this divergence answers are taken to say different things. */
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

/**
 * Divergence and safety delta of the two candidates that are furthest apart in each (blueprint, arbitration v2:
 * D = 1 − cosine, S = |riskA − riskB|). The furthest pair and not the mean: one answer that differs from many that
 * agree is what a critique is for, and a mean over many would hide it.
 */
export function divergenceOf(candidates: readonly Candidate[]): {
  divergence: number | null;
  safety_delta: number | null;
} {
  if (candidates.length < 2) return { divergence: null, safety_delta: null };
  const risks = candidates.map(({ risk }) => risk);
  const vectors = candidates.flatMap(({ vector }) => (vector === undefined ? [] : [vector]));
  const apart = vectors.flatMap((a, at) => vectors.slice(at + 1).map((b) => 1 - cosine(a, b)));
  return {
    divergence: vectors.length < candidates.length ? null : Math.max(...apart),
    safety_delta: Math.max(...risks) - Math.min(...risks),
  };
}

/** Whether they differ so much, at like risk, that one more turn is worth it. */
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
 * Chooses the candidate with the highest weighted sum of semantic fit, coherence and safety, and says why. The order of
 * the candidates does not matter: equal scores go to the participant whose id comes first. Throws RangeError without
 * candidates.
 */
export function arbitrate(options: ArbitrationOptions): Decision {
  const weights = options.weights ?? DEFAULT_WEIGHTS;
  const candidates = [...options.candidates].sort((a, b) => (a.participant < b.participant ? -1 : 1));
  const scored = candidates.map((candidate) =>
    score(candidate, { candidates, question: options.question, weights }),
  );
  // A sort is stable: those with equal scores stay in the order of their ids.
  const [best, next] = [...scored].sort((a, b) => b.composite - a.composite);
  if (best === undefined) throw new RangeError('there is nothing to decide between');
  const { divergence, safety_delta } = divergenceOf(candidates);
  return {
    chosen: best.role,
    message_id: best.message_id,
    method: next === undefined ? 'only-candidate' : 'composite',
    reason: next === undefined ? `${best.model} gave the only answer.` : reasonOf(best, next, divergence),
    divergence,
    safety_delta,
    weights,
    candidates: scored,
    critique_turn: options.critique_turn,
    duration_ms: options.duration_ms,
  };
}

interface Scale {
  readonly candidates: readonly Candidate[];
  readonly question: readonly number[] | undefined;
  readonly weights: Decision['weights'];
}

function score(candidate: Candidate, { candidates, question, weights }: Scale): CandidateScore {
  const parts = {
    semantic: semanticFit(candidate, { candidates, question }),
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
    role: candidate.participant,
    model: candidate.model,
    message_id: candidate.message_id,
    ...parts,
    composite,
  };
}

/**
 * How well an answer fits: half by the question, half by how far it agrees with the others, however many they are.
 * Without embeddings it is the same for all and decides nothing.
 */
function semanticFit({ vector, participant }: Candidate, scale: Omit<Scale, 'weights'>): number {
  if (vector === undefined) return 0.5;
  const others = scale.candidates.flatMap((one) =>
    one.participant === participant || one.vector === undefined ? [] : [cosine(vector, one.vector)],
  );
  const fits = [
    ...(scale.question === undefined ? [] : [cosine(vector, scale.question)]),
    ...(others.length === 0 ? [] : [mean(others)]),
  ];
  return fits.length === 0 ? 0.5 : clamp((mean(fits) + 1) / 2);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
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
