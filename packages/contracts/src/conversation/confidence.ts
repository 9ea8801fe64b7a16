import { z } from 'zod';

/** How sure a node of a graph is that what it was shown, or what it says, holds; and what that was read from. */
export const Confidence = z.object({
  value: z.number().min(0).max(1),
  /** Its verdict, the probabilities of the verdict's tokens, or words of its text. */
  from: z.enum(['verdict', 'logprobs', 'text']),
});
export type Confidence = z.infer<typeof Confidence>;
