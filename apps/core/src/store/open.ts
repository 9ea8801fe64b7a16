import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import { PostgresJSDialect } from 'kysely-postgres-js';
import postgres from 'postgres';
import { type Database, migrations } from './schema.ts';

/** Opens SQLite in a file, or PostgreSQL by URL, and brings its schema up to date. */
export async function openDatabase(where: {
  file: string;
  url: string | undefined;
}): Promise<Kysely<Database>> {
  const db = new Kysely<Database>({
    dialect:
      where.url === undefined
        ? sqliteDialect(where.file)
        : new PostgresJSDialect({
            postgres: postgres(where.url, { max: 16, connect_timeout: 10, onnotice: () => undefined }),
          }),
  });
  const { error } = await new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
  }).migrateToLatest();
  if (error !== undefined) {
    await db.destroy();
    throw new Error(
      'The conversation store cannot be brought up to date. Check DATABASE_URL, or that the data directory can be written.',
      { cause: error },
    );
  }
  return db;
}

/** Node's own SQLite behind Kysely's dialect. A commit is on disk when it returns. */
function sqliteDialect(file: string): SqliteDialect {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(file);
  db.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;',
  );
  const database: SqliteDatabase = {
    close: () => db.close(),
    prepare(sql) {
      const statement = db.prepare(sql);
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
        run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
        iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])),
      };
    },
  };
  return new SqliteDialect({ database });
}
