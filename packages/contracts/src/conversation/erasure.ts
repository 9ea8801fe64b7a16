/** Who read what was said, and what is erased of it. */
import { z } from 'zod';

/** `show`: the log of a conversation; `read`: a conversation of somebody else; `export`, `erase`. */
const AccessAction = z.enum(['show', 'read', 'export', 'erase']);
export type AccessAction = z.infer<typeof AccessAction>;

/** One access to what was said. */
export const Access = z.object({
  at: z.iso.datetime(),
  /** Id of the principal. */
  by: z.string(),
  action: AccessAction,
  owner: z.string(),
  request_id: z.string(),
});
export type Access = z.infer<typeof Access>;

/** Accesses to a conversation, the newest first. */
export const Accesses = z.object({ accesses: z.array(Access) });
export type Accesses = z.infer<typeof Accesses>;

/** What is left of a conversation. */
export const Erasure = z.object({
  id: z.uuid(),
  erased_at: z.iso.datetime(),
  erased_by: z.string(),
  /** Records whose hashes are kept. */
  records: z.number().int().nonnegative(),
});
export type Erasure = z.infer<typeof Erasure>;

/** One batch of wrapping data keys again. */
export const KeyRewrap = z.object({
  /** Version that wraps now. */
  key_version: z.string(),
  rewrapped: z.number().int().nonnegative(),
  /** True when every data key is wrapped under it. */
  complete: z.boolean(),
});
export type KeyRewrap = z.infer<typeof KeyRewrap>;
