/** What an operator decides about the order of inferences. */
import { z } from 'zod';

/** What batch work is sure of, and what it leaves free. */
export const BatchTerms = z.strictObject({
  /** Share of a model's tokens that batch inferences get at least while both classes wait. */
  min_share: z.number().min(0).max(0.9).default(0.05),
  /** Share of the places that batch inferences leave free while interactive ones come. */
  reserve: z.number().min(0).max(0.9).default(0.1),
});
export type BatchTerms = z.infer<typeof BatchTerms>;
