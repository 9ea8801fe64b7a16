/** Who read, was given or erased what somebody said. It is on disk before they get it. */
import { randomUUID } from 'node:crypto';
import { type Access, type AccessAction, type CallContext, PlatformError } from '@mcp/contracts';
import type { Kysely, Transaction } from 'kysely';
import { daysAgo } from '../store/clock.ts';
import type { Stored } from '../store/conversations.ts';
import type { Database } from '../store/schema.ts';

/** How long accesses are kept. */
const KEEP_DAYS = 400;
const MAX_LISTED = 1000;

/** What was looked at: '' as the conversation stands for everything of the owner. */
export interface Accessed {
  readonly action: AccessAction;
  readonly owner: string;
  readonly conversation_id: string;
}

export class AccessLog {
  readonly #db: Kysely<Database>;

  constructor(db: Kysely<Database>) {
    this.#db = db;
  }

  /** Throws `unavailable` where it cannot be written: nothing is given then. */
  async record(accessed: Accessed, call: CallContext): Promise<void> {
    try {
      await insertAccess(this.#db, accessed, call);
    } catch (cause) {
      throw new PlatformError(
        'unavailable',
        'Who reads what somebody said is recorded, and that cannot be written just now. Check the disk or the database, then try again.',
        { cause },
      );
    }
  }

  /** Accesses to a conversation, and to everything of its owner, the newest first. */
  async of({ id, owner }: { readonly id: string; readonly owner: string }): Promise<Access[]> {
    const rows = await this.#db
      .selectFrom('accesses')
      .select(['at', 'by', 'action', 'owner', 'request_id'])
      .where((where) =>
        where.or([
          where('conversation_id', '=', id),
          where.and([where('conversation_id', '=', ''), where('owner', '=', owner)]),
        ]),
      )
      .orderBy('at', 'desc')
      .orderBy('id', 'desc')
      .limit(MAX_LISTED)
      .execute();
    return rows;
  }

  async expire(): Promise<void> {
    await this.#db.deleteFrom('accesses').where('at', '<', daysAgo(KEEP_DAYS)).execute();
  }
}

export async function insertAccess(
  db: Kysely<Database> | Transaction<Database>,
  accessed: Accessed,
  { principal, request_id }: Pick<CallContext, 'principal' | 'request_id'>,
): Promise<void> {
  const row = { id: randomUUID(), at: new Date().toISOString(), by: principal.id, request_id };
  await db
    .insertInto('accesses')
    .values({ ...row, ...accessed })
    .execute();
}

/** Reads of somebody else's conversation are recorded, one's own are not. */
export async function recordReading(accesses: AccessLog, stored: Stored, call: CallContext): Promise<void> {
  const { owner, summary } = stored;
  if (owner !== call.principal.id)
    await accesses.record({ action: 'read', owner, conversation_id: summary.id }, call);
}
