/** Chooses among the participants' answers, and says why. */
import type { ArbitrationTerms, CandidateScore, RecordedContradiction } from '@mcp/contracts';
import type { Candidate } from './candidate.ts';
import { coherence } from './coherence.ts';
import { compositeOf, ranked, type Weights } from './composite.ts';
import { contradictedBy } from './contradictions.ts';
import { withoutQuotes } from './refinement.ts';
import type { Verdict } from './verdict.ts';

export interface ArbitrationOptions {
  readonly candidates: readonly Candidate[];
  /** Embedding of the question. */
  readonly question: readonly number[] | undefined;
  readonly terms: ArbitrationTerms;
  readonly contradictions: readonly RecordedContradiction[];
}

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
 * agree is what a critique is for, and a mean over many would hide it. Of each participant, its latest answer.
 */
export function divergenceOf(candidates: readonly Candidate[]): {
  divergence: number | null;
  safety_delta: number | null;
} {
  const latest = latestOf(candidates);
  if (latest.length < 2) return { divergence: null, safety_delta: null };
  const risks = latest.map(({ risk }) => risk);
  const vectors = latest.flatMap(({ vector }) => (vector === undefined ? [] : [vector]));
  const apart = vectors.flatMap((a, at) => vectors.slice(at + 1).map((b) => 1 - cosine(a, b)));
  return {
    divergence: vectors.length < latest.length ? null : Math.max(...apart),
    safety_delta: Math.max(...risks) - Math.min(...risks),
  };
}

function latestOf(candidates: readonly Candidate[]): Candidate[] {
  const latest = new Map<string, Candidate>();
  for (const one of candidates)
    if ((one.before ?? 0) >= (latest.get(one.participant)?.before ?? 0)) latest.set(one.participant, one);
  return [...latest.values()];
}

/**
 * Chooses the candidate with the highest composite, and says why. The order of the candidates does not matter: equal
 * scores go to the participant whose id comes first, and of its answers to the earliest. Throws RangeError without candidates.
 */
export function arbitrate(options: ArbitrationOptions): Verdict {
  const { terms, contradictions } = options;
  const candidates = [...options.candidates].sort((a, b) =>
    a.participant === b.participant
      ? (a.before ?? 0) - (b.before ?? 0)
      : a.participant < b.participant
        ? -1
        : 1,
  );
  const scored = candidates.map((candidate) => score(candidate, { ...options, candidates }));
  return verdictOf(scored, {
    ...divergenceOf(candidates),
    weights: terms.weights,
    version: terms.version,
    thresholds: terms.thresholds,
    contradictions: [...contradictions],
  });
}

/** The same candidates under other weights. */
export function reweighed({ candidates, ...found }: Verdict, weights: Weights): Verdict {
  const scored = candidates.map((one) => ({ ...one, composite: compositeOf(one, weights) }));
  return verdictOf(scored, { ...found, weights });
}

type Found = Omit<Verdict, 'chosen' | 'message_id' | 'method' | 'reason' | 'candidates'>;

/** Candidates are in the order of their ids: of equal scores the first is chosen. */
function verdictOf(scored: CandidateScore[], found: Found): Verdict {
  const [best, next] = ranked(scored);
  if (best === undefined) throw new RangeError('there is nothing to decide between');
  return {
    ...found,
    chosen: best.role,
    message_id: best.message_id,
    method: next === undefined ? 'only-candidate' : 'composite',
    reason: next === undefined ? `${best.model} gave the only answer.` : reasonOf(best, next, found),
    candidates: scored,
  };
}

function score(candidate: Candidate, options: ArbitrationOptions): CandidateScore {
  const { weights } = options.terms;
  const parts = {
    semantic: semanticFit(candidate, options),
    coherence: coherence(withoutQuotes(candidate.text), candidate.finish),
    safety: clamp(1 - candidate.risk),
  };
  const { judged } = candidate;
  const contradicted = contradictedBy(candidate, options.contradictions);
  const all = {
    ...parts,
    ...(judged === undefined ? {} : { judged }),
    ...(contradicted === 0 ? {} : { contradicted }),
  };
  return {
    role: candidate.participant,
    model: candidate.model,
    message_id: candidate.message_id,
    ...all,
    composite: compositeOf(all, weights),
  };
}

/**
 * How well an answer fits: half by the question, half by how far it agrees with the others, however many they are.
 * Without embeddings it is the same for all and decides nothing.
 */
function semanticFit(
  { vector, participant }: Candidate,
  { candidates, question }: Pick<ArbitrationOptions, 'candidates' | 'question'>,
): number {
  if (vector === undefined) return 0.5;
  const others = candidates.flatMap((one) =>
    one.participant === participant || one.vector === undefined ? [] : [cosine(vector, one.vector)],
  );
  const fits = [
    ...(question === undefined ? [] : [cosine(vector, question)]),
    ...(others.length === 0 ? [] : [mean(others)]),
  ];
  return fits.length === 0 ? 0.5 : clamp((mean(fits) + 1) / 2);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function reasonOf(best: CandidateScore, other: CandidateScore, found: Found): string {
  const { divergence, thresholds, contradictions = [] } = found;
  const [lead] = leadsOf(best, other).sort((a, b) => b.lead - a.lead);
  const why = lead === undefined || lead.lead < 0.005 ? 'the two are nearly equal' : `it ${lead.words}`;
  const apart =
    divergence === null
      ? ''
      : ` The answers ${divergence > (thresholds?.divergence ?? 0) ? 'diverge' : 'agree in the main'} (divergence ${divergence.toFixed(2)}).`;
  const [first] = contradictions;
  const against = first === undefined ? '' : ` ${first.why}`;
  return `${best.model} was chosen with ${best.composite.toFixed(2)} against ${other.composite.toFixed(2)}: ${why}.${apart}${against}`;
}

/** By how much the best leads in each component, in words. */
function leadsOf(best: CandidateScore, other: CandidateScore): { lead: number; words: string }[] {
  const words = {
    semantic: 'fits the question better',
    coherence: 'reasons more coherently',
    safety: 'is safer',
  } as const;
  const leads = (['semantic', 'coherence', 'safety'] as const).map((name) => ({
    lead: best[name] - other[name],
    words: `${words[name]} (${best[name].toFixed(2)} against ${other[name].toFixed(2)})`,
  }));
  const contradicted = (other.contradicted ?? 0) - (best.contradicted ?? 0);
  return [...leads, { lead: contradicted, words: 'is contradicted less' }];
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
