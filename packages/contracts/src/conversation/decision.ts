import { z } from 'zod';
import { MAX_PARTICIPANTS, ParticipantId } from './participant.ts';

/** Scores of one candidate, each in [0, 1] (blueprint phase C, arbitration). */
export const CandidateScore = z.object({
  /** The participant's id. */
  role: ParticipantId,
  model: z.string(),
  message_id: z.uuid(),
  /** Mean of the cosine with the question's embedding and the mean cosine with the other candidates'. */
  semantic: z.number().min(0).max(1),
  /** Reasoning coherence: deterministic evidence in the text. */
  coherence: z.number().min(0).max(1),
  /** 1 - risk. */
  safety: z.number().min(0).max(1),
  composite: z.number().min(0).max(1),
});
export type CandidateScore = z.infer<typeof CandidateScore>;

/** The recorded arbitration between the participants' last answers. */
export const Decision = z.object({
  /** Id of the participant whose answer was chosen. */
  chosen: ParticipantId,
  message_id: z.uuid(),
  /** One sentence for a person. */
  reason: z.string(),
  method: z.enum(['composite', 'fastest-successful', 'only-candidate', 'disabled', 'graph']),
  /**
   * 1 - cosine of the two answers that are furthest apart (blueprint, arbitration v2); null with one candidate, or
   * when no embedding was available.
   */
  divergence: z.number().min(0).max(2).nullable(),
  /** The highest risk less the lowest. */
  safety_delta: z.number().min(0).max(1).nullable(),
  weights: z.object({ semantic: z.number(), coherence: z.number(), safety: z.number() }),
  candidates: z.array(CandidateScore).max(MAX_PARTICIPANTS),
  /** True when divergence crossed the threshold and an extra critique turn was taken. */
  critique_turn: z.boolean(),
  duration_ms: z.number().nonnegative(),
});
export type Decision = z.infer<typeof Decision>;
