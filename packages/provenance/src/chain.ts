/** The hash chain of a conversation log. */
import { createHash } from 'node:crypto';
import type { ConversationLog, LogRecord, LogRecordV1, LogRecordV2, LogRecordV3 } from '@mcp/contracts';
import canonicalize from 'canonicalize';

type HeaderOf<V extends ConversationLog['version']> = Omit<
  Extract<ConversationLog, { version: V }>,
  'messages' | 'head' | 'mac'
>;

/** The part of a log that its first record is chained to. */
export type LogHeader = HeaderOf<1> | HeaderOf<2> | HeaderOf<3>;

type Unchained<R> = Omit<R, 'seq' | 'hash_prev' | 'hash'>;

/** A record before it is chained. */
export type NewRecord = Unchained<LogRecordV1> | Unchained<LogRecordV2> | Unchained<LogRecordV3>;

/** SHA-256 (hex) over canonical JSON (RFC 8785), so that the order of keys and white space do not matter. */
function sha256(value: unknown): string {
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError('only JSON values can be hashed');
  return createHash('sha256').update(text).digest('hex');
}

/** What the first record's `hash_prev` is: the hash of the header, so that records cannot move to another log. */
export function headerHash(header: LogHeader): string {
  const { id, created_at, owner, mode, models } = header;
  const common = { id, created_at, owner, mode, models };
  switch (header.version) {
    case 1:
      return sha256({ ...common, version: header.version });
    case 2:
    case 3:
      return sha256({ ...common, version: header.version, participants: header.participants });
    default:
      return header satisfies never;
  }
}

/** Hash of a record: everything in it but `hash` itself, `hash_prev` included. */
export function recordHash(record: object): string {
  const { hash: _own, ...rest } = record as { readonly hash?: unknown };
  return sha256(rest);
}

/**
 * The record that follows `previous` (or begins the log); it has to be of the header's version. Undefined fields are
 * left out, as JSON leaves them out.
 */
export function chainRecord(
  header: LogHeader,
  previous: Pick<LogRecord, 'seq' | 'hash'> | undefined,
  record: NewRecord,
): LogRecord {
  const present = Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== undefined),
  ) as unknown as NewRecord;
  const body = {
    ...present,
    seq: previous === undefined ? 0 : previous.seq + 1,
    hash_prev: previous?.hash ?? headerHash(header),
  };
  return { ...body, hash: recordHash(body) };
}
