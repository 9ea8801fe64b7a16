import { z } from 'zod';

/** Scores of one candidate, each in [0, 1] (blueprint phase C, arbitration). */
export const CandidateScore = z.object({
  role: z.enum(['modelA', 'modelB']),
  model: z.string(),
  message_id: z.uuid(),
  /** Cosine of the candidate's embedding with the question's and with the other candidate's, mean. */
  semantic: z.number().min(0).max(1),
  /** Reasoning coherence: deterministic evidence in the text. */
  coherence: z.number().min(0).max(1),
  /** 1 - risk. */
  safety: z.number().min(0).max(1),
  composite: z.number().min(0).max(1),
});
export type CandidateScore = z.infer<typeof CandidateScore>;

/** The recorded arbitration between the two models. */
export const Decision = z.object({
  chosen: z.enum(['modelA', 'modelB']),
  message_id: z.uuid(),
  /** One sentence for a person. */
  reason: z.string(),
  method: z.enum(['composite', 'fastest-successful', 'only-candidate', 'disabled']),
  /** 1 - cosine(embeddingA, embeddingB) (blueprint, arbitration v2); null when no embedding was available. */
  divergence: z.number().min(0).max(2).nullable(),
  /** |riskA - riskB|. */
  safety_delta: z.number().min(0).max(1).nullable(),
  weights: z.object({ semantic: z.number(), coherence: z.number(), safety: z.number() }),
  candidates: z.array(CandidateScore).max(2),
  /** True when divergence crossed the threshold and an extra critique turn was taken. */
  critique_turn: z.boolean(),
  duration_ms: z.number().nonnegative(),
});
export type Decision = z.infer<typeof Decision>;
