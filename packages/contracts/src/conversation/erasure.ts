/** Who read what was said, and what is given to, or erased for, the one who said it. */
import { z } from 'zod';
import { ConversationLog } from './log.ts';
import { StoredAnswer } from './stored-answers.ts';

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

/** Id of a principal: `key:…`, or that of an identity provider. */
export const SubjectId = z
  .string()
  .regex(/^[^\p{C}]{1,300}$/u, 'must be the id of a principal, such as key:…');

export const SubjectRequest = z.strictObject({
  owner: SubjectId,
  /** `next_cursor` of the page before. */
  cursor: z.uuid().optional(),
});
export type SubjectRequest = z.infer<typeof SubjectRequest>;

/** Part of everything that is stored of one owner. */
export const SubjectPage = z.object({
  owner: z.string(),
  conversations: z.array(
    z.object({ log: ConversationLog, title: z.string(), answers: z.array(StoredAnswer) }),
  ),
  /** Null on the last page. */
  next_cursor: z.string().nullable(),
});
export type SubjectPage = z.infer<typeof SubjectPage>;

/** One batch of erasing everything of one owner. */
export const SubjectErasure = z.object({
  owner: z.string(),
  /** Conversations erased in this batch. */
  erased: z.number().int().nonnegative(),
  /** True when nothing is left. */
  complete: z.boolean(),
});
export type SubjectErasure = z.infer<typeof SubjectErasure>;

/** One batch of wrapping data keys again. */
export const KeyRewrap = z.object({
  /** Version that wraps now. */
  key_version: z.string(),
  rewrapped: z.number().int().nonnegative(),
  /** True when every data key is wrapped under it. */
  complete: z.boolean(),
});
export type KeyRewrap = z.infer<typeof KeyRewrap>;
