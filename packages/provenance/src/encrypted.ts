/** A log as it is kept outside the store: what was said is encrypted, and cannot be read once its data key is destroyed. */
import { type ConversationLog, ConversationLogV2, type LogRecord, LogRecordV1 } from '@mcp/contracts';
import { z } from 'zod';

const { hash, hash_prev, seq } = LogRecordV1.shape;
const { id, created_at, owner, mode, head, mac, participants } = ConversationLogV2.shape;

/** `${MCP_DATA}/logs/conversations/<uuid>.json`: ids, times and hashes in the clear, records encrypted. */
export const EncryptedLog = z.looseObject({
  /** Form of `encrypted` in its records. */
  encrypted: z.literal(1),
  version: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  id,
  created_at,
  owner,
  mode,
  models: z.array(z.string()),
  participants: participants.optional(),
  messages: z.array(
    // '' in `encrypted`: it is erased.
    z.strictObject({ seq, hash_prev, hash, encrypted: z.string() }),
  ),
  head,
  mac,
});
export type EncryptedLog = z.infer<typeof EncryptedLog>;

export function encryptedLogOf(log: ConversationLog, encrypt: (record: LogRecord) => string): EncryptedLog {
  const messages = log.messages.map((record) => ({
    seq: record.seq,
    hash_prev: record.hash_prev,
    hash: record.hash,
    encrypted: encrypt(record),
  }));
  return { ...log, encrypted: 1, messages };
}
