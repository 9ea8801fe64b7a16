/** What people say of a decision of the arbitration, and what it was made by: from both the learner of weights learns. */
import { z } from 'zod';
import { PageLimit } from '../api/call.ts';
import { ArbitrationTerms } from './arbitration.ts';
import { Decision } from './decision.ts';
import { StepId } from './participant.ts';

/** How good the answer that stands is, or which of the answers is the best one. */
export const FeedbackRequest = z
  .strictObject({
    /** The decision's step; without one, the latest decision. */
    step: StepId.optional(),
    /** Of the answer that stands: 0 is bad, 1 is good. */
    score: z.number().min(0).max(1).optional(),
    /** `message_id` of the candidate that is better than all others; the one that stands may be named, too. */
    better: z.uuid().optional(),
    comment: z.string().min(1).max(1000).optional(),
  })
  .refine(({ score, better }) => (score === undefined) !== (better === undefined), {
    path: ['score'],
    error: 'must be given, or better instead, and not both',
  });
export type FeedbackRequest = z.infer<typeof FeedbackRequest>;

/** Feedback as it is kept. */
export const Feedback = z.object({
  conversation_id: z.uuid(),
  /** Of the decision's record, and its hash there. */
  seq: z.number().int().nonnegative(),
  hash: z.string(),
  given_at: z.iso.datetime(),
  score: z.number().min(0).max(1).nullable(),
  better: z.uuid().nullable(),
  comment: z.string().nullable(),
});
export type Feedback = z.infer<typeof Feedback>;

/** What a decision was made by, without what was said. */
export const Evidence = Decision.pick({
  message_id: true,
  method: true,
  divergence: true,
  safety_delta: true,
  weights: true,
  candidates: true,
  critique_turn: true,
  version: true,
  learner: true,
}).extend({
  /** Strength of the surest contradiction; 0 where none was found. */
  contradiction: z.number().min(0).max(1),
});
export type Evidence = z.infer<typeof Evidence>;

/** Feedback, and what its decision was made by. */
export const JudgedDecision = Feedback.omit({ comment: true }).extend({ evidence: Evidence });
export type JudgedDecision = z.infer<typeof JudgedDecision>;

export const ListFeedbackQuery = z.strictObject({
  limit: PageLimit,
  /** `next_cursor` of the page before. */
  cursor: z.string().max(200).optional(),
  /** The oldest that is wanted. */
  since: z.iso.datetime().optional(),
});
export type ListFeedbackQuery = z.infer<typeof ListFeedbackQuery>;

/** Feedback of everybody by `given_at`, the newest first, and the terms that hold now. */
export const FeedbackPage = z.object({
  terms: ArbitrationTerms,
  feedback: z.array(JudgedDecision),
  /** Null on the last page. */
  next_cursor: z.string().nullable(),
});
export type FeedbackPage = z.infer<typeof FeedbackPage>;
