/** What of a conversation is written into the transparency log: hashes, as canonical JSON. */
import { LogEntry, type LogRecord } from '@mcp/contracts';
import canonicalize from 'canonicalize';
import { leafHash, rootOver } from './tlog/merkle.ts';

/** What tells entries apart: the conversation, the type, and the record, or how many records a session has. */
export function entryPlace(entry: LogEntry): {
  readonly conversation_id: string;
  readonly type: LogEntry['type'];
  readonly seq: number;
} {
  const { conversation: conversation_id, type } = entry;
  return { conversation_id, type, seq: type === 'session' ? entry.records : entry.seq };
}

/** The bytes of an entry, as text. */
export function encodeEntry(entry: LogEntry): string {
  return canonicalize(entry) ?? '';
}

/** Reads an entry. Throws a TypeError where it is none, or is not written canonically. */
export function decodeEntry(text: string): LogEntry {
  const parsed = LogEntry.safeParse(jsonOf(text));
  if (!parsed.success || encodeEntry(parsed.data) !== text)
    throw new TypeError(`This is no entry of a conversation: '${text.slice(0, 80)}'.`);
  return parsed.data;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

type Hashed = Pick<LogRecord, 'seq' | 'hash'>;

/** The Merkle root (RFC 9162, hex) over records: its leaves are their hashes, 32 bytes each. */
export function recordsRoot(records: readonly Pick<LogRecord, 'hash'>[]): string {
  return rootOver(records.map(({ hash }) => leafHash(Buffer.from(hash, 'hex')))).toString('hex');
}

export function recordEntry(conversation: string, { seq, hash }: Hashed): LogEntry {
  return { type: 'record', conversation, seq, hash };
}

export function sessionEntry(conversation: string, records: readonly Hashed[]): LogEntry {
  return { type: 'session', conversation, records: records.length, root: recordsRoot(records) };
}
