import {
  type ChainVerdict,
  type ConversationLog,
  type ConversationSummary,
  LogRecord,
  type Principal,
} from '@mcp/contracts';
import { type DataKey, isEncrypted } from '@mcp/kms';
import {
  compareWithHead,
  EncryptedLog,
  type LogHeader,
  transparencyOf,
  verifyEntries,
  verifyLog,
} from '@mcp/provenance';
import { z } from 'zod';
import type { DataKeys } from '../encryption/data-keys.ts';
import type { ConversationStore, Stored } from '../store/conversations.ts';
import { type Committed, recordOf } from '../store/rows.ts';
import type { LogArchive } from './archive.ts';
import type { KeptHead, LogHeads } from './heads.ts';
import type { LogKeys } from './log-keys.ts';
import type { LogProofs, Proven } from './proofs.ts';

export interface LogStateDeps {
  readonly store: ConversationStore;
  readonly keys: DataKeys;
  /** Undefined: committed logs are kept in the store alone. */
  readonly archive: LogArchive | undefined;
  readonly heads: LogHeads;
  /** Undefined: there is no transparency log. */
  readonly proofs: LogProofs | undefined;
  readonly secret: string;
  readonly signing: LogKeys;
}

/** A conversation as the store has it, and how its log stands to what is kept outside. */
export interface LogState {
  /** The log as the store has it, with its signature. */
  readonly log: ConversationLog;
  readonly stored: Stored;
  readonly verdict: ChainVerdict;
  readonly proven: Proven | undefined;
}

/** The core itself, looking at conversations of anyone. */
export const SELF: Principal = { id: 'core', kind: 'service', name: 'core', scopes: ['admin'] };

/** The header that the records of a stored conversation are chained to. */
export function headerOf({
  version,
  summary,
  owner,
}: {
  version: ConversationLog['version'];
  summary: Pick<ConversationSummary, 'id' | 'created_at' | 'mode' | 'participants'>;
  owner: string;
}): LogHeader {
  const { id, created_at, mode, participants } = summary;
  const models = participants.map(({ model }) => model);
  const header = { id, created_at, owner, mode, models };
  return version === 1 ? { ...header, version } : { ...header, version, participants };
}

/** The log as the store has it, its signature included. */
export function logOf(stored: Stored): ConversationLog {
  const { records, head, mac } = stored;
  return { ...headerOf(stored), messages: [...records], head, mac } as ConversationLog;
}

const SignedFile = z.object({ head: z.string(), mac: z.string(), messages: z.array(LogRecord) });

/**
 * Checks a stored log: its chain and signature, then against its head on the event bus, then against the archive. What is
 * kept outside is read first: records are in the store before they are there, so it can only be as far or further.
 * Throws `not_found` when the caller may not see it.
 */
export async function checkLog(deps: LogStateDeps, id: string, principal: Principal): Promise<LogState> {
  const before = await deps.store.commitment(id);
  const kept = await deps.heads.get(id);
  const archived = await readArchive(deps, id);
  const proven = await deps.proofs?.of(id);
  if (archived.state === 'read')
    await deps.signing.know((archived.log as { signature?: unknown })?.signature);
  const stored = await deps.store.get(id, principal);
  const log = await deps.signing.withSignature(logOf(stored));
  const judged = { stored: committedBefore(stored, before), log, kept, archived, proven };
  return { log, stored, proven, verdict: judge(deps, judged) };
}

/** What the store says to be outside has to be there only where it said so before that was asked: a run may have ended meanwhile. */
function committedBefore(
  stored: Stored,
  before: (Committed & { readonly records: number }) | undefined,
): Stored {
  const same =
    before?.records === stored.records.length &&
    before.anchored === stored.anchored &&
    before.uncommitted === stored.uncommitted;
  return same ? stored : { ...stored, uncommitted: true, anchored: 0 };
}

/** What the archive has of a log; `away`: it cannot be read just now. */
type Archived = { readonly state: 'away' } | { readonly state: 'read'; readonly log: unknown };

/** What the store has of a log, that of an erased one too: nothing here is what was said. */
export interface Held {
  readonly summary: Pick<ConversationSummary, 'id' | 'status'>;
  readonly records: readonly Pick<LogRecord, 'seq' | 'hash'>[];
  readonly head: string;
  readonly anchored: number;
}

interface Outside<S extends Held> {
  readonly stored: S;
  readonly kept: KeptHead;
  /** Undefined: there is no transparency log. */
  readonly proven: Proven | undefined;
}

interface Evidence extends Outside<Stored> {
  /** The log as the store has it, with its signature. */
  readonly log: ConversationLog;
  readonly archived: Archived;
}

async function readArchive({ archive, keys }: LogStateDeps, id: string): Promise<Archived> {
  try {
    const log = await archive?.read(id);
    const encrypted = EncryptedLog.safeParse(log);
    if (!encrypted.success) return { state: 'read', log };
    return { state: 'read', log: decryptedLog(encrypted.data, await keys.of(id)) };
  } catch (error) {
    // What is not JSON any more was changed: that is a verdict, not a failure.
    return error instanceof SyntaxError ? { state: 'read', log: 'not JSON' } : { state: 'away' };
  }
}

/** A log as its hashes have it; records that cannot be decrypted do not fit theirs. */
export function decryptedLog({ encrypted: _, ...log }: EncryptedLog, key: DataKey): unknown {
  const { id, version } = log;
  const messages = log.messages.map(({ encrypted: body, ...hashes }) =>
    recordOf(
      { ...hashes, conversation_id: id, role: 'system', body: isEncrypted(body) ? body : '' },
      { version, key },
    ),
  );
  return { ...log, messages };
}

function judge(deps: LogStateDeps, evidence: Evidence): ChainVerdict {
  const inStore = verifyLog(signedBefore003(evidence), deps.signing.options);
  if (!inStore.ok) return { ...inStore, reason: `In the store: ${inStore.reason ?? 'it does not verify.'}` };
  const outside = judgeHead(deps, evidence);
  if (outside?.status === 'broken') return outside;
  const beside = deps.archive === undefined ? undefined : judgeArchive(deps, evidence);
  if (beside?.status === 'broken') return beside;
  const logged = judgeProofs(evidence);
  if (logged?.status === 'broken') return logged;
  const unsure = beside ?? outside;
  if (unsure !== undefined) return unsure;
  return logged === undefined ? inStore : { ...inStore, ...logged, head: inStore.head };
}

/** The signature of a log from before signatures were stored is in its file. */
function signedBefore003({ stored, log, archived }: Evidence): ConversationLog {
  if (log.mac !== '' || archived.state === 'away') return log;
  const file = SignedFile.safeParse(archived.log);
  return file.success && file.data.messages.length === stored.records.length
    ? { ...log, head: file.data.head, mac: file.data.mac }
    : log;
}

/** Undefined: the head that is kept outside is that of this log. */
export function judgeHead(
  deps: Pick<LogStateDeps, 'heads'>,
  { stored, kept }: Pick<Outside<Held>, 'stored' | 'kept'>,
): ChainVerdict | undefined {
  const { records, anchored } = stored;
  switch (kept.kept) {
    case 'away':
      return unconfirmed(
        stored,
        'The event bus, which keeps the head of each log, cannot be asked just now: whether records are missing at the end is not confirmed. Verify again later.',
      );
    case 'deleted':
      return broken(stored, 'The head that the event bus kept of this log was deleted there.', null);
    case 'none':
      if (anchored === 0 || anchored !== deps.heads.generation) return unconfirmed(stored, pending(stored));
      return broken(
        stored,
        'The head that the event bus kept of this log is gone from there, and the rest is not.',
        null,
      );
    case 'head':
      break;
    default:
      return kept satisfies never;
  }
  const { head } = kept;
  const order = compareWithHead({ messages: [...records] }, head);
  switch (order) {
    case 'same':
      return undefined;
    case 'longer':
      return unconfirmed(stored, pending(stored));
    case 'cut':
      return broken(
        stored,
        `${missing(records.length, head.records - 1)}: the event bus keeps the head of ${head.records} records (${head.head.slice(0, 12)}…), the store has ${records.length}. An earlier state was restored.`,
        records.length,
      );
    case 'rewritten':
      return broken(
        stored,
        `Record ${head.records - 1} is not the one whose hash the event bus keeps (${head.head.slice(0, 12)}…): the log was rewritten there or before.`,
        head.records - 1,
      );
    default:
      return order satisfies never;
  }
}

/** Undefined: the archive has this log as it is. */
function judgeArchive(deps: LogStateDeps, { stored, archived }: Evidence): ChainVerdict | undefined {
  const name = deps.archive?.name ?? 'archive';
  if (archived.state === 'away')
    return unconfirmed(
      stored,
      `Chain and signature hold. The ${name} cannot be read just now: whether it says the same is not confirmed. Verify again later.`,
    );
  if (archived.log === undefined)
    return stored.uncommitted
      ? unconfirmed(stored, pending(stored))
      : broken(stored, `The ${name} is missing.`, 0);
  const verdict = verifyLog(archived.log, deps.signing.options);
  if (!verdict.ok)
    return { ...verdict, id: stored.summary.id, reason: `In the ${name}: ${verdict.reason ?? 'broken.'}` };
  const { records } = stored;
  const last = records[verdict.records - 1]?.hash;
  if (verdict.records > records.length)
    return broken(
      stored,
      `${missing(records.length, verdict.records - 1)} in the store: the ${name} has ${verdict.records}.`,
      records.length,
    );
  if (verdict.records > 0 && verdict.head !== last)
    return broken(stored, `The ${name} and the store hold different records.`, verdict.records - 1);
  if (verdict.records === records.length) return undefined;
  return stored.uncommitted
    ? unconfirmed(stored, pending(stored))
    : broken(stored, `The ${name} lacks records that the store has.`, verdict.records);
}

/** Undefined: there is no transparency log; `ok`, with the place, where the log has this conversation. */
export function judgeProofs({
  stored,
  proven,
}: Pick<Outside<Held>, 'stored' | 'proven'>): ChainVerdict | undefined {
  if (proven === undefined) return undefined;
  switch (proven.state) {
    case 'away':
      return unconfirmed(
        stored,
        'Chain and signature hold. The transparency log cannot be asked just now: whether it has the same is not confirmed. Verify again later.',
      );
    case 'waiting':
      return unconfirmed(stored, onItsWay(stored));
    case 'missing':
      return broken(
        stored,
        `The transparency log had this conversation as entry ${proven.index}, and does not have so many entries any more: an earlier state of the log was put back.`,
        null,
      );
    case 'proven':
      break;
    default:
      return proven satisfies never;
  }
  const { records, summary } = stored;
  const verdict = verifyEntries({ id: summary.id, messages: records }, proven.entries, proven.keys);
  if (!verdict.fits) return broken(stored, verdict.flaw.reason, verdict.flaw.broken_at);
  const { place } = verdict;
  if (place === undefined || verdict.records < records.length) return unconfirmed(stored, onItsWay(stored));
  const base = { id: summary.id, ok: true, status: 'ok' as const, records: records.length };
  return { ...base, broken_at: null, reason: null, head: null, transparency: transparencyOf(place) };
}

function onItsWay({ summary }: Held): string {
  return summary.status === 'running'
    ? 'Chain and signature hold. It is running: its records are on their way to the transparency log.'
    : 'Chain and signature hold. Its records are not in the transparency log yet; that is made up for within seconds once the log takes them. Verify again then.';
}

function pending({ summary }: Held): string {
  return summary.status === 'running'
    ? 'Chain and signature hold. It is running: its end is confirmed once the run is over.'
    : 'Chain and signature hold. Its head is not kept outside the store yet; that is made up for within seconds once the event bus and the archive can be reached. Verify again then.';
}

function missing(from: number, to: number): string {
  return from === to ? `Record ${from} is missing` : `Records ${from} to ${to} are missing`;
}

function broken({ summary, records }: Held, reason: string, at: number | null): ChainVerdict {
  const base = { id: summary.id, records: records.length, head: null };
  return { ...base, ok: false, status: 'broken', broken_at: at, reason };
}

function unconfirmed({ summary, records, head }: Held, reason: string): ChainVerdict {
  const base = { id: summary.id, records: records.length, broken_at: null };
  return { ...base, ok: false, status: 'unconfirmed', reason, head: head === '' ? null : head };
}
