/** The tables of the keys that logs are signed with, and of their signatures. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The signature of a committed log by a key of the key history, and the head that it is of. */
export interface LogSignatureRow {
  conversation_id: string;
  head: string;
  /** JSON. */
  signature: string;
}

/** The key ring, where replicas share a database; one row. */
export interface KeyRingRow {
  id: number;
  revision: number;
  /** JSON of the key history. */
  history: string;
  /** The private keys, encrypted. */
  private_keys: string;
}

export const logKeysMigration: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable('log_signatures')
      .addColumn('conversation_id', 'text', (column) => column.primaryKey())
      .addColumn('head', 'text', (column) => column.notNull())
      .addColumn('signature', 'text', (column) => column.notNull())
      .execute();
    await db.schema
      .createTable('key_rings')
      .addColumn('id', 'integer', (column) => column.primaryKey())
      .addColumn('revision', 'integer', (column) => column.notNull())
      .addColumn('history', 'text', (column) => column.notNull())
      .addColumn('private_keys', 'text', (column) => column.notNull())
      .execute();
  },
};
