import {
  type ConversationStatus,
  ConversationSummary,
  LogRecord,
  PlatformError,
  type Principal,
} from '@mcp/contracts';
import type { Kysely } from 'kysely';
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
export const LEASE_MS = 15 * 60_000;

/** Conversations in SQLite or PostgreSQL. What a call has written is durable when it returns. */
export class ConversationStore {
  readonly #db: Kysely<Database>;

  constructor(db: Kysely<Database>) {
    this.#db = db;
  }

  async create(conversation: NewConversation): Promise<void> {
    const { summary, owner, settings, records } = conversation;
    await this.#db.transaction().execute(async (tx) => {
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
        })
        .execute();
      if (records.length > 0)
        await tx
          .insertInto('records')
          .values(records.map((record) => row(summary.id, record)))
          .execute();
    });
  }

  /** Adds records and sets the status, in one transaction. */
  async append(id: string, records: readonly LogRecord[], status: ConversationStatus): Promise<void> {
    await this.#db.transaction().execute(async (tx) => {
      if (records.length > 0)
        await tx
          .insertInto('records')
          .values(records.map((record) => row(id, record)))
          .execute();
      await tx
        .updateTable('conversations')
        .set({ status, updated_at: new Date().toISOString(), lease_until: leaseEnd() })
        .where('id', '=', id)
        .execute();
    });
  }

  /** Takes a conversation for this process. Throws `conflict` when another run has it. */
  async claim(id: string, exchanges: number): Promise<void> {
    const now = new Date().toISOString();
    const result = await this.#db
      .updateTable('conversations')
      .set({ status: 'running', exchanges, updated_at: now, lease_until: leaseEnd() })
      .where('id', '=', id)
      .where((where) => where.or([where('status', '!=', 'running'), where('lease_until', '<', now)]))
      .executeTakeFirst();
    if (result.numUpdatedRows === 0n)
      throw new PlatformError(
        'conflict',
        `The conversation ${id} is running just now. Wait for it to end, or cancel it.`,
      );
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

  /** At start: conversations that a dead process left running. Returns their ids. */
  async interruptAbandoned(all: boolean): Promise<string[]> {
    const now = new Date().toISOString();
    let query = this.#db
      .updateTable('conversations')
      .set({ status: 'interrupted' })
      .where('status', '=', 'running');
    if (!all) query = query.where('lease_until', '<', now);
    return (await query.returning('id').execute()).map(({ id }) => id);
  }

  async check(): Promise<void> {
    await this.#db.selectFrom('conversations').select('id').limit(1).execute();
  }

  close(): Promise<void> {
    return this.#db.destroy();
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
