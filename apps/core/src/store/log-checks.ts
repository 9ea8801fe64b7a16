import { ChainVerdict } from '@mcp/contracts';
import type { Kysely } from 'kysely';
import { z } from 'zod';
import { timeIn } from './clock.ts';
import type { OpenDatabase } from './open.ts';
import type { Database, LogCheckRow } from './schema.ts';

/** The one row of `log_checks`. */
const ROW = 1;
const MAX_FAILURES = 1000;
/** How long a replica has the pass to itself, of which a batch takes a part. */
const LEASE_MS = 60_000;
const MAX_ALERTS = 100;
/** Findings about one conversation of which the first is sought. */
const MAX_ABOUT_ONE = 100;

/** A log that does not verify, and the conversation that it is about. */
export interface Finding {
  readonly verdict: ChainVerdict;
  readonly about: string;
  readonly first_seen: string;
  readonly last_seen: string;
}

/** How far the log check has come, and what it has found: kept in the store, so that any replica goes on with it. */
export class LogChecks {
  readonly #db: Kysely<Database>;
  readonly #dialect: OpenDatabase['dialect'];

  constructor({ db, dialect }: OpenDatabase) {
    this.#db = db;
    this.#dialect = dialect;
  }

  /** The pass that is under way, for this replica alone; a new one when the last is complete. Undefined: another has it. */
  async pass(): Promise<LogCheckRow | undefined> {
    const now = new Date().toISOString();
    const fresh = { cursor: '', started_at: now, finished_at: null, checked: 0, unconfirmed: 0 };
    await this.#db
      .insertInto('log_checks')
      .values({ id: ROW, ...fresh, lease_until: '' })
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet(fresh).where('log_checks.finished_at', 'is not', null),
      )
      .execute();
    return this.#db
      .updateTable('log_checks')
      .set({ lease_until: timeIn(this.#dialect, LEASE_MS) })
      .where('id', '=', ROW)
      .where('lease_until', '<', timeIn(this.#dialect, 0))
      .returningAll()
      .executeTakeFirst();
  }

  /** Gives the pass back: another replica may go on with it. */
  async release({ lease_until }: LogCheckRow): Promise<void> {
    await this.#db
      .updateTable('log_checks')
      .set({ lease_until: '' })
      .where('id', '=', ROW)
      .where('lease_until', '=', lease_until)
      .execute();
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
    const about = verdict.conversation_id ?? z.uuid().safeParse(verdict.id).data ?? '';
    const found = { verdict: JSON.stringify(verdict), last_seen: now, resolved_at: null, about };
    // What was mended and is found again is news.
    await this.#db
      .updateTable('log_findings')
      .set({ alerted_at: null, first_seen: now })
      .where('conversation_id', '=', verdict.id)
      .where('resolved_at', 'is not', null)
      .execute();
    await this.#db
      .insertInto('log_findings')
      .values({ conversation_id: verdict.id, first_seen: now, alerted_at: null, ...found })
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

  /**
   * What the transparency log was found to have of a conversation that is not as the store has it, about the first record
   * that is wrong; undefined: nothing.
   */
  async contradicted(conversation_id: string): Promise<ChainVerdict | undefined> {
    const found = await this.#db
      .selectFrom('log_findings')
      .select('verdict')
      .where('about', '=', conversation_id)
      .where('conversation_id', '!=', conversation_id)
      .where('resolved_at', 'is', null)
      .orderBy('first_seen')
      .limit(MAX_ABOUT_ONE)
      .execute();
    const at = ({ broken_at }: ChainVerdict) => broken_at ?? Number.POSITIVE_INFINITY;
    return found
      .map(({ verdict }) => ChainVerdict.parse(JSON.parse(verdict)))
      .toSorted((a, b) => at(a) - at(b) || 0)[0];
  }

  /** Findings that the event bus was not told of, the oldest first. */
  async unalerted(): Promise<Finding[]> {
    const found = await this.#db
      .selectFrom('log_findings')
      .select(['verdict', 'about', 'first_seen', 'last_seen'])
      .where('alerted_at', 'is', null)
      .where('resolved_at', 'is', null)
      .orderBy('first_seen')
      .limit(MAX_ALERTS)
      .execute();
    return found.map(({ verdict, ...rest }) => ({
      ...rest,
      verdict: ChainVerdict.parse(JSON.parse(verdict)),
    }));
  }

  async alerted({ verdict, first_seen }: Finding): Promise<void> {
    await this.#db
      .updateTable('log_findings')
      .set({ alerted_at: new Date().toISOString() })
      .where('conversation_id', '=', verdict.id)
      .where('first_seen', '=', first_seen)
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
