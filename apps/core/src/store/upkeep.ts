import type { ConversationStatus } from '@mcp/contracts';
import type { Kysely } from 'kysely';
import { timeIn } from './clock.ts';
import type { Lease } from './conversations.ts';
import { LEASE_MS } from './leases.ts';
import type { OpenDatabase } from './open.ts';
import type { Database } from './schema.ts';

/** What the sweep asks of the store: what is due, who takes it, which bucket on the bus has the heads. */
export class Upkeep {
  readonly #db: Kysely<Database>;
  readonly #open: OpenDatabase;

  constructor(open: OpenDatabase) {
    this.#open = open;
    this.#db = open.db;
  }

  /** At start, where no other process has the database: what a dead one held is free at once. */
  async freeAll(): Promise<void> {
    if (!this.#open.sole) return;
    await this.#db
      .updateTable('conversations')
      .set({ lease_token: '', lease_until: '' })
      .where('unsealed', '=', 1)
      .where('lease_token', '!=', '')
      .execute();
  }

  /** Conversations that nobody holds and that run, or whose log is not committed; the longest waiting first. */
  async due({ limit, only_running }: { limit: number; only_running: boolean }): Promise<string[]> {
    let query = this.#db
      .selectFrom('conversations')
      .select('id')
      .where('unsealed', '=', 1)
      .where('lease_until', '<', timeIn(this.#open.dialect, 0))
      .orderBy('lease_until')
      .limit(limit);
    if (only_running) query = query.where('status', '=', 'running' satisfies ConversationStatus);
    const found = await query.execute();
    return found.map(({ id }) => id);
  }

  /** Takes one that is due. False when somebody else was quicker. */
  async take({ id, token }: Lease): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('conversations')
      .set({ lease_token: token, lease_until: timeIn(this.#open.dialect, LEASE_MS) })
      .where('id', '=', id)
      .where('unsealed', '=', 1)
      .where('lease_until', '<', timeIn(this.#open.dialect, 0))
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** Has a conversation that nobody holds committed again: its head is not where it should be. */
  async recommit(id: string): Promise<void> {
    await this.#db
      .updateTable('conversations')
      .set({ unsealed: 1, anchored: 0, lease_until: '' })
      .where('id', '=', id)
      .where('unsealed', '=', 0)
      .where('status', '!=', 'running' satisfies ConversationStatus)
      .execute();
  }

  /** Conversations whose head was anchored in a bucket that is gone are to be committed again; at most `limit`. */
  async recommitOthers(generation: number, limit: number): Promise<void> {
    const found = await this.#db
      .selectFrom('conversations')
      .select('id')
      .where('anchored', '>', 0)
      .where((where) => where.or([where('anchored', '<', generation), where('anchored', '>', generation)]))
      .limit(limit)
      .execute();
    for (const { id } of found) await this.recommit(id);
  }

  /** Number of a bucket among those there have been, told apart by when they were made. */
  async generationOf(created: string): Promise<number> {
    for (;;) {
      const known = await this.#db
        .selectFrom('head_buckets')
        .select('generation')
        .where('created', '=', created)
        .executeTakeFirst();
      if (known !== undefined) return known.generation;
      const last = await this.#db
        .selectFrom('head_buckets')
        .select(({ fn }) => fn.max('generation').as('generation'))
        .executeTakeFirst();
      // Another replica may be doing the same: whoever comes second reads what the first has written.
      await this.#db
        .insertInto('head_buckets')
        .values({ created, generation: Number(last?.generation ?? 0) + 1 })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
  }
}
