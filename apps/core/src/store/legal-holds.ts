/** Legal holds in the store: what they name is not erased, by nobody, until they are lifted. None is ever removed. */
import { randomUUID } from 'node:crypto';
import { LegalHold, type LegalHoldPage, PlatformError, type SetLegalHold } from '@mcp/contracts';
import { type Kysely, sql, type Transaction } from 'kysely';
import { cutPage, placeOf } from './cursor.ts';
import type { OpenDatabase } from './open.ts';
import type { Database } from './schema.ts';

type Reader = Kysely<Database> | Transaction<Database>;

/** A conversation, and whose it is. */
export interface Holdable {
  readonly id: string;
  readonly owner: string;
}

export class LegalHolds {
  readonly #db: Kysely<Database>;

  constructor({ db }: OpenDatabase) {
    this.#db = db;
  }

  async set({ owner, conversation_id, reason }: SetLegalHold, set_by: string): Promise<LegalHold> {
    const hold = {
      id: randomUUID(),
      owner: owner ?? null,
      conversation_id: conversation_id ?? null,
      reason,
      set_at: new Date().toISOString(),
      set_by,
      lifted_at: null,
      lifted_by: null,
    };
    await this.#db.insertInto('legal_holds').values(hold).execute();
    return hold;
  }

  /** Throws `not_found`, and `conflict` where it was lifted before. */
  async lift(id: string, lifted_by: string): Promise<LegalHold> {
    const { numUpdatedRows } = await this.#db
      .updateTable('legal_holds')
      .set({ lifted_at: new Date().toISOString(), lifted_by })
      .where('id', '=', id)
      .where('lifted_at', 'is', null)
      .executeTakeFirst();
    const row = await this.#db.selectFrom('legal_holds').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) throw new PlatformError('not_found', `There is no legal hold ${id}.`);
    if (numUpdatedRows === 0n)
      throw new PlatformError('conflict', `The legal hold ${id} was lifted at ${row.lifted_at ?? ''}.`);
    return LegalHold.parse(row);
  }

  /** The newest first. */
  async list({ limit, cursor }: { limit: number; cursor?: string | undefined }): Promise<LegalHoldPage> {
    let query = this.#db
      .selectFrom('legal_holds')
      .selectAll()
      .orderBy('set_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1);
    if (cursor !== undefined) {
      const [set_at, id] = placeOf(cursor);
      query = query.where(sql<boolean>`(set_at, id) < (${set_at}, ${id})`);
    }
    const rows = await query.execute();
    const { page, next_cursor } = cutPage(rows, limit, ({ set_at, id }) => ({ updated_at: set_at, id }));
    return { holds: page.map((row) => LegalHold.parse(row)), next_cursor };
  }

  async inForce(): Promise<number> {
    const { count } = await this.#db
      .selectFrom('legal_holds')
      .select(({ fn }) => fn.countAll().as('count'))
      .where('lifted_at', 'is', null)
      .executeTakeFirstOrThrow();
    return Number(count);
  }

  /** Whether there is one of this owner, or of one of their conversations. */
  async ofOwner(owner: string): Promise<string | undefined> {
    const row = await this.#db
      .selectFrom('legal_holds')
      .select('id')
      .where('lifted_at', 'is', null)
      .where(({ eb, or, exists, selectFrom }) =>
        or([
          eb('owner', '=', owner),
          exists(
            selectFrom('conversations')
              .select('conversations.id')
              .whereRef('conversations.id', '=', 'legal_holds.conversation_id')
              .where('conversations.owner', '=', owner),
          ),
        ]),
      )
      .limit(1)
      .executeTakeFirst();
    return row?.id;
  }

  /** Whether there is one of any of these conversations. */
  async ofAny(conversation_ids: readonly string[]): Promise<boolean> {
    if (conversation_ids.length === 0) return false;
    const row = await this.#db
      .selectFrom('legal_holds')
      .select('id')
      .where('lifted_at', 'is', null)
      .where('conversation_id', 'in', conversation_ids)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Throws `conflict` where a hold keeps the conversation. */
  async assertFree(reader: Reader, { id, owner }: Holdable): Promise<void> {
    const hold = await reader
      .selectFrom('legal_holds')
      .select('id')
      .where('lifted_at', 'is', null)
      .where(({ eb, or }) => or([eb('owner', '=', owner), eb('conversation_id', '=', id)]))
      .limit(1)
      .executeTakeFirst();
    if (hold !== undefined) throw held(`The conversation ${id}`, hold.id);
  }
}

export function held(what: string, hold: string): PlatformError {
  return new PlatformError(
    'conflict',
    `${what} is under the legal hold ${hold} and cannot be erased. An administrator lifts it with DELETE /admin/legal-holds/${hold}.`,
    { retryable: false },
  );
}
