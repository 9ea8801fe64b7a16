/** Signs logs with PROV_SECRET, and verifies logs of any origin. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import {
  type ChainVerdict,
  ConversationLog,
  ConversationLogV1,
  ConversationLogV2,
  ConversationLogV3,
  type LogRecord,
} from '@mcp/contracts';
import { headerHash, type LogHeader, recordHash } from './chain.ts';
import { EncryptedLog } from './encrypted.ts';
import { checkLineage } from './lineage.ts';

/** HMAC-SHA256 (hex, RFC 2104) of a head under PROV_SECRET: who does not hold it cannot rebuild a log. */
function macOf(head: string, secret: string): string {
  return createHmac('sha256', secret).update(head).digest('hex');
}

/** The signature of a log that ends with `last`: an HMAC of its head. */
export function signatureOf(
  header: LogHeader,
  last: Pick<LogRecord, 'hash'> | undefined,
  secret: string,
): string {
  return macOf(last?.hash ?? headerHash(header), secret);
}

/** A log file: header, records, the head and its signature. The records have to be of the header's version. */
export function signLog(header: LogHeader, records: readonly LogRecord[], secret: string): ConversationLog {
  const head = records.at(-1)?.hash ?? headerHash(header);
  return { ...header, messages: [...records], head, mac: macOf(head, secret) } as ConversationLog;
}

export interface VerifyOptions {
  /** PROV_SECRET. Without it the chain is checked, but not who wrote it. */
  readonly secret: string | undefined;
}

/** Checks a log of any origin: shape, every hash, every link, the head and the signature, and from version 2 on where its steps come from. Never throws. */
export function verifyLog(value: unknown, options: VerifyOptions): ChainVerdict {
  try {
    return verify(value, options);
  } catch {
    // Values that JSON does not know (a cycle, a bigint) cannot be hashed.
    return broken({
      id: idOf(value),
      records: 0,
      at: null,
      reason: 'This is not JSON: it cannot be hashed.',
    });
  }
}

const FIELDS: Readonly<Record<ConversationLog['version'], ReadonlySet<string>>> = {
  1: new Set(Object.keys(ConversationLogV1.shape)),
  2: new Set(Object.keys(ConversationLogV2.shape)),
  3: new Set(Object.keys(ConversationLogV3.shape)),
};

function verify(value: unknown, options: VerifyOptions): ChainVerdict {
  const encrypted = EncryptedLog.safeParse(value);
  if (encrypted.success) return verifyEncryptedLog(encrypted.data, options);
  const parsed = ConversationLog.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const [field, seq] = issue?.path ?? [];
    return broken({
      id: idOf(value),
      records: 0,
      at: field === 'messages' && typeof seq === 'number' ? seq : null,
      reason: `This is not a conversation log: ${issue?.path.join('.') ?? 'it'} ${issue?.message ?? 'does not fit'}.`,
    });
  }
  const log = parsed.data;
  const unknown = Object.keys(value as object).find((key) => !FIELDS[log.version].has(key));
  if (unknown !== undefined)
    return broken({
      id: log.id,
      records: log.messages.length,
      at: null,
      reason: `The field ${unknown.slice(0, 40)} was added beside the records: a log has none of that name.`,
    });
  // The hashes cover the value as it was given, so that a field unknown to us cannot be slipped in.
  const given = (value as { readonly messages: readonly object[] }).messages;
  const at = (seq: number, reason: string) =>
    broken({ id: log.id, records: log.messages.length, at: seq, reason });
  let previous = headerHash(log);
  for (const [i, record] of log.messages.entries()) {
    const flaw = linkFlaw(record, i, previous);
    if (flaw !== undefined) return at(i, flaw);
    if (recordHash(given[i] ?? record) !== record.hash)
      return at(i, `Record ${i} was changed after it was written.`);
    previous = record.hash;
  }
  const flaw = log.version === 1 ? undefined : checkLineage(log);
  if (flaw !== undefined) return at(flaw.seq, flaw.reason);
  const end = endFlaw(log, previous, options);
  if (end !== undefined) return at(log.messages.length, end);
  return {
    id: log.id,
    ok: true,
    status: 'ok',
    records: log.messages.length,
    broken_at: null,
    reason: null,
    head: log.head,
  };
}

/** Why a record is not the one that follows; undefined: it is. */
function linkFlaw(
  record: Pick<LogRecord, 'seq' | 'hash_prev'>,
  i: number,
  previous: string,
): string | undefined {
  if (record.seq !== i)
    return `Record ${i} is missing or out of order: the record in its place is number ${record.seq}.`;
  if (record.hash_prev === previous) return undefined;
  return i === 0
    ? 'The header was changed, or the first record belongs to another log.'
    : `Record ${i} does not follow record ${i - 1}: one of them was changed, removed or moved.`;
}

/** What is wrong with the end of a log whose last record has this hash; undefined: nothing. */
function endFlaw(
  { head, mac }: { head: string; mac: string },
  last: string,
  options: VerifyOptions,
): string | undefined {
  if (head !== last) return 'Records at the end are missing: the head does not fit the last record.';
  return options.secret === undefined || sameText(mac, macOf(head, options.secret))
    ? undefined
    : 'The signature does not fit: the log was cut or rebuilt without PROV_SECRET, or signed with another one.';
}

/**
 * Checks order, links, head and signature of a log whose records are encrypted or erased: all that their hashes say.
 * `erased` where nothing is left of what was said; otherwise `unconfirmed`, for only who has the data key can say more.
 */
export function verifyEncryptedLog(log: EncryptedLog, options: VerifyOptions): ChainVerdict {
  const { id, messages, head } = log;
  const found = { id, records: messages.length };
  let previous = headerHash(log as LogHeader);
  for (const [i, record] of messages.entries()) {
    const flaw = linkFlaw(record, i, previous);
    if (flaw !== undefined) return broken({ ...found, at: i, reason: flaw });
    previous = record.hash;
  }
  const flaw = endFlaw(log, previous, options);
  if (flaw !== undefined) return broken({ ...found, at: messages.length, reason: flaw });
  const held = { ...found, broken_at: null, head };
  return messages.every(({ encrypted }) => encrypted === '')
    ? {
        ...held,
        ok: true,
        status: 'erased',
        reason: `What was said is erased. The chain of its ${messages.length} hashes and the signature hold.`,
      }
    : {
        ...held,
        ok: false,
        status: 'unconfirmed',
        reason:
          'Order and signature hold. The records are encrypted: whether each is as it was hashed, the platform that has their key says.',
      };
}

function broken(found: { id: string; records: number; at: number | null; reason: string }): ChainVerdict {
  return {
    id: found.id,
    ok: false,
    status: 'broken',
    records: found.records,
    broken_at: found.at,
    reason: found.reason,
    head: null,
  };
}

function idOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string'
    ? value.id.slice(0, 64)
    : 'unknown';
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
