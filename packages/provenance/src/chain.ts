import { createHash } from 'node:crypto';
import type { ConversationLog, LogRecord } from '@mcp/contracts';
import canonicalize from 'canonicalize';

/** The part of a log that its first record is chained to. */
export type LogHeader = Pick<ConversationLog, 'id' | 'version' | 'created_at' | 'owner' | 'mode' | 'models'>;

/** A record before it is chained. */
export type NewRecord = Omit<LogRecord, 'seq' | 'hash_prev' | 'hash'>;

/** SHA-256 (hex) over canonical JSON (RFC 8785), so that the order of keys and white space do not matter. */
function sha256(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('only JSON values can be hashed');
  return createHash('sha256').update(text).digest('hex');
}

/** What the first record's `hash_prev` is: the hash of the header, so that records cannot move to another log. */
export function headerHash(header: LogHeader): string {
  const { id, version, created_at, owner, mode, models } = header;
  return sha256({ id, version, created_at, owner, mode, models });
}

/** Hash of a record: everything in it but `hash` itself, `hash_prev` included. */
export function recordHash(record: Omit<LogRecord, 'hash'> & { readonly hash?: string }): string {
  const { hash: _own, ...rest } = record;
  return sha256(rest);
}

/** The record that follows `previous` (or begins the log). Undefined fields are left out, as JSON leaves them out. */
export function chainRecord(
  header: LogHeader,
  previous: Pick<LogRecord, 'seq' | 'hash'> | undefined,
  record: NewRecord,
): LogRecord {
  const present = Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== undefined),
  ) as NewRecord;
  const body = {
    ...present,
    seq: previous === undefined ? 0 : previous.seq + 1,
    hash_prev: previous?.hash ?? headerHash(header),
  };
  return { ...body, hash: recordHash(body) };
}
