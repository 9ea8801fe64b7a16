import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { Kysely, type SqliteDatabase, SqliteDialect, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { PostgresJSDialect } from 'kysely-postgres-js';
import postgres from 'postgres';
import type { Dialect } from './clock.ts';
import { type Database, migrations } from './schema.ts';

const CONNECT_TIMEOUT_S = 10;
/** A statement that takes longer has failed: nobody waits for a database that hangs. */
const STATEMENT_TIMEOUT_MS = 10_000;

export interface OpenDatabase {
  readonly db: Kysely<Database>;
  readonly dialect: Dialect;
  /** True when no other process has this database: whoever held something in it is dead. */
  readonly sole: boolean;
  /** Overwrites what the database still has of what was deleted or replaced, as far as it can. */
  scrub(): Promise<void>;
  close(): Promise<void>;
}

interface Where {
  /** SQLite, where there is no URL. */
  readonly file: string;
  /** PostgreSQL. */
  readonly url: string | undefined;
  /** To PostgreSQL, at most. */
  readonly connections: number;
}

/** Opens SQLite in a file, or PostgreSQL by URL, and brings its schema up to date. */
export async function openDatabase({ file, url, connections }: Where): Promise<OpenDatabase> {
  return url === undefined ? openSqlite(file) : openPostgres(url, connections);
}

async function openPostgres(url: string, connections: number): Promise<OpenDatabase> {
  const connect = (max: number, statement_timeout: number) =>
    new Kysely<Database>({
      dialect: new PostgresJSDialect({
        postgres: postgres(url, {
          max,
          connect_timeout: CONNECT_TIMEOUT_S,
          connection: { application_name: 'mcp-core', statement_timeout },
          onnotice: () => undefined,
        }),
      }),
    });
  // A migration may take as long as it needs; replicas that start together do it one after the other.
  const migrating = connect(1, 0);
  await migrate(migrating).finally(() => migrating.destroy());
  const db = connect(connections, STATEMENT_TIMEOUT_MS);
  // Its own vacuum removes old rows.
  return { db, dialect: 'postgres', sole: false, scrub: () => Promise.resolve(), close: () => db.destroy() };
}

async function openSqlite(file: string): Promise<OpenDatabase> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const lock = lockOf(`${file}.lock`);
  const db = new Kysely<Database>({ dialect: sqliteDialect(file) });
  const close = async () => {
    await db.destroy();
    lock?.close();
  };
  try {
    await migrate(db);
  } catch (error) {
    await close();
    throw error;
  }
  const scrub = async () => {
    await sql`pragma wal_checkpoint(truncate)`.execute(db);
  };
  return { db, dialect: 'sqlite', sole: lock !== undefined, scrub, close };
}

async function migrate(db: Kysely<Database>): Promise<void> {
  const { error } = await new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
  }).migrateToLatest();
  if (error !== undefined)
    throw new Error(
      `The conversation store cannot be brought up to date (${error instanceof Error ? error.message : String(error)}). Check DATABASE_URL, or that the data directory can be written.`,
      { cause: error },
    );
}

/** A lock that the system takes back when the process dies; undefined while another process has it. */
function lockOf(file: string): DatabaseSync | undefined {
  const lock = new DatabaseSync(file);
  try {
    lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE;');
    return lock;
  } catch {
    lock.close();
    return undefined;
  }
}

/** Node's own SQLite behind Kysely's dialect. A commit is on disk, its folder included, when it returns; what is deleted is overwritten. */
function sqliteDialect(file: string): SqliteDialect {
  const db = new DatabaseSync(file);
  db.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000; PRAGMA secure_delete = ON;',
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
