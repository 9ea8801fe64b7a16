import { z } from 'zod';

/** That a log was found not to be what was written, as it is told on the event bus: once for each finding. */
export const TamperAlert = z.object({
  type: z.literal('mcp/tamper-alert@v1'),
  at: z.iso.datetime(),
  /** What was found: the id of a conversation, or the place of an entry in the transparency log. */
  finding: z.string(),
  /** The conversation that it is about, which is read-only from now on; null: of none in particular. */
  conversation_id: z.string().nullable(),
  /** The first record that does not fit. */
  broken_at: z.number().int().nullable(),
  reason: z.string(),
});
export type TamperAlert = z.infer<typeof TamperAlert>;
