/** Of the core's schema, what audit bundles, legal holds and retention have. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** An audit bundle: its file, and what its list says of it. */
export interface AuditBundleRow {
  id: string;
  created_at: string;
  /** The one before; '' for the first: no two follow the same. */
  previous_id: string;
  bytes: number;
  /** JSON, as it was signed. */
  manifest: string;
  /** The file. */
  file: string;
  /** 1 once the archive has it, too. */
  archived: number;
}

/** What it names is not erased until it is lifted; rows stay. */
export interface LegalHoldRow {
  id: string;
  /** Of an owner, or of a conversation. */
  owner: string | null;
  conversation_id: string | null;
  reason: string;
  set_at: string;
  set_by: string;
  lifted_at: string | null;
  lifted_by: string | null;
}

/** A pass of the retention job. */
export interface RetentionPassRow {
  started_at: string;
  /** Null while it is under way. */
  finished_at: string | null;
  /** Where the next batch begins: time and id of the last conversation that was looked at. */
  cursor: string;
  conversations: number;
  records: number;
  held: number;
}

/** What was erased, in sums. */
export interface RetentionStatisticRow {
  day: string;
  model: string;
  conversations: number;
  records: number;
  /** PostgreSQL gives them as text. */
  input_tokens: number | string;
  output_tokens: number | string;
}

export const auditMigrations: Readonly<Record<string, Migration>> = {
  '012-audit': {
    async up(db: Kysely<unknown>) {
      let table = db.schema
        .createTable('audit_bundles')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('previous_id', 'text', (column) => column.notNull().unique());
      for (const name of ['created_at', 'manifest', 'file'])
        table = table.addColumn(name, 'text', (column) => column.notNull());
      for (const name of ['bytes', 'archived'])
        table = table.addColumn(name, 'integer', (column) => column.notNull());
      await table.execute();
      await db.schema
        .createIndex('audit_bundles_by_age')
        .on('audit_bundles')
        .columns(['created_at', 'id'])
        .execute();
    },
  },
  '012-retention': {
    async up(db: Kysely<unknown>) {
      let holds = db.schema
        .createTable('legal_holds')
        .addColumn('id', 'text', (column) => column.primaryKey());
      for (const name of ['reason', 'set_at', 'set_by'])
        holds = holds.addColumn(name, 'text', (column) => column.notNull());
      for (const name of ['owner', 'conversation_id', 'lifted_at', 'lifted_by'])
        holds = holds.addColumn(name, 'text');
      await holds.execute();
      let passes = db.schema
        .createTable('retention_passes')
        .addColumn('started_at', 'text', (column) => column.primaryKey())
        .addColumn('finished_at', 'text')
        .addColumn('cursor', 'text', (column) => column.notNull());
      for (const name of ['conversations', 'records', 'held'])
        passes = passes.addColumn(name, 'integer', (column) => column.notNull());
      await passes.execute();
      let sums = db.schema
        .createTable('retention_statistics')
        .addColumn('day', 'text', (column) => column.notNull())
        .addColumn('model', 'text', (column) => column.notNull());
      for (const name of ['conversations', 'records'])
        sums = sums.addColumn(name, 'integer', (column) => column.notNull());
      for (const name of ['input_tokens', 'output_tokens'])
        sums = sums.addColumn(name, 'bigint', (column) => column.notNull());
      await sums.addPrimaryKeyConstraint('retention_statistics_key', ['day', 'model']).execute();
    },
  },
};
