/** How far the retention job has come, what it erased and what that was in sums: in the store, so that any replica goes on. */
import type { RetentionPass, RetentionStatistic } from '@mcp/contracts';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { OpenDatabase } from './open.ts';
import type { Database } from './schema.ts';
import type { RetentionPassRow } from './schema-audit.ts';

/** Passes and statistics of one report. */
const MAX_PASSES = 30;
const MAX_STATISTICS = 1000;

/** A conversation that may be due. */
export interface Candidate {
  readonly id: string;
  readonly owner: string;
  readonly updated_at: string;
}

export class RetentionStore {
  readonly #db: Kysely<Database>;

  constructor({ db }: OpenDatabase) {
    this.#db = db;
  }

  /** The pass that is under way; a new one when the last is complete. */
  async pass(): Promise<RetentionPassRow> {
    const open = () =>
      this.#db
        .selectFrom('retention_passes')
        .selectAll()
        .where('finished_at', 'is', null)
        .orderBy('started_at')
        .limit(1)
        .executeTakeFirst();
    const under_way = await open();
    if (under_way !== undefined) return under_way;
    const fresh = { finished_at: null, cursor: '', conversations: 0, records: 0, held: 0 };
    await this.#db
      .insertInto('retention_passes')
      .values({ started_at: new Date().toISOString(), ...fresh })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return (await open()) ?? this.pass();
  }

  /** Moves a pass on. Counts add up whoever else works on it; the place is moved by who came from where it stands. */
  async advance(
    { started_at, cursor: from }: RetentionPassRow,
    step: { cursor: string; held: number; complete: boolean },
  ): Promise<void> {
    await this.#db
      .updateTable('retention_passes')
      .set((row) => ({ held: row('held', '+', step.held), cursor: step.cursor }))
      .where('started_at', '=', started_at)
      .where('cursor', '=', from)
      .execute();
    if (step.complete)
      await this.#db
        .updateTable('retention_passes')
        .set({ finished_at: new Date().toISOString() })
        .where('started_at', '=', started_at)
        .where('finished_at', 'is', null)
        .execute();
  }

  /** Conversations at rest that nothing was said in since `before`, from a place on, in the order of age. */
  async candidates({
    cursor,
    before,
    limit,
  }: {
    cursor: string;
    before: string;
    limit: number;
  }): Promise<Candidate[]> {
    // As the index over all has it; times are of one length.
    const place = sql<string>`updated_at || id`;
    // Of conversations that are in doubt, what there is stays until somebody has looked.
    return this.#db
      .selectFrom('conversations')
      .select(['id', 'owner', 'updated_at'])
      .where('erased_at', '=', '')
      .where(place, '<', before)
      .where(place, '>', cursor)
      .where('status', '!=', 'running')
      .where('unsealed', '=', 0)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('log_findings')
              .select('conversation_id')
              .whereRef('conversation_id', '=', 'conversations.id')
              .where('resolved_at', 'is', null),
          ),
        ),
      )
      .orderBy(place)
      .limit(limit)
      .execute();
  }

  async passes(): Promise<RetentionPass[]> {
    const rows = await this.#db
      .selectFrom('retention_passes')
      .selectAll()
      .orderBy('started_at', 'desc')
      .limit(MAX_PASSES)
      .execute();
    return rows.map(({ cursor: _place, ...pass }) => pass);
  }

  /** The newest days first. */
  async statistics(before: string | undefined): Promise<RetentionStatistic[]> {
    let query = this.#db
      .selectFrom('retention_statistics')
      .selectAll()
      .orderBy('day', 'desc')
      .orderBy('model')
      .limit(MAX_STATISTICS);
    if (before !== undefined) query = query.where('day', '<', before);
    const rows = await query.execute();
    return rows.map(({ input_tokens, output_tokens, ...row }) => ({
      ...row,
      // PostgreSQL gives large numbers as text.
      input_tokens: Number(input_tokens),
      output_tokens: Number(output_tokens),
    }));
  }
}

/** Where the order of age has a conversation. */
export function placeIn({ updated_at, id }: Candidate): string {
  return `${updated_at}${id}`;
}

/** Counts what is erased in the transaction that erases it: once, whoever tries again. */
export async function countErased(
  tx: Transaction<Database>,
  started_at: string,
  sums: readonly RetentionStatistic[],
): Promise<void> {
  for (const sum of sums)
    await sql`insert into retention_statistics (day, model, conversations, records, input_tokens, output_tokens)
      values (${sum.day}, ${sum.model}, ${sum.conversations}, ${sum.records}, ${sum.input_tokens}, ${sum.output_tokens})
      on conflict (day, model) do update set
        conversations = retention_statistics.conversations + excluded.conversations,
        records = retention_statistics.records + excluded.records,
        input_tokens = retention_statistics.input_tokens + excluded.input_tokens,
        output_tokens = retention_statistics.output_tokens + excluded.output_tokens`.execute(tx);
  const records = sums.reduce((sum, one) => sum + one.records, 0);
  await tx
    .updateTable('retention_passes')
    .set((row) => ({
      conversations: row('conversations', '+', 1),
      records: row('records', '+', records),
    }))
    .where('started_at', '=', started_at)
    .execute();
}
