/** Feedback on decisions, in the store of the conversations: what the learner knows is all of it, so that replicas share it. */
import {
  Evidence,
  type Feedback,
  type JudgedDecision,
  jsonOf,
  type ListFeedbackQuery,
  PlatformError,
} from '@mcp/contracts';
import { type Kysely, sql } from 'kysely';
import { type ClearRows, encryptedComment } from '../encryption/clear-rows.ts';
import { daysAgo } from './clock.ts';
import { cutPage, placeOf } from './cursor.ts';
import type { OpenDatabase } from './open.ts';
import type { Database, FeedbackRow } from './schema.ts';

const MAX_PER_EXPIRY = 500;
/** Feedback that is learnt from, the latest. */
const MAX_LESSONS = 1000;

export class FeedbackStore {
  readonly #db: Kysely<Database>;

  readonly #clear: Pick<ClearRows, 'keyOf'>;

  constructor({ db }: OpenDatabase, clear: Pick<ClearRows, 'keyOf'>) {
    this.#db = db;
    this.#clear = clear;
  }

  /** Keeps it in the place of what was said of the same decision. */
  async put(feedback: Feedback, of: { readonly owner: string; readonly evidence: Evidence }): Promise<void> {
    const { conversation_id, seq, comment } = feedback;
    const encrypted =
      comment &&
      encryptedComment(await this.#clear.keyOf(conversation_id), { conversation_id, seq, comment });
    const said = { ...feedback, comment: encrypted, owner: of.owner, evidence: JSON.stringify(of.evidence) };
    try {
      await this.#db
        .insertInto('feedback')
        .values(said)
        .onConflict((conflict) => conflict.columns(['conversation_id', 'seq']).doUpdateSet(said))
        .execute();
    } catch (cause) {
      throw new PlatformError(
        'unavailable',
        'The feedback cannot be stored just now. Nothing was changed; check the disk or the database, then give it again.',
        { cause, retry_after_ms: 2000 },
      );
    }
  }

  /** A page of everybody's, the newest first. Reads as many rows as it returns, and one. */
  async list({ limit, cursor, since }: ListFeedbackQuery): Promise<{
    readonly feedback: JudgedDecision[];
    readonly next_cursor: string | null;
  }> {
    let query = this.#db
      .selectFrom('feedback')
      .selectAll()
      .orderBy('given_at', 'desc')
      .orderBy('conversation_id', 'desc')
      .orderBy('seq', 'desc')
      .limit(limit + 1);
    if (since !== undefined) query = query.where('given_at', '>=', since);
    if (cursor !== undefined) {
      const [given_at, id] = placeOf(cursor);
      query = query.where(sql<boolean>`(given_at, conversation_id) < (${given_at}, ${id})`);
    }
    const rows = await query.execute();
    const { page, next_cursor } = cutPage(rows, limit, ({ given_at, conversation_id }) => ({
      updated_at: given_at,
      id: conversation_id,
    }));
    return { feedback: page.map(judgedOf), next_cursor };
  }

  /** What changes whenever feedback is given. */
  async mark(): Promise<string> {
    const { latest, count } = await this.#db
      .selectFrom('feedback')
      .select([(all) => all.fn.max('given_at').as('latest'), (all) => all.fn.countAll().as('count')])
      .executeTakeFirstOrThrow();
    return `${latest ?? ''} ${count}`;
  }

  /** The latest feedback, of each caller at most so much. */
  async latest({
    since,
    max_per_caller,
  }: {
    since: string;
    max_per_caller: number;
  }): Promise<JudgedDecision[]> {
    const rows = await this.#db
      .with('numbered', (db) =>
        db
          .selectFrom('feedback')
          .selectAll()
          .select(
            sql<number>`row_number() over (partition by owner order by given_at desc, conversation_id, seq)`.as(
              'of_owner',
            ),
          )
          .where('given_at', '>=', since),
      )
      .selectFrom('numbered')
      .selectAll()
      .where('of_owner', '<=', max_per_caller)
      .orderBy('given_at', 'desc')
      .orderBy('conversation_id')
      .limit(MAX_LESSONS)
      .execute();
    return rows.map(judgedOf);
  }

  /** Forgets what is too old, some at a time. */
  async expire(days: number): Promise<void> {
    const before = daysAgo(days);
    const old = await this.#db
      .selectFrom('feedback')
      .select(['conversation_id', 'seq'])
      .where('given_at', '<', before)
      .limit(MAX_PER_EXPIRY)
      .execute();
    for (const { conversation_id, seq } of old)
      await this.#db
        .deleteFrom('feedback')
        .where('conversation_id', '=', conversation_id)
        .where('seq', '=', seq)
        .execute();
  }
}

function judgedOf({
  conversation_id,
  seq,
  hash,
  given_at,
  score,
  better,
  evidence,
}: FeedbackRow): JudgedDecision {
  return {
    conversation_id,
    seq,
    hash,
    given_at,
    score,
    better,
    evidence: Evidence.parse(jsonOf(evidence)),
  };
}
