/** What the safety stages found in texts, and what came of it. */
import { z } from 'zod';

export const SafetySeverity = z.enum(['low', 'moderate', 'severe']);
export type SafetySeverity = z.infer<typeof SafetySeverity>;

/** What was done about the worst that was found. */
export const SafetyAction = z.enum(['logged', 'flagged', 'redacted', 'quarantined', 'blocked']);
export type SafetyAction = z.infer<typeof SafetyAction>;

/** Where it was found: what was asked, what tools or retrieval gave, what was answered, thought, or given to a tool. */
export const SafetyTier = z.enum(['input', 'tool_result', 'output', 'reasoning', 'tool_arguments']);
export type SafetyTier = z.infer<typeof SafetyTier>;

export const SafetyFinding = z.object({
  /** A category of the registry in `packages/safety`. */
  category: z.string().max(64),
  severity: SafetySeverity,
  tier: SafetyTier,
  stage: z.enum(['rules', 'classifier', 'embedding', 'moderation']),
  /** Of a stage that gives one, in [0, 1]. */
  score: z.number().min(0).max(1).optional(),
});
export type SafetyFinding = z.infer<typeof SafetyFinding>;

export const SafetyVerdict = z.object({ action: SafetyAction, findings: z.array(SafetyFinding).max(64) });
export type SafetyVerdict = z.infer<typeof SafetyVerdict>;
