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
import { type ClearRows, clearComment, encryptedComment } from '../encryption/clear-rows.ts';
import type { DataKeys } from '../encryption/data-keys.ts';
import { cutPage, placeOf } from './cursor.ts';
import { type DueByOwner, isDue } from './due.ts';
import type { OpenDatabase } from './open.ts';
import type { Database, FeedbackRow } from './schema.ts';

const MAX_PER_EXPIRY = 500;
/** Feedback that is learnt from, the latest. */
const MAX_LESSONS = 1000;

interface FeedbackKeys {
  readonly keys: Pick<DataKeys, 'of'>;
  readonly clear: Pick<ClearRows, 'keyOf'>;
}

export class FeedbackStore {
  readonly #db: Kysely<Database>;

  readonly #keys: FeedbackKeys;

  constructor({ db }: OpenDatabase, keys: FeedbackKeys) {
    this.#db = db;
    this.#keys = keys;
  }

  /** Keeps it in the place of what was said of the same decision. */
  async put(feedback: Feedback, of: { readonly owner: string; readonly evidence: Evidence }): Promise<void> {
    const { conversation_id, seq, comment } = feedback;
    const encrypted =
      comment &&
      encryptedComment(await this.#keys.clear.keyOf(conversation_id), { conversation_id, seq, comment });
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

  /** Forgets what is too old and under no legal hold, some at a time. */
  async expire(due: DueByOwner): Promise<void> {
    const old = await this.#db
      .selectFrom('feedback')
      .select(['conversation_id', 'seq'])
      .where(isDue('feedback', 'given_at', due))
      .limit(MAX_PER_EXPIRY)
      .execute();
    for (const { conversation_id, seq } of old)
      await this.#db
        .deleteFrom('feedback')
        .where('conversation_id', '=', conversation_id)
        .where('seq', '=', seq)
        .execute();
  }

  /** What was said of the decisions of one conversation, with its comments. */
  async ofConversation(conversation_id: string): Promise<Feedback[]> {
    const rows = await this.#db
      .selectFrom('feedback')
      .selectAll()
      .where('conversation_id', '=', conversation_id)
      .orderBy('seq')
      .execute();
    const given: Feedback[] = [];
    for (const { owner: _whose, evidence: _of, comment, ...row } of rows)
      given.push({
        ...row,
        comment: comment && clearComment(await this.#keys.keys.of(conversation_id), { ...row, comment }),
      });
    return given;
  }

  /** Deletes all of an owner. */
  async deleteAllOf(owner: string): Promise<void> {
    await this.#db.deleteFrom('feedback').where('owner', '=', owner).execute();
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
