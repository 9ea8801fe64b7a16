import { ChainVerdict } from '@mcp/contracts';
import type { Kysely } from 'kysely';
import type { OpenDatabase } from './open.ts';
import type { Database, LogCheckRow } from './schema.ts';

/** The one row of `log_checks`. */
const ROW = 1;
const MAX_FAILURES = 1000;

/** How far the log check has come, and what it has found: kept in the store, so that any replica goes on with it. */
export class LogChecks {
  readonly #db: Kysely<Database>;

  constructor({ db }: OpenDatabase) {
    this.#db = db;
  }

  /** The pass that is under way; a new one when the last is complete. */
  async pass(): Promise<LogCheckRow> {
    const now = new Date().toISOString();
    const fresh = { cursor: '', started_at: now, finished_at: null, checked: 0, unconfirmed: 0 };
    await this.#db
      .insertInto('log_checks')
      .values({ id: ROW, ...fresh })
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet(fresh).where('log_checks.finished_at', 'is not', null),
      )
      .execute();
    return this.#db.selectFrom('log_checks').selectAll().where('id', '=', ROW).executeTakeFirstOrThrow();
  }

  /** Moves the pass on from where `before` stood. Nothing happens when another batch has done so meanwhile. */
  async advance(
    before: LogCheckRow,
    step: { cursor: string; checked: number; unconfirmed: number; complete: boolean },
  ): Promise<void> {
    await this.#db
      .updateTable('log_checks')
      .set({
        cursor: step.cursor,
        checked: before.checked + step.checked,
        unconfirmed: before.unconfirmed + step.unconfirmed,
        finished_at: step.complete ? new Date().toISOString() : null,
      })
      .where('id', '=', ROW)
      .where('cursor', '=', before.cursor)
      .where('started_at', '=', before.started_at)
      .execute();
  }

  /** Ids and states of conversations after one, in the order of ids: no change of a conversation moves it. */
  after(id: string, limit: number): Promise<{ id: string; status: string }[]> {
    return this.#db
      .selectFrom('conversations')
      .select(['id', 'status'])
      .where('id', '>', id)
      .orderBy('id')
      .limit(limit)
      .execute();
  }

  /** Which of these conversations the store does not have. */
  async absent(ids: readonly string[]): Promise<string[]> {
    if (ids.length === 0) return [];
    const found = await this.#db.selectFrom('conversations').select('id').where('id', 'in', ids).execute();
    const there = new Set(found.map(({ id }) => id));
    return ids.filter((id) => !there.has(id));
  }

  /** Remembers a log that does not verify, or that one does again. */
  async record(verdict: ChainVerdict): Promise<void> {
    const now = new Date().toISOString();
    if (verdict.status === 'unconfirmed') return;
    if (verdict.status === 'ok' || verdict.status === 'erased') {
      await this.#db
        .updateTable('log_findings')
        .set({ resolved_at: now })
        .where('conversation_id', '=', verdict.id)
        .where('resolved_at', 'is', null)
        .execute();
      return;
    }
    const found = { verdict: JSON.stringify(verdict), last_seen: now, resolved_at: null };
    await this.#db
      .insertInto('log_findings')
      .values({ conversation_id: verdict.id, first_seen: now, ...found })
      .onConflict((conflict) => conflict.column('conversation_id').doUpdateSet(found))
      .execute();
  }

  /** Findings whose ids begin so are in order again, where nobody has found them since then. */
  async resolve(prefix: string, since: string): Promise<void> {
    await this.#db
      .updateTable('log_findings')
      .set({ resolved_at: new Date().toISOString() })
      .where('conversation_id', 'like', `${prefix}%`)
      .where('last_seen', '<', since)
      .where('resolved_at', 'is', null)
      .execute();
  }

  /** Every log that is known not to verify, oldest finding first. */
  async failures(): Promise<ChainVerdict[]> {
    const found = await this.#db
      .selectFrom('log_findings')
      .select('verdict')
      .where('resolved_at', 'is', null)
      .orderBy('first_seen')
      .limit(MAX_FAILURES)
      .execute();
    return found.map(({ verdict }) => ChainVerdict.parse(JSON.parse(verdict)));
  }
}
