/** Where checkpoints of a log are anchored: what a stack says of it, and what the transparency log reads. */
import { z } from 'zod';

/** How often an anchor gets the newest checkpoint, and is compared with the log. */
const every_s = z
  .number()
  .int()
  .min(1)
  .max(7 * 86_400)
  .default(3600);

export const AnchorSettings = z.discriminatedUnion('kind', [
  /** A folder: of another machine, or of a volume that is written once. */
  z.strictObject({
    kind: z.literal('file'),
    folder: z
      .string()
      .regex(/^\/[^\0]{0,1000}$/, 'must be the absolute path of a folder, such as /mnt/anchors'),
    every_s,
  }),
]);
export type AnchorSettings = z.infer<typeof AnchorSettings>;
