import { z } from 'zod';
import { LogRecordV1 } from './log.ts';

const Hash = LogRecordV1.shape.hash;

/** That a record was written: its hash, and nothing of what was said. */
const RecordEntry = z.strictObject({
  type: z.literal('record'),
  conversation: z.uuid(),
  seq: z.number().int().nonnegative(),
  hash: Hash,
});

/** That a run of a conversation ended: how many records it has by then, and the Merkle root over their hashes. */
const SessionEntry = z.strictObject({
  type: z.literal('session'),
  conversation: z.uuid(),
  records: z.number().int().positive(),
  root: Hash,
});

/** An entry of the transparency log of a region, as canonical JSON (RFC 8785): hashes and places, no content. */
export const LogEntry = z.discriminatedUnion('type', [RecordEntry, SessionEntry]);
export type LogEntry = z.infer<typeof LogEntry>;

/** An entry with the proof that it is in the log, a text of https://c2sp.org/tlog-proof. */
export const ProvenEntry = z.object({
  /** The bytes of the entry: the JSON of a `LogEntry`. */
  entry: z.string().max(4096),
  proof: z.string().max(65_536),
});
export type ProvenEntry = z.infer<typeof ProvenEntry>;
