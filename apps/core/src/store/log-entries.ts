import type { LogEntry, LogRecord } from '@mcp/contracts';
import { encodeEntry, entryPlace, recordEntry, sessionEntry } from '@mcp/provenance';
import { type Kysely, sql, type Transaction } from 'kysely';
import { timeIn } from './clock.ts';
import type { OpenDatabase } from './open.ts';
import type { Database, LogEntryRow } from './schema.ts';

/** How long who takes entries has them to itself. */
const CLAIM_MS = 10_000;

/** An entry of a conversation, and its place in the transparency log; null: it is not there yet. */
export interface StoredEntry {
  readonly entry: string;
  readonly index: number | null;
}

export type ClaimedEntry = Pick<LogEntryRow, 'conversation_id' | 'type' | 'seq' | 'entry'>;

/** What is to go into the transparency log, and where it went: written in the transaction that stores the records. */
export class LogEntries {
  readonly #db: Kysely<Database>;
  readonly #open: OpenDatabase;

  constructor(open: OpenDatabase) {
    this.#open = open;
    this.#db = open.db;
  }

  /** Takes entries that nobody else has just now, at most `limit`, those of a conversation in their order. */
  async claim(limit: number): Promise<ClaimedEntry[]> {
    const now = timeIn(this.#open.dialect, 0);
    const { rows } =
      await sql<ClaimedEntry>`update log_entries set claimed_until = ${timeIn(this.#open.dialect, CLAIM_MS)}
      where log_index is null and claimed_until < ${now} and (conversation_id, type, seq) in
        (select conversation_id, type, seq from log_entries where log_index is null and claimed_until < ${now} limit ${limit})
      returning conversation_id, type, seq, entry`.execute(this.#db);
    return [...rows].sort(
      (a, b) => compare(a.conversation_id, b.conversation_id) || a.seq - b.seq || compare(a.type, b.type),
    );
  }

  /** Says where entries are in the log. */
  async placed(entries: readonly ClaimedEntry[], indexes: readonly number[]): Promise<void> {
    await this.#db.transaction().execute(async (tx) => {
      for (const [at, { conversation_id, type, seq }] of entries.entries())
        await tx
          .updateTable('log_entries')
          .set({ log_index: indexes[at] ?? null })
          .where('conversation_id', '=', conversation_id)
          .where('type', '=', type)
          .where('seq', '=', seq)
          .where('log_index', 'is', null)
          .execute();
    });
  }

  /** Gives back what could not be appended. */
  async release(entries: readonly ClaimedEntry[]): Promise<void> {
    for (const { conversation_id, type, seq } of entries)
      await this.#db
        .updateTable('log_entries')
        .set({ claimed_until: '' })
        .where('conversation_id', '=', conversation_id)
        .where('type', '=', type)
        .where('seq', '=', seq)
        .execute();
  }

  /** The entries that prove a conversation: of its newest session, and of the records behind it. */
  async of(conversation_id: string): Promise<StoredEntry[]> {
    const rows = (columns: { type: LogEntry['type']; from: number }) =>
      this.#db
        .selectFrom('log_entries')
        .select(['entry', 'log_index', 'seq'])
        .where('conversation_id', '=', conversation_id)
        .where('type', '=', columns.type)
        .where('seq', '>=', columns.from);
    const session = await rows({ type: 'session', from: 0 }).orderBy('seq', 'desc').limit(1).execute();
    const behind = await rows({ type: 'record', from: session[0]?.seq ?? 0 })
      .orderBy('seq')
      .execute();
    return [...session, ...behind].map(({ entry, log_index }) => ({
      entry,
      index: log_index === null ? null : Number(log_index),
    }));
  }

  /** Where the transparency log has the records of a conversation, by `seq`; those that it has already. */
  async indexesOf(conversation_id: string): Promise<ReadonlyMap<number, number>> {
    const rows = await this.#db
      .selectFrom('log_entries')
      .select(['seq', 'log_index'])
      .where('conversation_id', '=', conversation_id)
      .where('type', '=', 'record')
      .where('log_index', 'is not', null)
      .execute();
    return new Map(rows.map(({ seq, log_index }) => [seq, Number(log_index)]));
  }

  /** What the store has of these entries, by conversation, type and place. */
  async known(
    entries: readonly Pick<LogEntryRow, 'conversation_id' | 'type' | 'seq'>[],
  ): Promise<LogEntryRow[]> {
    if (entries.length === 0) return [];
    const places = entries.map(
      ({ conversation_id, type, seq }) => sql`(${conversation_id}, ${type}, ${sql.lit(seq)})`,
    );
    const { rows } = await sql<LogEntryRow>`select * from log_entries
      where (conversation_id, type, seq) in (values ${sql.join(places)})`.execute(this.#db);
    return rows;
  }

  /** Conversations that rest and have records without entries: they were written before there was a log. */
  async behind(limit: number): Promise<string[]> {
    const found = await this.#db
      .selectFrom('conversations')
      .select('id')
      .whereRef('logged', '<', 'records')
      .where('status', '!=', 'running')
      .limit(limit)
      .execute();
    return found.map(({ id }) => id);
  }

  /** Makes up for entries of records that are stored already; those that are missing are for the check to find. */
  async catchUp(id: string, records: readonly Pick<LogRecord, 'seq' | 'hash'>[]): Promise<void> {
    await this.#db.transaction().execute(async (tx) => {
      await insertEntries(tx, [
        ...records.map((record) => recordEntry(id, record)),
        ...(records.length === 0 ? [] : [sessionEntry(id, records)]),
      ]);
      await tx
        .updateTable('conversations')
        .set((row) => ({ logged: row.ref('records') }))
        .where('id', '=', id)
        .where('status', '!=', 'running')
        .execute();
    });
  }
}

/** Entries that go with a transaction; one that is there already is left as it is. */
export async function insertEntries(tx: Transaction<Database>, entries: readonly LogEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const rows = entries.map(
    (entry): LogEntryRow => ({
      ...entryPlace(entry),
      entry: encodeEntry(entry),
      log_index: null,
      claimed_until: '',
    }),
  );
  await tx
    .insertInto('log_entries')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
