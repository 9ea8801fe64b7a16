import {
  AgentGraph,
  type ConversationPage,
  type ConversationStatus,
  ConversationSummary,
  type LogEntry,
  type LogRecord,
  LogRecordV1,
  LogRecordV2,
  Participant,
  PlatformError,
  type Principal,
} from '@mcp/contracts';
import { turnsIn } from '@mcp/conversation';
import { recordEntry } from '@mcp/provenance';
import { type Kysely, sql, type Transaction } from 'kysely';
import { z } from 'zod';
import { timeIn } from './clock.ts';
import { cursorOf, placeOf } from './cursor.ts';
import { LEASE_MS } from './leases.ts';
import { insertEntries } from './log-entries.ts';
import type { OpenDatabase } from './open.ts';
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

/** A conversation with all its records and their signature. */
export interface Stored {
  /** Of its log. */
  readonly version: 1 | 2;
  readonly summary: ConversationSummary;
  readonly owner: string;
  readonly settings: Settings;
  readonly records: readonly LogRecord[];
  /** As the row has them; '' in a conversation from before signatures were stored. */
  readonly head: string;
  readonly mac: string;
  /** True while it runs, and until its log is archived and its head anchored. */
  readonly uncommitted: boolean;
  /** Generation of the bucket that has its head; 0: none. */
  readonly anchored: number;
}

/** A conversation to store, of version 2. */
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

  constructor(open: OpenDatabase) {
    this.#open = open;
    this.#db = open.db;
  }

  /** Stores a new conversation with its first records, held by `token`. */
  create(conversation: NewConversation, { records, mac }: Addition, token: string): Promise<void> {
    const { summary, owner, settings } = conversation;
    return this.#write(async (tx) => {
      await tx
        .insertInto('conversations')
        .values({
          id: summary.id,
          owner,
          mode: summary.mode,
          version: 2,
          participants: JSON.stringify(summary.participants),
          models: JSON.stringify(summary.participants.map(({ model }) => model)),
          title: summary.title,
          status: summary.status,
          exchanges: summary.exchanges,
          settings: JSON.stringify(settings),
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
          logged: records.length,
        })
        .execute();
      await insert(tx, summary.id, records);
    });
  }

  /** Adds records. Throws `conflict` when the lease is somebody else's by now: nothing is written then. */
  append({ id, token }: Lease, { after, records, mac }: Addition): Promise<void> {
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
      await insert(tx, id, records);
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

  /** A conversation the caller may see. Throws `not_found` otherwise. */
  async get(id: string, principal: Principal): Promise<Stored> {
    const found = await this.#db
      .selectFrom('conversations')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    if (found === undefined || !maySee(found, principal))
      throw new PlatformError(
        'not_found',
        `There is no conversation ${id} of yours. GET /v1/conversations lists them.`,
      );
    // Records are only ever added: those that the row counts are what there was when it was read.
    const rows = await this.#db
      .selectFrom('records')
      .select('body')
      .where('conversation_id', '=', id)
      .where('seq', '<', found.records)
      .orderBy('seq')
      .execute();
    const version = versionOf(found);
    const Record = version === 1 ? LogRecordV1 : LogRecordV2;
    return {
      version,
      summary: summaryOf(found),
      owner: found.owner,
      settings: Settings.parse(JSON.parse(found.settings)),
      records: rows.map(({ body }) => Record.parse(JSON.parse(body))),
      head: found.head,
      mac: found.mac,
      uncommitted: found.unsealed === 1,
      anchored: found.anchored,
    };
  }

  /** The newest conversations the caller may see, from `cursor` on. Reads as many rows as it returns. */
  async list(
    principal: Principal,
    options: { limit: number; cursor: string | undefined },
  ): Promise<ConversationPage> {
    const rows = await this.pageQuery(principal, options).execute();
    const last = rows.length > options.limit ? rows[options.limit - 1] : undefined;
    return {
      conversations: rows.slice(0, options.limit).map(summaryOf),
      next_cursor: last === undefined ? null : cursorOf(last),
    };
  }

  /** The statement behind {@link list}: one row more than the page, to know whether there is another. */
  pageQuery(principal: Principal, options: { limit: number; cursor: string | undefined }) {
    const rows = this.#db
      .selectFrom('conversations')
      .selectAll()
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

async function insert(tx: Transaction<Database>, id: string, records: readonly LogRecord[]): Promise<void> {
  if (records.length === 0) return;
  const rows = records.map(
    (record): RecordRow => ({
      conversation_id: id,
      seq: record.seq,
      role: record.role,
      body: JSON.stringify(record),
    }),
  );
  await tx.insertInto('records').values(rows).execute();
  await insertEntries(
    tx,
    records.map((record) => recordEntry(id, record)),
  );
}

function maySee(found: ConversationRow, principal: Principal): boolean {
  return found.owner === principal.id || principal.scopes.includes('admin');
}

function versionOf({ id, version }: ConversationRow): 1 | 2 {
  if (version === 1 || version === 2) return version;
  throw new PlatformError(
    'internal',
    `The conversation ${id} is of version ${version}; this platform reads 1 and 2. It was written by a newer one: update.`,
  );
}

function summaryOf(found: ConversationRow): ConversationSummary {
  const models = z.array(z.string()).parse(JSON.parse(found.models));
  const participants = found.participants === '' ? sidesOf(found, models) : JSON.parse(found.participants);
  return ConversationSummary.parse({ ...found, models, participants });
}

/** The participants of version 1: modelA and modelB, or the one model of a recorded completion. */
function sidesOf(found: ConversationRow, models: readonly string[]): Participant[] {
  if (models.length === 1)
    return z.array(Participant).parse([{ id: 'modelA', model: models[0], prompt: null }]);
  const { promptA, promptB } = PromptsV1.parse(JSON.parse(found.settings));
  return z.array(Participant).parse([
    { id: 'modelA', model: models[0], prompt: promptA },
    { id: 'modelB', model: models[1], prompt: promptB },
  ]);
}

function lost(id: string): PlatformError {
  return new PlatformError(
    'conflict',
    `The conversation ${id} was taken over by another run, because this one gave no sign of life for ${LEASE_MS / 1000} s. What was stored is kept; resume the conversation once it is not running.`,
  );
}
