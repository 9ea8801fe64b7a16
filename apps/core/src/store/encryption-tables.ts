import type { AccessAction } from '@mcp/contracts';
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The key of what was said in one conversation. */
export interface DataKeyRow {
  conversation_id: string;
  id: string;
  /** As the key management service wrapped it; '' once it is destroyed. */
  wrapped: string;
  /** Version of the key that it is wrapped under. */
  key_version: string;
  created_at: string;
  destroyed_at: string | null;
}

/** Who read, or erased, what was said by somebody: written before it is answered. */
export interface AccessRow {
  id: string;
  at: string;
  /** Id of the principal. */
  by: string;
  action: AccessAction;
  /** Whose it is. */
  owner: string;
  /** '' where it is all of an owner. */
  conversation_id: string;
  request_id: string;
}

/** Data keys, accesses, and columns for what is encrypted and erased. */
export const encryption: Migration = {
  async up(db: Kysely<unknown>) {
    const add = (table: string, name: string) =>
      db.schema
        .alterTable(table)
        .addColumn(name, 'text', (column) => column.notNull().defaultTo(''))
        .execute();
    for (const name of ['key_id', 'erased_at', 'erased_by']) await add('conversations', name);
    for (const name of ['hash_prev', 'hash']) await add('records', name);
    await sql`create index conversations_in_clear on conversations (id) where key_id = ''`.execute(db);
    await sql`create index stored_answers_by_log on stored_answers (conversation_id)`.execute(db);
    let keys = db.schema
      .createTable('data_keys')
      .addColumn('conversation_id', 'text', (column) => column.primaryKey());
    for (const name of ['id', 'wrapped', 'key_version', 'created_at'])
      keys = keys.addColumn(name, 'text', (column) => column.notNull());
    await keys.addColumn('destroyed_at', 'text').execute();
    await db.schema
      .createIndex('data_keys_by_version')
      .on('data_keys')
      .columns(['key_version', 'conversation_id'])
      .execute();
    let accesses = db.schema.createTable('accesses').addColumn('id', 'text', (column) => column.primaryKey());
    for (const name of ['at', 'by', 'action', 'owner', 'conversation_id', 'request_id'])
      accesses = accesses.addColumn(name, 'text', (column) => column.notNull());
    await accesses.execute();
    const index = (name: string, columns: string[]) =>
      db.schema.createIndex(name).on('accesses').columns(columns).execute();
    await index('accesses_of_conversation', ['conversation_id', 'at']);
    await index('accesses_by_age', ['at']);
  },
};
