/** Audit bundles in the store of the conversations: each follows the one before, and none is ever changed. */
import { type AuditBundleInfo, type AuditBundlePage, AuditManifest, PlatformError } from '@mcp/contracts';
import { type Kysely, sql } from 'kysely';
import { cutPage, placeOf } from './cursor.ts';
import type { OpenDatabase } from './open.ts';
import type { Database } from './schema.ts';
import type { AuditBundleRow } from './schema-audit.ts';

const LISTED = ['id', 'created_at', 'bytes', 'manifest'] as const;

export class AuditBundleStore {
  readonly #db: Kysely<Database>;

  constructor({ db }: OpenDatabase) {
    this.#db = db;
  }

  /** Durable when it returns. Throws `conflict` where the newest bundle is not the one that it follows. */
  async insert(
    file: string,
    {
      manifest,
      id,
      created_at,
      previous,
    }: {
      readonly manifest: string;
      readonly id: string;
      readonly created_at: string;
      readonly previous: string | undefined;
    },
  ): Promise<void> {
    const newest = await this.#db
      .selectFrom('audit_bundles')
      .select('id')
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst();
    if (newest?.id !== previous) throw follows(newest?.id);
    const { numInsertedOrUpdatedRows } = await this.#db
      .insertInto('audit_bundles')
      .values({
        id,
        created_at,
        previous_id: previous ?? '',
        bytes: Buffer.byteLength(file),
        manifest,
        file,
        archived: 0,
      })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirstOrThrow();
    // Another was kept meanwhile.
    if (numInsertedOrUpdatedRows === 0n) throw follows(undefined);
  }

  /** The newest first. Reads as many rows as it returns, and one. */
  async list({
    limit,
    cursor,
  }: {
    readonly limit: number;
    readonly cursor?: string | undefined;
  }): Promise<AuditBundlePage> {
    let query = this.#db
      .selectFrom('audit_bundles')
      .select(LISTED)
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1);
    if (cursor !== undefined) {
      const [created_at, id] = placeOf(cursor);
      query = query.where(sql<boolean>`(created_at, id) < (${created_at}, ${id})`);
    }
    const rows = await query.execute();
    const { page, next_cursor } = cutPage(rows, limit, ({ created_at, id }) => ({
      updated_at: created_at,
      id,
    }));
    return { bundles: page.map(infoOf), next_cursor };
  }

  async find(id: string): Promise<{ readonly info: AuditBundleInfo; readonly file: string } | undefined> {
    const row = await this.#db
      .selectFrom('audit_bundles')
      .select([...LISTED, 'file'])
      .where('id', '=', id)
      .executeTakeFirst();
    return row === undefined ? undefined : { info: infoOf(row), file: row.file };
  }

  /** Those that the archive does not have yet, the oldest first. */
  async unarchived(limit: number): Promise<Pick<AuditBundleRow, 'id' | 'file'>[]> {
    return this.#db
      .selectFrom('audit_bundles')
      .select(['id', 'file'])
      .where('archived', '=', 0)
      .orderBy('created_at')
      .limit(limit)
      .execute();
  }

  async archived(id: string): Promise<void> {
    await this.#db.updateTable('audit_bundles').set({ archived: 1 }).where('id', '=', id).execute();
  }
}

function infoOf(row: Pick<AuditBundleRow, (typeof LISTED)[number]>): AuditBundleInfo {
  const { id, created_at, bytes, manifest } = row;
  return { id, created_at, bytes, manifest: AuditManifest.parse(JSON.parse(manifest)) };
}

function follows(newest: string | undefined): PlatformError {
  return new PlatformError(
    'conflict',
    `An audit bundle follows the newest one${newest === undefined ? '' : `, which is ${newest}`}. Make it again from there.`,
  );
}
