/** What becomes of personal data, between services. */
import { z } from 'zod';

/**
 * The mildest first: it is not looked for; its kinds are noted beside what is stored; it is replaced by names that are
 * taken back in the answer; it is replaced for good; the request is refused.
 */
export const PiiAction = z.enum(['off', 'tag', 'tokenize', 'redact', 'block']);
export type PiiAction = z.infer<typeof PiiAction>;
