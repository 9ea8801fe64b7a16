import {
  type ConversationStatus,
  ConversationSummary,
  LogRecord,
  PlatformError,
  type Principal,
} from '@mcp/contracts';
import type { Kysely, Transaction } from 'kysely';
import { z } from 'zod';
import type { ConversationRow, Database, RecordRow } from './schema.ts';

/** What a conversation was begun with, and is gone on with. */
export const Settings = z.object({
  promptA: z.string(),
  promptB: z.string(),
  max_tokens_per_turn: z.number().int(),
  temperature: z.number().optional(),
  seed: z.number().int().optional(),
});
export type Settings = z.infer<typeof Settings>;

/** A conversation with all its records. */
export interface Stored {
  readonly summary: ConversationSummary;
  readonly owner: string;
  readonly settings: Settings;
  readonly records: readonly LogRecord[];
}

export interface NewConversation {
  readonly summary: Omit<ConversationSummary, 'turns' | 'updated_at'>;
  readonly owner: string;
  readonly settings: Settings;
  readonly records: readonly LogRecord[];
}

/** How long a running conversation belongs to the process at work on it; renewed with every record. */
const LEASE_MS = 15 * 60_000;

/** Conversations that are looked after at one start; the rest waits for the next. */
const MAX_ABANDONED = 10_000;

/** Conversations in SQLite or PostgreSQL. What a call has written is durable when it returns. */
export class ConversationStore {
  readonly #db: Kysely<Database>;

  constructor(db: Kysely<Database>) {
    this.#db = db;
  }

  create(conversation: NewConversation): Promise<void> {
    const { summary, owner, settings, records } = conversation;
    return this.#write(async (tx) => {
      await tx
        .insertInto('conversations')
        .values({
          id: summary.id,
          owner,
          mode: summary.mode,
          models: JSON.stringify(summary.models),
          title: summary.title,
          status: summary.status,
          exchanges: summary.exchanges,
          settings: JSON.stringify(settings),
          trace_id: summary.trace_id,
          created_at: summary.created_at,
          updated_at: summary.created_at,
          lease_until: leaseEnd(),
          unsealed: 1,
        })
        .execute();
      if (records.length > 0)
        await tx
          .insertInto('records')
          .values(records.map((record) => row(summary.id, record)))
          .execute();
    });
  }

  /** Adds records; the file is behind until {@link settle} says otherwise. */
  append(id: string, records: readonly LogRecord[]): Promise<void> {
    return this.#write(async (tx) => {
      if (records.length > 0)
        await tx
          .insertInto('records')
          .values(records.map((record) => row(id, record)))
          .execute();
      await tx
        .updateTable('conversations')
        .set({ updated_at: new Date().toISOString(), lease_until: leaseEnd(), unsealed: 1 })
        .where('id', '=', id)
        .execute();
    });
  }

  /** The end of a run: its status, and whether the file holds all that the store has. */
  settle(id: string, end: { status: ConversationStatus; sealed: boolean }): Promise<void> {
    return this.#write(async (tx) => {
      await tx
        .updateTable('conversations')
        .set({
          status: end.status,
          updated_at: new Date().toISOString(),
          ...(end.sealed ? { unsealed: 0 } : {}),
        })
        .where('id', '=', id)
        .execute();
    });
  }

  /** Takes a conversation that has so many records for this process. Throws `conflict` when another run has it, or had it since. */
  claim(id: string, expected: { exchanges: number; records: number }): Promise<void> {
    const now = new Date().toISOString();
    return this.#write(async (tx) => {
      const result = await tx
        .updateTable('conversations')
        .set({
          status: 'running',
          exchanges: expected.exchanges,
          updated_at: now,
          lease_until: leaseEnd(),
          unsealed: 1,
        })
        .where('id', '=', id)
        .where((where) => where.or([where('status', '!=', 'running'), where('lease_until', '<', now)]))
        .where(
          (select) =>
            select
              .selectFrom('records')
              .whereRef('conversation_id', '=', 'conversations.id')
              .select(({ fn }) => fn.countAll<number>().as('count')),
          '=',
          expected.records,
        )
        .executeTakeFirst();
      if (result.numUpdatedRows === 0n)
        throw new PlatformError(
          'conflict',
          `The conversation ${id} is running just now. Wait for it to end, or cancel it.`,
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
    const rows = await this.#db
      .selectFrom('records')
      .select('body')
      .where('conversation_id', '=', id)
      .orderBy('seq')
      .execute();
    const records = rows.map(({ body }) => LogRecord.parse(JSON.parse(body)));
    return {
      summary: summaryOf(found, records.filter(({ role }) => role === 'modelA' || role === 'modelB').length),
      owner: found.owner,
      settings: Settings.parse(JSON.parse(found.settings)),
      records,
    };
  }

  async list(
    principal: Principal,
    options: { limit: number; before: string | undefined },
  ): Promise<ConversationSummary[]> {
    let query = this.#db
      .selectFrom('conversations')
      .selectAll()
      .select((select) =>
        select
          .selectFrom('records')
          .whereRef('conversation_id', '=', 'conversations.id')
          .where('role', 'in', ['modelA', 'modelB'])
          .select(({ fn }) => fn.countAll<number | string>().as('turns'))
          .as('turns'),
      )
      .orderBy('updated_at', 'desc')
      .limit(options.limit);
    if (!principal.scopes.includes('admin')) query = query.where('owner', '=', principal.id);
    if (options.before !== undefined) query = query.where('updated_at', '<', options.before);
    return (await query.execute()).map((found) => summaryOf(found, Number(found.turns ?? 0)));
  }

  /**
   * At start: conversations that a dead process left running (on SQLite `all` that run, as no other process can be
   * at work), and those whose file could not be written. Returns their ids.
   */
  async abandoned(all: boolean): Promise<string[]> {
    const now = new Date().toISOString();
    const found = await this.#db
      .selectFrom('conversations')
      .select('id')
      .where((where) =>
        where.or([
          where.and([where('status', '=', 'running'), ...(all ? [] : [where('lease_until', '<', now)])]),
          where.and([where('status', '!=', 'running'), where('unsealed', '=', 1)]),
        ]),
      )
      .orderBy('updated_at', 'desc')
      .limit(MAX_ABANDONED)
      .execute();
    return found.map(({ id }) => id);
  }

  async check(): Promise<void> {
    await this.#db.selectFrom('conversations').select('id').limit(1).execute();
  }

  close(): Promise<void> {
    return this.#db.destroy();
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

function row(conversation_id: string, record: LogRecord): RecordRow {
  return { conversation_id, seq: record.seq, role: record.role, body: JSON.stringify(record) };
}

function maySee(found: ConversationRow, principal: Principal): boolean {
  return found.owner === principal.id || principal.scopes.includes('admin');
}

function summaryOf(found: ConversationRow, turns: number): ConversationSummary {
  return ConversationSummary.parse({ ...found, models: JSON.parse(found.models), turns });
}

function leaseEnd(): string {
  return new Date(Date.now() + LEASE_MS).toISOString();
}
