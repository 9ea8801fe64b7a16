/** What is learnt from feedback: how much better an answer is taken to be, by what its components have over the others'. */
import type { CandidateScore, Evidence, JudgedDecision } from '@mcp/contracts';
import { reasoningOf } from '../composite.ts';

/** What components usually differ by between answers to one question, so that all are learnt alike fast. */
const SPREAD = { semantic: 0.1, reasoning: 0.1, safety: 0.1, contradicted: 0.3 };
/** One for each kind of feedback, then the features of {@link featuresOf}. */
export const DIMENSIONS = 9;

export interface Lesson {
  readonly features: readonly number[];
  /** In [0, 1]. */
  readonly reward: number;
  /** All lessons of a decision count as one together. */
  readonly weight: number;
}

/** The features of each candidate, in their order: components against the mean, alone and by how much is in dispute. */
export function featuresOf({
  candidates,
  contradiction,
}: Pick<Evidence, 'candidates' | 'contradiction'>): number[][] {
  const all = candidates.map(scaled);
  return all.map((own) => {
    const against = own.map((value, at) => value - mean(all.map((one) => one[at] ?? 0)));
    const [semantic = 0, reasoning = 0, safety = 0] = against;
    return [...against, ...[semantic, reasoning, safety].map((value) => value * contradiction)];
  });
}

/** The features of a candidate with the kind of feedback. */
export function withKind(features: readonly number[], kind: 'score' | 'better'): number[] {
  return kind === 'score' ? [1, 0, ...features] : [0, 1, ...features];
}

/** Of a score one lesson; of the best answer one of each candidate. None where the answers were not scored. */
export function lessonsOf({ evidence, score, better }: Taught): Lesson[] {
  const { candidates, message_id } = evidence;
  if (candidates.length < 2) return [];
  const features = featuresOf(evidence);
  return candidates.flatMap((one, at): Lesson[] => {
    const own = features[at] ?? [];
    if (better !== null)
      return [
        {
          features: withKind(own, 'better'),
          reward: one.message_id === better ? 1 : 0,
          weight: 1 / candidates.length,
        },
      ];
    return score !== null && one.message_id === message_id
      ? [{ features: withKind(own, 'score'), reward: score, weight: 1 }]
      : [];
  });
}

export type Taught = Pick<JudgedDecision, 'evidence' | 'score' | 'better'>;

function scaled(one: CandidateScore): number[] {
  return [
    one.semantic / SPREAD.semantic,
    reasoningOf(one) / SPREAD.reasoning,
    one.safety / SPREAD.safety,
    -(one.contradicted ?? 0) / SPREAD.contradicted,
  ];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
