import {
  type ConversationLog,
  type ConversationPage,
  type ConversationStatus,
  type ConversationSummary,
  type LogEntry,
  type LogRecord,
  PlatformError,
  type Principal,
} from '@mcp/contracts';
import { turnsIn } from '@mcp/conversation';
import { type DataKey, isEncrypted } from '@mcp/kms';
import { type Kysely, sql, type Transaction } from 'kysely';
import { type DataKeys, erased, type FreshKey } from '../encryption/data-keys.ts';
import { timeIn } from './clock.ts';
import { cutPage, placeOf } from './cursor.ts';
import { LEASE_MS } from './leases.ts';
import { insertEntries } from './log-entries.ts';
import type { OpenDatabase } from './open.ts';
import {
  type Committed,
  encryptedSettings,
  encryptedTitle,
  insertRecords,
  recordOf,
  Settings,
  settingsOf,
  summaryOf,
  type Tombstone,
  tombstoneOf,
  UNREADABLE,
  versionOf,
} from './rows.ts';
import type { ConversationRow, Database } from './schema.ts';

/** A conversation with all its records and their signature. */
export interface Stored extends Committed {
  /** Of its log. */
  readonly version: ConversationLog['version'];
  readonly summary: ConversationSummary;
  readonly owner: string;
  readonly settings: Settings;
  readonly records: readonly LogRecord[];
  /** As the row has them; '' in a conversation from before signatures were stored. */
  readonly head: string;
  readonly mac: string;
}

/** A conversation to store, of version 3. */
export interface NewConversation {
  readonly summary: Omit<ConversationSummary, 'turns' | 'updated_at' | 'models'>;
  readonly owner: string;
  readonly settings: Settings;
}

/** Records to add, and the signature of the log with them. */
export interface Addition {
  /** Records the log had before. */
  readonly after: number;
  readonly records: readonly LogRecord[];
  readonly mac: string;
}

/** What the row of a committed conversation says: its head, the signature of it, and the bucket that has the head. */
export type Commitment = Pick<Stored, 'head' | 'mac' | 'anchored'>;

/** Who writes: a conversation, and the token by which its run holds it. */
export interface Lease {
  readonly id: string;
  readonly token: string;
}

/** Conversations in SQLite or PostgreSQL. What a call has written is durable when it returns. */
export class ConversationStore {
  readonly #db: Kysely<Database>;
  readonly #open: OpenDatabase;
  readonly #keys: Pick<DataKeys, 'of' | 'ofMany'>;

  constructor(open: OpenDatabase, keys: Pick<DataKeys, 'of' | 'ofMany'>) {
    this.#open = open;
    this.#keys = keys;
    this.#db = open.db;
  }

  /** Stores a new conversation with its data key and its first records, held by `token`. */
  create(
    conversation: NewConversation,
    { records, mac }: Addition,
    { token, fresh: { key, row } }: { readonly token: string; readonly fresh: FreshKey },
  ): Promise<void> {
    const { summary, owner, settings } = conversation;
    return this.#write(async (tx) => {
      await tx
        .insertInto('conversations')
        .values({
          id: summary.id,
          owner,
          mode: summary.mode,
          version: 3,
          participants: JSON.stringify(summary.participants),
          models: JSON.stringify(summary.participants.map(({ model }) => model)),
          title: encryptedTitle(key, summary.id, summary.title),
          status: summary.status,
          exchanges: summary.exchanges,
          settings: encryptedSettings(key, summary.id, JSON.stringify(settings)),
          trace_id: summary.trace_id,
          created_at: summary.created_at,
          updated_at: summary.created_at,
          lease_token: token,
          lease_until: this.#in(LEASE_MS),
          unsealed: 1,
          turns: turnsIn(records),
          records: records.length,
          head: records.at(-1)?.hash ?? '',
          mac,
          anchored: 0,
          key_id: key.id,
          erased_at: '',
          erased_by: '',
          logged: records.length,
        })
        .execute();
      await tx.insertInto('data_keys').values(row).execute();
      await insertRecords(tx, { id: summary.id, key }, records);
    });
  }

  /** Adds records. Throws `conflict` when the lease is somebody else's by now: nothing is written then. */
  append({ id, token }: Lease, { after, records, mac }: Addition, key: DataKey): Promise<void> {
    return this.#write(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('conversations')
        .set((row) => ({
          updated_at: new Date().toISOString(),
          lease_until: this.#in(LEASE_MS),
          records: after + records.length,
          turns: row('turns', '+', turnsIn(records)),
          // A conversation from before the transparency log has all its records entered when it rests.
          logged: row
            .case()
            .when('logged', '=', after)
            .then(after + records.length)
            .else(row.ref('logged'))
            .end(),
          ...(records.length === 0 ? {} : { head: records.at(-1)?.hash ?? '' }),
          mac,
        }))
        .where('id', '=', id)
        .where('lease_token', '=', token)
        .where('status', '=', 'running')
        .where('records', '=', after)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw lost(id);
      await insertRecords(tx, { id, key }, records);
    });
  }

  /** Makes sure that the lease is still held, and for long enough to write elsewhere. Throws `conflict` when it is not. */
  renew({ id, token }: Lease): Promise<void> {
    return this.#write(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('conversations')
        .set({ lease_until: this.#in(LEASE_MS) })
        .where('id', '=', id)
        .where('lease_token', '=', token)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw lost(id);
    });
  }

  /**
   * The end of a run: its status, whether its log is archived and by which generation of buckets its head is anchored.
   * Gives the lease back; what is not committed is looked after in `again_ms`. Throws `conflict` when it was lost.
   */
  endRun(
    { id, token }: Lease,
    end: {
      status: ConversationStatus;
      commitment: Commitment | undefined;
      session: LogEntry | undefined;
      again_ms?: number;
    },
  ): Promise<void> {
    return this.#write(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('conversations')
        .set((row) => ({
          status: end.status,
          // A sweep that commits changes nothing of what was said.
          updated_at: row
            .case()
            .when('status', '=', 'running')
            .then(new Date().toISOString())
            .else(row.ref('updated_at'))
            .end(),
          lease_token: '',
          lease_until: this.#in(end.again_ms ?? 0),
          ...(end.commitment === undefined ? {} : { unsealed: 0, ...end.commitment }),
        }))
        .where('id', '=', id)
        .where('lease_token', '=', token)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw lost(id);
      if (end.session !== undefined) await insertEntries(tx, [end.session]);
    });
  }

  /** Takes a conversation that has so many records for a run. Throws `conflict` when another has it, or had it since. */
  claim({ id, token }: Lease, expected: { exchanges: number; records: number }): Promise<void> {
    return this.#write(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('conversations')
        .set({
          status: 'running',
          exchanges: expected.exchanges,
          updated_at: new Date().toISOString(),
          lease_token: token,
          lease_until: this.#in(LEASE_MS),
          unsealed: 1,
        })
        .where('id', '=', id)
        .where('records', '=', expected.records)
        .where((where) =>
          where.or([
            where('lease_until', '<', this.#in(0)),
            where.and([where('status', '!=', 'running'), where('lease_token', '=', '')]),
          ]),
        )
        .executeTakeFirst();
      if (numUpdatedRows === 0n)
        throw new PlatformError(
          'conflict',
          `The conversation ${id} is running just now. Wait for it to end, or cancel it.`,
          { retry_after_ms: LEASE_MS / 2 },
        );
    });
  }

  /** How far a conversation of anybody is committed; undefined: there is none. */
  async commitment(id: string): Promise<(Committed & { readonly records: number }) | undefined> {
    const found = await this.#db
      .selectFrom('conversations')
      .select(['unsealed', 'anchored', 'records'])
      .where('id', '=', id)
      .executeTakeFirst();
    if (found === undefined) return undefined;
    const { unsealed, anchored, records } = found;
    return { uncommitted: unsealed === 1, anchored, records };
  }

  /** A conversation the caller may see. Throws `not_found` otherwise, and when it is erased. */
  async get(id: string, principal: Principal): Promise<Stored> {
    const found = await this.#find(id, principal);
    if (found.erased_at !== '') throw erased(id, found.erased_at);
    // Records are only ever added: those that the row counts are what there was when it was read.
    const rows = await this.#db
      .selectFrom('records')
      .selectAll()
      .where('conversation_id', '=', id)
      .where('seq', '<', found.records)
      .orderBy('seq')
      .execute();
    const version = versionOf(found);
    // It may have been encrypted since its row was read.
    const inClear = found.key_id === '' && !rows.some(({ body }) => isEncrypted(body));
    const key = inClear ? undefined : await this.#keyOf(id);
    const settings = settingsOf(found, key);
    return {
      version,
      summary: summaryOf(found, key),
      owner: found.owner,
      settings: settings === undefined ? UNREADABLE : Settings.parse(settings),
      records: rows.map((row) => recordOf(row, { version, key })),
      head: found.head,
      mac: found.mac,
      uncommitted: found.unsealed === 1,
      anchored: found.anchored,
    };
  }

  /** Whose a conversation is, erased or not. Throws `not_found`. */
  async ownerOf(id: string, principal: Principal): Promise<string> {
    return (await this.#find(id, principal)).owner;
  }

  /** Ids of an owner's conversations that are not erased, in their order. */
  async idsOf(owner: string, { after, limit }: { after: string; limit: number }): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('conversations')
      .select('id')
      .where('owner', '=', owner)
      .where('erased_at', '=', '')
      .where('id', '>', after)
      .orderBy('id')
      .limit(limit)
      .execute();
    return rows.map(({ id }) => id);
  }

  /** What is left of a conversation that was erased; undefined: it was not. Throws `not_found`. */
  async tombstone(id: string, principal: Principal): Promise<Tombstone | undefined> {
    const found = await this.#find(id, principal);
    if (found.erased_at === '') return undefined;
    const rows = await this.#db
      .selectFrom('records')
      .select(['seq', 'hash_prev', 'hash'])
      .where('conversation_id', '=', id)
      .orderBy('seq')
      .execute();
    return tombstoneOf(found, rows);
  }

  /** The newest conversations the caller may see, from `cursor` on. Reads as many rows as it returns. */
  async list(
    principal: Principal,
    options: { limit: number; cursor: string | undefined },
  ): Promise<ConversationPage> {
    const rows = await this.pageQuery(principal, options).execute();
    const { page, next_cursor } = cutPage(rows, options.limit, (row) => row);
    const encrypted = page.filter(({ key_id }) => key_id !== '');
    const keys = await this.#keys.ofMany(encrypted.map(({ id }) => id));
    return {
      conversations: page.map((row) => summaryOf(row, keys.get(row.id))),
      next_cursor,
    };
  }

  /** The statement behind {@link list}: one row more than the page, to know whether there is another. */
  pageQuery(principal: Principal, options: { limit: number; cursor: string | undefined }) {
    const rows = this.#db
      .selectFrom('conversations')
      .selectAll()
      .where('erased_at', '=', '')
      .limit(options.limit + 1);
    const from = options.cursor === undefined ? undefined : placeOf(options.cursor);
    if (principal.scopes.includes('admin')) {
      // As the index over all has it; times are of one length.
      const place = sql<string>`updated_at || id`;
      const page = rows.orderBy(place, 'desc');
      return from === undefined ? page : page.where(place, '<', from.join(''));
    }
    const page = rows.where('owner', '=', principal.id).orderBy('updated_at', 'desc').orderBy('id', 'desc');
    return from === undefined ? page : page.where(sql<boolean>`(updated_at, id) < (${from[0]}, ${from[1]})`);
  }

  /** Undefined: it was removed or changed in the store, so that no record fits its hash. */
  #keyOf(id: string): Promise<DataKey | undefined> {
    return this.#keys.of(id).catch((error: unknown) => {
      if (error instanceof PlatformError && error.code === 'internal') return undefined;
      throw error;
    });
  }

  async #find(id: string, principal: Principal): Promise<ConversationRow> {
    const found = await this.#db
      .selectFrom('conversations')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    if (found !== undefined && (found.owner === principal.id || principal.scopes.includes('admin')))
      return found;
    throw new PlatformError(
      'not_found',
      `There is no conversation ${id} of yours. GET /v1/conversations lists them.`,
    );
  }

  async check(): Promise<void> {
    await this.#db.selectFrom('conversations').select('id').limit(1).execute();
  }

  #in(ms: number) {
    return timeIn(this.#open.dialect, ms);
  }

  /** One transaction. A store that cannot write (a full disk, a lost connection) is the platform's trouble, not a bug. */
  async #write(work: (tx: Transaction<Database>) => Promise<void>): Promise<void> {
    try {
      await this.#db.transaction().execute(work);
    } catch (cause) {
      if (cause instanceof PlatformError) throw cause;
      throw new PlatformError(
        'unavailable',
        'The conversation cannot be stored just now. What was stored before is kept; check the disk or the database, then resume the conversation.',
        { cause, retry_after_ms: 2000 },
      );
    }
  }
}

function lost(id: string): PlatformError {
  return new PlatformError(
    'conflict',
    `The conversation ${id} was taken over by another run, because this one gave no sign of life for ${LEASE_MS / 1000} s. What was stored is kept; resume the conversation once it is not running.`,
  );
}
