/** The risk of requests and of turns: what it comes from, and the route that is taken by it. */
import { z } from 'zod';

const Unit = z.number().min(0).max(1);

export const RiskSignal = z.enum([
  /** How much answers to the same question disagree. */
  'disagreement',
  /** How unsure the model is of its tokens. */
  'volatility',
  /** How often the caller did what calls for caution of late. */
  'history',
  /** Score of the injection classifier. */
  'injection',
  /** How sensitive the data in the text are. */
  'data',
  /** Risk of what the rules found. */
  'content',
]);
export type RiskSignal = z.infer<typeof RiskSignal>;

/** From the plainest to the most careful: as asked; by a model that is known to be safe; with another turn that checks; without tools and with personal data redacted; not at all. */
export const RiskRoute = z.enum(['plain', 'baseline', 'critic', 'sandbox', 'refuse']);
export type RiskRoute = z.infer<typeof RiskRoute>;

/** A risk, the route by it, and what it comes from, the largest share first. */
export const RiskVerdict = z.object({
  risk: Unit,
  route: RiskRoute,
  reasons: z.array(z.object({ signal: RiskSignal, share: Unit })).max(RiskSignal.options.length),
});
export type RiskVerdict = z.infer<typeof RiskVerdict>;

/** How a conversation is watched: what was known before its first turn, and from which risk each route is taken. */
export const ConversationRisk = z.object({
  signals: z.partialRecord(RiskSignal, Unit),
  thresholds: z.object({ baseline: Unit, critic: Unit, sandbox: Unit, refuse: Unit }),
  /** Absent: what would be its turns are checked by another turn. */
  baseline_model: z.string().max(200).optional(),
});
export type ConversationRisk = z.infer<typeof ConversationRisk>;
