/** Conversations from before encryption: they are encrypted when they are gone on with, and by the sweep. */
import { LogRecordV1, PlatformError } from '@mcp/contracts';
import { type DataKey, decryptText, encryptText, isEncrypted } from '@mcp/kms';
import type { Kysely, Transaction } from 'kysely';
import { z } from 'zod';
import { encryptedRecord, encryptedSettings, encryptedTitle } from '../store/rows.ts';
import type { Database } from '../store/schema.ts';
import type { DataKeys, FreshKey } from './data-keys.ts';

/** What the columns of a record have beside its text. */
export const Hashes = z.object({ hash_prev: LogRecordV1.shape.hash, hash: LogRecordV1.shape.hash });

export interface ClearRowsDeps {
  readonly db: Kysely<Database>;
  readonly keys: DataKeys;
  /** Overwrites what the database still has of the clear rows. */
  scrub(): Promise<void>;
}

export class ClearRows {
  readonly #deps: ClearRowsDeps;

  constructor(deps: ClearRowsDeps) {
    this.#deps = deps;
  }

  /** The data key of a conversation that is to be written, which is encrypted first where it is not. */
  async keyOf(conversation_id: string): Promise<DataKey> {
    const { db, keys } = this.#deps;
    const clear = await db
      .selectFrom('conversations')
      .select('id')
      .where('id', '=', conversation_id)
      .where('key_id', '=', '')
      .executeTakeFirst();
    if (clear !== undefined) await this.#encrypt(conversation_id);
    return keys.ofRun(conversation_id);
  }

  /** Encrypts some of those that nobody holds. */
  async sweep(limit: number): Promise<void> {
    const due = await this.#deps.db
      .selectFrom('conversations')
      .select('id')
      .where('key_id', '=', '')
      .where('erased_at', '=', '')
      .where('lease_token', '=', '')
      .limit(limit)
      .execute();
    for (const { id } of due) await this.#encrypt(id);
    if (due.length > 0) await this.#deps.scrub();
  }

  /** Once; whoever comes second changes nothing. Its log is committed again, so that the archive has it encrypted too. */
  async #encrypt(id: string): Promise<void> {
    const { db, keys } = this.#deps;
    const fresh = await keys.make(id);
    const done = await db.transaction().execute(async (tx) => {
      const found = await tx
        .selectFrom('conversations')
        .select(['title', 'settings'])
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      const { numUpdatedRows } = await tx
        .updateTable('conversations')
        .set({
          key_id: fresh.key.id,
          title: encryptedTitle(fresh.key, id, found.title),
          settings: encryptedSettings(fresh.key, id, found.settings),
          unsealed: 1,
        })
        .where('id', '=', id)
        .where('key_id', '=', '')
        .where('erased_at', '=', '')
        .executeTakeFirst();
      if (numUpdatedRows === 0n) return false;
      await encryptRows(tx, id, fresh);
      return true;
    });
    if (!done) keys.forget(id);
  }
}

async function encryptRows(tx: Transaction<Database>, id: string, { key, row }: FreshKey): Promise<void> {
  await tx.insertInto('data_keys').values(row).execute();
  const records = await tx
    .selectFrom('records')
    .select(['seq', 'body'])
    .where('conversation_id', '=', id)
    .execute();
  for (const { seq, body } of records)
    await tx
      .updateTable('records')
      .set({ body: encryptedRecord({ id, key }, seq, body), ...hashesIn(body) })
      .where('conversation_id', '=', id)
      .where('seq', '=', seq)
      .execute();
  const answers = await tx
    .selectFrom('stored_answers')
    .select(['id', 'input', 'output', 'body'])
    .where('conversation_id', '=', id)
    .execute();
  for (const { id: position, ...texts } of answers)
    await tx
      .updateTable('stored_answers')
      .set(encryptedAnswer(key, { conversation_id: id, position }, texts))
      .where('id', '=', position)
      .execute();
  const feedback = await tx
    .selectFrom('feedback')
    .select(['seq', 'comment'])
    .where('conversation_id', '=', id)
    .where('comment', 'is not', null)
    .execute();
  for (const { seq, comment } of feedback)
    await tx
      .updateTable('feedback')
      .set({ comment: encryptedComment(key, { conversation_id: id, seq, comment: comment ?? '' }) })
      .where('conversation_id', '=', id)
      .where('seq', '=', seq)
      .execute();
}

/** The hashes of a record in the clear; those of one that cannot be read stay as they are, for its check to find. */
function hashesIn(body: string): z.infer<typeof Hashes> | undefined {
  try {
    return Hashes.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

interface AnswerTexts {
  readonly input: string;
  readonly output: string;
  readonly body: string;
}

/** The texts of a stored answer, encrypted; one that is already stays as it is. */
export function encryptedAnswer(
  key: DataKey,
  where: { readonly conversation_id: string; readonly position: string },
  { input, output, body }: AnswerTexts,
): AnswerTexts {
  const encrypted = (purpose: keyof AnswerTexts, text: string) =>
    isEncrypted(text) ? text : encryptText(key, { ...where, purpose }, text);
  return {
    input: encrypted('input', input),
    output: encrypted('output', output),
    body: encrypted('body', body),
  };
}

interface Comment {
  readonly conversation_id: string;
  /** Of the decision's record. */
  readonly seq: number;
  readonly comment: string;
}

export function encryptedComment(key: DataKey, { conversation_id, seq, comment }: Comment): string {
  return encryptText(key, { conversation_id, purpose: 'comment', position: seq }, comment);
}

/** The comment as it was given. Throws `internal` where it was changed in the store. */
export function clearComment(key: DataKey, { conversation_id, seq, comment }: Comment): string {
  if (!isEncrypted(comment)) return comment;
  const text = decryptText(key, { conversation_id, purpose: 'comment', position: seq }, comment);
  if (text !== undefined) return text;
  throw new PlatformError(
    'internal',
    `The comment on record ${seq} of the conversation ${conversation_id} cannot be decrypted: it was changed in the store. Give the feedback again.`,
  );
}
