import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Findings name the conversation that they are about and whether the bus was told; one replica at a time checks. */
export const verifierMigration: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema
      .alterTable('log_findings')
      .addColumn('about', 'text', (column) => column.notNull().defaultTo(''))
      .execute();
    await db.schema.alterTable('log_findings').addColumn('alerted_at', 'text').execute();
    await db.schema
      .alterTable('log_checks')
      .addColumn('lease_until', 'text', (column) => column.notNull().defaultTo(''))
      .execute();
    await sql`update log_findings set about = conversation_id`.execute(db);
    await db.schema.createIndex('log_findings_about').on('log_findings').column('about').execute();
  },
};
