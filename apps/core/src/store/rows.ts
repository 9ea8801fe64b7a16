/** Rows of the store as conversations and records, and back: what was said is encrypted there. */
import {
  AgentGraph,
  type ConversationLog,
  ConversationSummary,
  type LogRecord,
  LogRecordV1,
  LogRecordV2,
  LogRecordV3,
  Participant,
  PlatformError,
} from '@mcp/contracts';
import { type DataKey, decryptText, encryptText, isEncrypted, type TextPlace } from '@mcp/kms';
import { EncryptedLog, recordEntry } from '@mcp/provenance';
import type { Transaction } from 'kysely';
import { z } from 'zod';
import { insertEntries } from './log-entries.ts';
import type { ConversationRow, Database, RecordRow } from './schema.ts';

/** What a conversation was begun with, and is gone on with. */
export const Settings = z.object({
  max_tokens_per_turn: z.number().int(),
  temperature: z.number().optional(),
  seed: z.number().int().optional(),
  /** Of a conversation that is a graph of agents: it goes on as it was begun, whatever the stack says by then. */
  graph: AgentGraph.optional(),
});
export type Settings = z.infer<typeof Settings>;

/** In settings of version 1: the prompts of modelA and modelB. */
const PromptsV1 = z.object({ promptA: z.string(), promptB: z.string() });

type Version = ConversationLog['version'];

const RECORDS = { 1: LogRecordV1, 2: LogRecordV2, 3: LogRecordV3 } as const;

export function versionOf({ id, version }: ConversationRow): Version {
  if (version === 1 || version === 2 || version === 3) return version;
  throw new PlatformError(
    'internal',
    `The conversation ${id} is of version ${version}; this platform reads 1 to 3. It was written by a newer one: update.`,
  );
}

/** What a conversation has one of. */
function placeOf(conversation_id: string, purpose: 'title' | 'settings'): TextPlace {
  return { conversation_id, purpose, position: '' };
}

export function encryptedTitle(key: DataKey, id: string, title: string): string {
  return encryptText(key, placeOf(id, 'title'), title);
}

/** Of settings as JSON. */
export function encryptedSettings(key: DataKey, id: string, json: string): string {
  return encryptText(key, placeOf(id, 'settings'), json);
}

/** '' where it cannot be read: its key cannot be had just now, or it was changed. */
function titleOf({ id, title, key_id }: ConversationRow, key: DataKey | undefined): string {
  if (key_id === '') return title;
  return (key && decryptText(key, placeOf(id, 'title'), title)) ?? '';
}

/** Settings as JSON; undefined where they cannot be read: their key cannot be had just now, or they were changed. */
export function settingsOf({ id, settings }: ConversationRow, key: DataKey | undefined): unknown {
  const text = isEncrypted(settings) ? key && decryptText(key, placeOf(id, 'settings'), settings) : settings;
  return text === undefined ? undefined : JSON.parse(text);
}

/** Of settings that cannot be read: a run on them is refused, for its records cannot be read either. */
export const UNREADABLE: Settings = { max_tokens_per_turn: 1 };

export function summaryOf(found: ConversationRow, key: DataKey | undefined): ConversationSummary {
  const models = modelsOf(found);
  const participants =
    found.participants === '' ? sidesOf(models, settingsOf(found, key)) : JSON.parse(found.participants);
  return ConversationSummary.parse({ ...found, title: titleOf(found, key), models, participants });
}

function modelsOf({ models }: ConversationRow): string[] {
  return z.array(z.string()).parse(JSON.parse(models));
}

/** The participants of version 1: modelA and modelB, or the one model of a recorded completion. */
function sidesOf(models: readonly string[], settings: unknown): Participant[] {
  if (models.length === 1)
    return z.array(Participant).parse([{ id: 'modelA', model: models[0], prompt: null }]);
  const prompts = PromptsV1.safeParse(settings).data;
  return z.array(Participant).parse([
    { id: 'modelA', model: models[0], prompt: prompts?.promptA ?? null },
    { id: 'modelB', model: models[1], prompt: prompts?.promptB ?? null },
  ]);
}

/** Where a record is encrypted. */
interface RecordKey {
  readonly id: string;
  readonly key: DataKey;
}

export function encryptedRecord({ id, key }: RecordKey, seq: number, json: string): string {
  return encryptText(key, { conversation_id: id, purpose: 'record', position: seq }, json);
}

export async function insertRecords(
  tx: Transaction<Database>,
  where: RecordKey,
  records: readonly LogRecord[],
): Promise<void> {
  if (records.length === 0) return;
  const rows = records.map(
    (record): RecordRow => ({
      conversation_id: where.id,
      seq: record.seq,
      role: record.role,
      body: encryptedRecord(where, record.seq, JSON.stringify(record)),
      hash_prev: record.hash_prev,
      hash: record.hash,
    }),
  );
  await tx.insertInto('records').values(rows).execute();
  await insertEntries(
    tx,
    records.map((record) => recordEntry(where.id, record)),
  );
}

/** A record as it was hashed; one that cannot be decrypted has the place and the hashes of that, and fails its check. */
export function recordOf(
  row: RecordRow,
  { version, key }: { readonly version: Version; readonly key: DataKey | undefined },
): LogRecord {
  const place = { conversation_id: row.conversation_id, purpose: 'record', position: row.seq } as const;
  const text = isEncrypted(row.body) ? key && decryptText(key, place, row.body) : row.body;
  return text === undefined || text === '' ? damaged(row, version) : RECORDS[version].parse(JSON.parse(text));
}

/** What stands for a record whose ciphertext was changed, or moved from another place. */
function damaged(
  { seq, role, hash_prev, hash }: Pick<RecordRow, 'seq' | 'role' | 'hash_prev' | 'hash'>,
  version: Version,
): LogRecord {
  const nobody = '00000000-0000-0000-0000-000000000000';
  const record = {
    seq,
    role,
    content: '(This record cannot be decrypted: it was changed in the store.)',
    at: '1970-01-01T00:00:00.000Z',
    trace_id: '',
    pii_tags: [],
    message_id: nobody,
    hash_prev: hash_prev === '' ? '0'.repeat(64) : hash_prev,
    hash: hash === '' ? '0'.repeat(64) : hash,
  };
  if (version === 1) return LogRecordV1.parse(record);
  const kinds = { system: 'system', user: 'question', summary: 'summary', decision: 'decision' } as const;
  const kind = Object.entries(kinds).find(([name]) => name === role)?.[1];
  const step = {
    ...record,
    step: `s${seq}`,
    kind: kind ?? 'turn',
    parents: [],
    ...(kind === undefined ? { participant: role } : {}),
  };
  return version === 2
    ? LogRecordV2.parse(step)
    : LogRecordV3.parse({ ...step, salt: 'A'.repeat(22), key_id: nobody });
}

/** How far a conversation is kept outside the store. */
export interface Committed {
  /** True while it runs, and until its log is archived and its head anchored. */
  readonly uncommitted: boolean;
  /** Generation of the bucket that has its head; 0: none. */
  readonly anchored: number;
}

/** What is left of an erased conversation: its header and hashes, and what the store knows of their commitment. */
export interface Tombstone {
  readonly log: EncryptedLog;
  readonly stored: Committed & {
    readonly summary: { readonly id: string; readonly status: ConversationSummary['status'] };
    readonly records: readonly Pick<RecordRow, 'seq' | 'hash'>[];
    readonly head: string;
  };
}

export function tombstoneOf(
  found: ConversationRow,
  records: readonly Pick<RecordRow, 'seq' | 'hash_prev' | 'hash'>[],
): Tombstone {
  const { id, created_at, owner, mode, head, mac, participants, status, anchored } = found;
  const version = versionOf(found);
  const log = EncryptedLog.parse({
    encrypted: 1,
    version,
    id,
    created_at,
    owner,
    mode,
    models: modelsOf(found),
    ...(version === 1 ? {} : { participants: JSON.parse(participants) }),
    messages: records.map((row) => ({ ...row, encrypted: '' })),
    head,
    mac,
  });
  const uncommitted = found.unsealed === 1;
  const summary = { id, status: ConversationSummary.shape.status.parse(status) };
  return { log, stored: { summary, records, head, anchored, uncommitted } };
}
