import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

export interface ConversationRow {
  id: string;
  owner: string;
  mode: string;
  /** JSON: one or two model ids. */
  models: string;
  title: string;
  status: string;
  exchanges: number;
  /** JSON: what is needed to go on (prompts, limits). */
  settings: string;
  trace_id: string;
  created_at: string;
  updated_at: string;
  /** While running: until when the process at work has it to itself. */
  lease_until: string;
  /** 1 while the log file may lack records that are here. */
  unsealed: number;
}

export interface RecordRow {
  conversation_id: string;
  seq: number;
  role: string;
  /** JSON of the chained record, as it was hashed. */
  body: string;
}

export interface Database {
  conversations: ConversationRow;
  records: RecordRow;
}

/** Versions of the schema, in order; the same for SQLite and PostgreSQL. A change is a new entry, never an edit. */
export const migrations: Readonly<Record<string, Migration>> = {
  '001-conversations': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('conversations')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('owner', 'text', (column) => column.notNull())
        .addColumn('mode', 'text', (column) => column.notNull())
        .addColumn('models', 'text', (column) => column.notNull())
        .addColumn('title', 'text', (column) => column.notNull())
        .addColumn('status', 'text', (column) => column.notNull())
        .addColumn('exchanges', 'integer', (column) => column.notNull())
        .addColumn('settings', 'text', (column) => column.notNull())
        .addColumn('trace_id', 'text', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .addColumn('updated_at', 'text', (column) => column.notNull())
        .addColumn('lease_until', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex('conversations_by_owner')
        .on('conversations')
        .columns(['owner', 'updated_at'])
        .execute();
      await db.schema
        .createTable('records')
        .addColumn('conversation_id', 'text', (column) => column.notNull().references('conversations.id'))
        .addColumn('seq', 'integer', (column) => column.notNull())
        .addColumn('role', 'text', (column) => column.notNull())
        .addColumn('body', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('records_key', ['conversation_id', 'seq'])
        .execute();
    },
  },
  '002-unsealed': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable('conversations')
        .addColumn('unsealed', 'integer', (column) => column.notNull().defaultTo(0))
        .execute();
      await db.schema
        .createIndex('conversations_by_state')
        .on('conversations')
        .columns(['status', 'unsealed'])
        .execute();
    },
  },
};
