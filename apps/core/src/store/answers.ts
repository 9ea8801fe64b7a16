import {
  type AnswerPage,
  type ChainedAnswer,
  type ListAnswersRequest,
  type ListedAnswer,
  MAX_CHAIN_ANSWERS,
  MAX_CHAIN_BYTES,
  PlatformError,
  type StoredAnswer,
  WireMetadata,
} from '@mcp/contracts';
import { type DataKey, decryptText, isEncrypted } from '@mcp/kms';
import { type Kysely, sql, type Transaction } from 'kysely';
import { type ClearRows, encryptedAnswer } from '../encryption/clear-rows.ts';
import type { DataKeys } from '../encryption/data-keys.ts';
import { type DueByOwner, isDue } from './due.ts';
import type { OpenDatabase } from './open.ts';
import type { AnswerRow, Database } from './schema.ts';

const MAX_PER_EXPIRY = 500;
/** A page ends where it has more than this, as long as it has one. */
const MAX_PAGE_BYTES = 8 * 1024 * 1024;

const LISTED = [
  'id',
  'kind',
  'created_at',
  'model',
  'previous_id',
  'metadata',
  'output',
  'body',
  'conversation_id',
] as const;

/** An answer to keep, and how long the log was when it had been recorded there. */
export interface NewAnswer extends Omit<StoredAnswer, 'created_at'> {
  /** 0 where the log is not this answer's to go on with. */
  readonly log_records: number;
}

/** What is known of the answer that another builds on. */
export type Parent = Pick<AnswerRow, 'depth' | 'chain_bytes' | 'conversation_id' | 'log_records'>;

interface AnswerKeys {
  readonly keys: Pick<DataKeys, 'of'>;
  readonly clear: Pick<ClearRows, 'keyOf'>;
}

/** Answers that their clients may ask for again, each its owner's alone, in the store of the conversations. */
export class AnswerStore {
  readonly #db: Kysely<Database>;
  readonly #keys: AnswerKeys;

  constructor({ db }: OpenDatabase, keys: AnswerKeys) {
    this.#db = db;
    this.#keys = keys;
  }

  /** The answer of an owner that another is to build on; undefined when it is gone. */
  parent(id: string, owner: string): Promise<Parent | undefined> {
    return this.#db
      .selectFrom('stored_answers')
      .select(['depth', 'chain_bytes', 'conversation_id', 'log_records'])
      .where('id', '=', id)
      .where('owner', '=', owner)
      .executeTakeFirst();
  }

  async insert(
    answer: NewAnswer,
    { owner, parent }: { owner: string; parent: Parent | undefined },
  ): Promise<void> {
    const { metadata, ...row } = answer;
    const { id: position, conversation_id } = answer;
    const key = await this.#keys.clear.keyOf(conversation_id);
    const bytes = Buffer.byteLength(answer.input) + Buffer.byteLength(answer.output);
    await this.#db.transaction().execute(async (tx) => {
      await tx
        .insertInto('stored_answers')
        .values({
          ...row,
          ...encryptedAnswer(key, { conversation_id, position }, answer),
          owner,
          created_at: new Date().toISOString(),
          metadata: JSON.stringify(metadata),
          depth: (parent?.depth ?? 0) + 1,
          chain_bytes: (parent?.chain_bytes ?? 0) + bytes,
        })
        .execute();
      await insertPairs(tx, answer.id, metadata);
    });
  }

  /** Throws `not_found`. */
  async get(id: string, owner: string): Promise<StoredAnswer> {
    const row = await this.#db
      .selectFrom('stored_answers')
      .selectAll()
      .where('id', '=', id)
      .where('owner', '=', owner)
      .executeTakeFirst();
    if (row === undefined) throw noAnswer(id);
    const [plain = row] = await this.#decrypted([row]);
    return { ...listedOf(plain), input: plain.input };
  }

  async find(ids: readonly string[], owner: string): Promise<ListedAnswer[]> {
    if (ids.length === 0) return [];
    const rows = await this.#db
      .selectFrom('stored_answers')
      .select(LISTED)
      .where('id', 'in', ids)
      .where('owner', '=', owner)
      .execute();
    return (await this.#decrypted(rows)).map(listedOf);
  }

  /** A response and all that it builds on, the first one first. Throws `not_found`, `context_length_exceeded`. */
  async chain(id: string, owner: string): Promise<ChainedAnswer[]> {
    const last = await this.parent(id, owner);
    if (last === undefined) throw noAnswer(id, 'previous_response_id');
    assertWithin(id, last);
    const rows = await this.#db
      .withRecursive('chain', (db) =>
        db
          .selectFrom('stored_answers')
          .select(['id', 'previous_id', 'depth', 'input', 'output', 'conversation_id'])
          .where('id', '=', id)
          .where('owner', '=', owner)
          .where('kind', '=', 'response')
          .unionAll(
            db
              .selectFrom('stored_answers')
              .innerJoin('chain', 'chain.previous_id', 'stored_answers.id')
              .select([
                'stored_answers.id',
                'stored_answers.previous_id',
                'stored_answers.depth',
                'stored_answers.input',
                'stored_answers.output',
                'stored_answers.conversation_id',
              ])
              .where('stored_answers.owner', '=', owner),
          ),
      )
      .selectFrom('chain')
      .select(['id', 'input', 'output', 'conversation_id'])
      .orderBy('depth')
      .limit(MAX_CHAIN_ANSWERS)
      .execute();
    if (rows.length < last.depth || rows.length === 0)
      throw new PlatformError(
        'not_found',
        `previous_response_id: the response ${id} builds on one that was deleted or is not kept any more. Send what was said as input instead.`,
        { param: 'previous_response_id' },
      );
    return this.#decrypted(rows);
  }

  /** Reads as many rows as it returns, and one. Throws `not_found` for an `after` that is not there. */
  async list(request: ListAnswersRequest, owner: string): Promise<AnswerPage> {
    const { kind, limit, order, after, model, metadata } = request;
    let query = this.#db
      .selectFrom('stored_answers')
      .select(LISTED)
      .where('owner', '=', owner)
      .where('kind', '=', kind)
      .orderBy('created_at', order)
      .orderBy('id', order)
      .limit(limit + 1);
    if (model !== undefined) query = query.where('model', '=', model);
    for (const pair of pairsOf(metadata))
      query = query.where('id', 'in', (db) =>
        db.selectFrom('stored_answer_pairs').select('answer_id').where('pair', '=', pair),
      );
    if (after !== undefined) {
      const [place] = await this.find([after], owner);
      if (place === undefined) throw noAnswer(after);
      query = query.where(
        order === 'asc'
          ? sql<boolean>`(created_at, id) > (${place.created_at}, ${after})`
          : sql<boolean>`(created_at, id) < (${place.created_at}, ${after})`,
      );
    }
    const rows = await query.execute();
    const answers = pageOf((await this.#decrypted(rows.slice(0, limit))).map(listedOf));
    return { answers, has_more: rows.length > answers.length };
  }

  /** Gives it other metadata. Throws `not_found`. */
  async update(id: string, metadata: WireMetadata, owner: string): Promise<StoredAnswer> {
    await this.#db.transaction().execute(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('stored_answers')
        .set({ metadata: JSON.stringify(metadata) })
        .where('id', '=', id)
        .where('owner', '=', owner)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) throw noAnswer(id);
      await tx.deleteFrom('stored_answer_pairs').where('answer_id', '=', id).execute();
      await insertPairs(tx, id, metadata);
    });
    return this.get(id, owner);
  }

  /** Throws `not_found`. */
  async delete(id: string, owner: string): Promise<void> {
    await this.#db.transaction().execute(async (tx) => {
      const { numDeletedRows } = await tx
        .deleteFrom('stored_answers')
        .where('id', '=', id)
        .where('owner', '=', owner)
        .executeTakeFirst();
      if (numDeletedRows === 0n) throw noAnswer(id);
      await tx.deleteFrom('stored_answer_pairs').where('answer_id', '=', id).execute();
    });
  }

  /** The texts of rows, in the clear. Throws `unavailable` while a data key cannot be had. */
  async #decrypted<R extends EncryptedRow>(rows: readonly R[]): Promise<R[]> {
    const found: R[] = [];
    for (const row of rows) {
      const inClear = TEXTS.every((name) => row[name] === undefined || !isEncrypted(row[name]));
      found.push(inClear ? row : decryptedOf(row, await this.#keys.keys.of(row.conversation_id)));
    }
    return found;
  }

  /** The answers of an owner that are recorded in one conversation. */
  async inConversation(conversation_id: string, owner: string): Promise<StoredAnswer[]> {
    const rows = await this.#db
      .selectFrom('stored_answers')
      .select('id')
      .where('conversation_id', '=', conversation_id)
      .where('owner', '=', owner)
      .orderBy('created_at')
      .orderBy('id')
      .execute();
    return Promise.all(rows.map(({ id }) => this.get(id, owner)));
  }

  /** Deletes all of an owner. */
  async deleteAllOf(owner: string): Promise<void> {
    await this.#db.transaction().execute(async (tx) => {
      const ids = tx.selectFrom('stored_answers').select('id').where('owner', '=', owner);
      await tx.deleteFrom('stored_answer_pairs').where('answer_id', 'in', ids).execute();
      await tx.deleteFrom('stored_answers').where('owner', '=', owner).execute();
    });
  }

  /** Forgets answers that are too old and under no legal hold, some at a time. */
  async expire(due: DueByOwner): Promise<void> {
    await this.#db.transaction().execute(async (tx) => {
      const old = await tx
        .selectFrom('stored_answers')
        .select('id')
        .where(isDue('stored_answers', 'created_at', due))
        .limit(MAX_PER_EXPIRY)
        .execute();
      const ids = old.map(({ id }) => id);
      if (ids.length === 0) return;
      await tx.deleteFrom('stored_answer_pairs').where('answer_id', 'in', ids).execute();
      await tx.deleteFrom('stored_answers').where('id', 'in', ids).execute();
    });
  }
}

const TEXTS = ['input', 'output', 'body'] as const;

type EncryptedRow = Pick<AnswerRow, 'id' | 'conversation_id'> & {
  readonly [Name in (typeof TEXTS)[number]]?: string;
};

function decryptedOf<R extends EncryptedRow>(row: R, key: DataKey): R {
  const { id, conversation_id } = row;
  const texts = TEXTS.flatMap((purpose) => {
    const text = row[purpose];
    if (text === undefined) return [];
    const plain = isEncrypted(text)
      ? decryptText(key, { conversation_id, purpose, position: id }, text)
      : text;
    if (plain === undefined)
      throw new PlatformError(
        'internal',
        `The ${purpose} of the answer ${id} cannot be decrypted: it was changed in the store. Delete the answer, and ask again.`,
      );
    return [[purpose, plain] as const];
  });
  return { ...row, ...Object.fromEntries(texts) };
}

async function insertPairs(tx: Transaction<Database>, id: string, metadata: WireMetadata): Promise<void> {
  const rows = pairsOf(metadata).map((pair) => ({ answer_id: id, pair }));
  if (rows.length > 0) await tx.insertInto('stored_answer_pairs').values(rows).execute();
}

/** A pair as one text, which no database takes amiss. */
function pairsOf(metadata: WireMetadata): string[] {
  return Object.entries(metadata).map((pair) => JSON.stringify(pair));
}

function assertWithin(id: string, { depth, chain_bytes }: Parent): void {
  if (depth < MAX_CHAIN_ANSWERS && chain_bytes <= MAX_CHAIN_BYTES) return;
  throw new PlatformError(
    'context_length_exceeded',
    `previous_response_id: the response ${id} is the ${depth}. of its conversation, which has ${chain_bytes} bytes; one may have ${MAX_CHAIN_ANSWERS} responses and ${MAX_CHAIN_BYTES} bytes. Begin a new one with what matters of it as input.`,
    { param: 'previous_response_id' },
  );
}

function noAnswer(id: string, param?: string): PlatformError {
  const what = id.startsWith('resp_') ? 'response' : 'stored chat completion';
  return new PlatformError(
    'not_found',
    `${param === undefined ? 'There' : `${param}: there`} is no ${what} ${id} of yours. It was not stored, was deleted, is not kept any more, or another key made it.`,
    param === undefined ? {} : { param },
  );
}

/** The first of a page, as many as fit. */
function pageOf(answers: readonly ListedAnswer[]): ListedAnswer[] {
  let chars = 0;
  const over = answers.findIndex(({ output, body }) => {
    chars += output.length + body.length;
    return chars > MAX_PAGE_BYTES;
  });
  return over < 0 ? [...answers] : answers.slice(0, Math.max(1, over));
}

function listedOf(row: Pick<AnswerRow, (typeof LISTED)[number]>): ListedAnswer {
  const { id, created_at, model, previous_id, output, body, conversation_id } = row;
  const metadata = WireMetadata.parse(JSON.parse(row.metadata));
  const kind = row.kind === 'response' ? row.kind : 'chat.completion';
  return { id, kind, created_at, model, previous_id, metadata, output, body, conversation_id };
}
