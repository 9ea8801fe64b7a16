import type { LogEntry } from '@mcp/contracts';
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type AccessRow, type DataKeyRow, encryption } from './encryption-tables.ts';
import { type KeyRingRow, type LogSignatureRow, logKeysMigration } from './log-keys-migration.ts';
import {
  type AuditBundleRow,
  auditMigrations,
  type LegalHoldRow,
  type RetentionPassRow,
  type RetentionStatisticRow,
} from './schema-audit.ts';
import { verifierMigration } from './verifier-migration.ts';

export interface ConversationRow {
  id: string;
  owner: string;
  mode: string;
  /** Of its log: 1 for two sides, 2 for participants. */
  version: number;
  /** JSON of the participants; '' in a conversation of version 1, whose models and settings name them. */
  participants: string;
  /** JSON: the participants' model ids, in their order. */
  models: string;
  title: string;
  status: string;
  exchanges: number;
  /** JSON: what is needed to go on (limits; in version 1 also the prompts). */
  settings: string;
  trace_id: string;
  created_at: string;
  updated_at: string;
  /** Who may write: the token of the run (or sweep) that holds it, '' when nobody does. */
  lease_token: string;
  /** Until when the holder has it to itself; when nobody holds it, when it is to be looked after next. */
  lease_until: string;
  /** 1 while it runs, and until its log is committed: archived, and its head anchored. */
  unsealed: number;
  /** Records that are turns; all records. */
  turns: number;
  records: number;
  /** Hash of the last record, and its signature. '' in a conversation from before 003. */
  head: string;
  mac: string;
  /** Generation of the bus's bucket that has the head of the committed log; 0: none has. */
  anchored: number;
  /** Records that have an entry for the transparency log. */
  logged: number;
  /** Data key that title and settings are encrypted under; '' while they are in the clear, from before 011. */
  key_id: string;
  /** When all that was said was erased, and by whom; '' while it is there. */
  erased_at: string;
  erased_by: string;
}

/** Buckets that the bus has had for heads: a new one means that the bus lost the old. */
interface HeadBucketRow {
  created: string;
  generation: number;
}

/** How far the log check has come; one row. */
export interface LogCheckRow {
  id: number;
  /** Where the next batch begins. */
  cursor: string;
  started_at: string;
  finished_at: string | null;
  checked: number;
  unconfirmed: number;
  /** Until when one replica has it to itself; '' when none has. */
  lease_until: string;
}

/** A log that did not verify, kept until it does again and after. */
interface FindingRow {
  conversation_id: string;
  /** JSON of the verdict. */
  verdict: string;
  first_seen: string;
  last_seen: string;
  resolved_at: string | null;
  /** The conversation; of an entry that is none of a conversation ''. */
  about: string;
  /** When the event bus was told. */
  alerted_at: string | null;
}

export interface RecordRow {
  conversation_id: string;
  seq: number;
  role: string;
  /** JSON of the chained record, as it was hashed: encrypted, in the clear from before 011, or '' once it is erased. */
  body: string;
  /** As the record has them; '' beside a body from before 011. */
  hash_prev: string;
  hash: string;
}

/** An entry for the transparency log: it waits there until `log_index` says where in the log it is. */
export interface LogEntryRow {
  conversation_id: string;
  type: LogEntry['type'];
  /** Of the record; of a session, how many records it has. */
  seq: number;
  /** Canonical JSON. */
  entry: string;
  /** PostgreSQL gives it as text. */
  log_index: number | string | null;
  /** Until when somebody has it to append it. */
  claimed_until: string;
}

/** An answer that its client may ask for again. */
export interface AnswerRow {
  id: string;
  owner: string;
  kind: string;
  created_at: string;
  model: string;
  /** The answer it builds on. */
  previous_id: string | null;
  /** How many it builds on, itself included, and what they have together. */
  depth: number;
  chain_bytes: number;
  /** JSON. */
  metadata: string;
  input: string;
  output: string;
  body: string;
  /** The conversation whose log has it, and how long that was then; 0 where others go on with it. */
  conversation_id: string;
  log_records: number;
}

/** A pair of an answer's metadata as JSON, to be found by. */
interface AnswerPairRow {
  answer_id: string;
  pair: string;
}

/** What the owner of a conversation said of a decision. */
export interface FeedbackRow {
  conversation_id: string;
  /** Of the decision's record, and its hash. */
  seq: number;
  hash: string;
  owner: string;
  given_at: string;
  score: number | null;
  better: string | null;
  comment: string | null;
  /** JSON of what the decision was made by. */
  evidence: string;
}

export interface Database {
  conversations: ConversationRow;
  records: RecordRow;
  log_entries: LogEntryRow;
  head_buckets: HeadBucketRow;
  log_checks: LogCheckRow;
  log_findings: FindingRow;
  stored_answers: AnswerRow;
  stored_answer_pairs: AnswerPairRow;
  data_keys: DataKeyRow;
  accesses: AccessRow;
  log_signatures: LogSignatureRow;
  key_rings: KeyRingRow;
  feedback: FeedbackRow;
  audit_bundles: AuditBundleRow;
  legal_holds: LegalHoldRow;
  retention_passes: RetentionPassRow;
  retention_statistics: RetentionStatisticRow;
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
  '003-leases-and-seals': {
    async up(db: Kysely<unknown>) {
      for (const name of ['turns', 'records', 'anchored'])
        await db.schema
          .alterTable('conversations')
          .addColumn(name, 'integer', (column) => column.notNull().defaultTo(0))
          .execute();
      for (const name of ['lease_token', 'head', 'mac'])
        await db.schema
          .alterTable('conversations')
          .addColumn(name, 'text', (column) => column.notNull().defaultTo(''))
          .execute();
      // Their signature is in their file: the sweep takes it over, a few at a time.
      await sql`update conversations set unsealed = 1,
        records = (select count(*) from records where conversation_id = conversations.id),
        turns = (select count(*) from records where conversation_id = conversations.id and role in ('modelA', 'modelB'))`.execute(
        db,
      );
    },
  },
  '004-indexes-of-pages': {
    async up(db: Kysely<unknown>) {
      await db.schema.dropIndex('conversations_by_owner').execute();
      await db.schema.dropIndex('conversations_by_state').execute();
      const index = (name: string, columns: string[]) =>
        db.schema.createIndex(name).on('conversations').columns(columns);
      await index('conversations_of_owner', ['owner', 'updated_at', 'id']).execute();
      // Over an expression, so that no planner takes it for the list of one owner and reads everybody's.
      await sql`create index conversations_of_all on conversations ((updated_at || id))`.execute(db);
      await index('conversations_by_anchor', ['anchored', 'id']).execute();
      await sql`create index conversations_unsealed on conversations (lease_until) where unsealed = 1`.execute(
        db,
      );
    },
  },
  '005-log-checks': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('head_buckets')
        .addColumn('created', 'text', (column) => column.primaryKey())
        .addColumn('generation', 'integer', (column) => column.notNull().unique())
        .execute();
      await db.schema
        .createTable('log_checks')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('cursor', 'text', (column) => column.notNull())
        .addColumn('started_at', 'text', (column) => column.notNull())
        .addColumn('finished_at', 'text')
        .addColumn('checked', 'integer', (column) => column.notNull())
        .addColumn('unconfirmed', 'integer', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('log_findings')
        .addColumn('conversation_id', 'text', (column) => column.primaryKey())
        .addColumn('verdict', 'text', (column) => column.notNull())
        .addColumn('first_seen', 'text', (column) => column.notNull())
        .addColumn('last_seen', 'text', (column) => column.notNull())
        .addColumn('resolved_at', 'text')
        .execute();
    },
  },
  '006-stored-answers': {
    async up(db: Kysely<unknown>) {
      let table = db.schema
        .createTable('stored_answers')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('previous_id', 'text');
      for (const name of ['owner', 'kind', 'created_at', 'model', 'metadata', 'input', 'output', 'body'])
        table = table.addColumn(name, 'text', (column) => column.notNull());
      for (const name of ['depth', 'chain_bytes', 'log_records'])
        table = table.addColumn(name, 'integer', (column) => column.notNull());
      await table.addColumn('conversation_id', 'text', (column) => column.notNull()).execute();
      const index = (name: string, columns: string[]) =>
        db.schema.createIndex(name).on('stored_answers').columns(columns);
      await index('stored_answers_of_owner', ['owner', 'kind', 'created_at', 'id']).execute();
      await index('stored_answers_by_age', ['created_at']).execute();
      await db.schema
        .createTable('stored_answer_pairs')
        .addColumn('answer_id', 'text', (column) => column.notNull())
        .addColumn('pair', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('stored_answer_pairs_key', ['answer_id', 'pair'])
        .execute();
      await db.schema
        .createIndex('stored_answer_pairs_by_pair')
        .on('stored_answer_pairs')
        .columns(['pair', 'answer_id'])
        .execute();
    },
  },
  '007-participants': {
    async up(db: Kysely<unknown>) {
      const alter = () => db.schema.alterTable('conversations');
      // A replica of the version before goes on writing conversations of two sides, without these columns.
      await alter()
        .addColumn('version', 'integer', (column) => column.notNull().defaultTo(1))
        .execute();
      await alter()
        .addColumn('participants', 'text', (column) => column.notNull().defaultTo(''))
        .execute();
    },
  },
  '008-feedback': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('feedback')
        .addColumn('conversation_id', 'text', (column) => column.notNull())
        .addColumn('seq', 'integer', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .addColumn('owner', 'text', (column) => column.notNull())
        .addColumn('given_at', 'text', (column) => column.notNull())
        .addColumn('score', 'double precision')
        .addColumn('better', 'text')
        .addColumn('comment', 'text')
        .addColumn('evidence', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('feedback_key', ['conversation_id', 'seq'])
        .execute();
      await db.schema
        .createIndex('feedback_by_age')
        .on('feedback')
        .columns(['given_at', 'conversation_id'])
        .execute();
    },
  },
  '009-transparency-log': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('log_entries')
        .addColumn('conversation_id', 'text', (column) => column.notNull())
        .addColumn('type', 'text', (column) => column.notNull())
        .addColumn('seq', 'integer', (column) => column.notNull())
        .addColumn('entry', 'text', (column) => column.notNull())
        .addColumn('log_index', 'bigint')
        .addColumn('claimed_until', 'text', (column) => column.notNull())
        .addPrimaryKeyConstraint('log_entries_key', ['conversation_id', 'type', 'seq'])
        .execute();
      await db.schema
        .alterTable('conversations')
        .addColumn('logged', 'integer', (column) => column.notNull().defaultTo(0))
        .execute();
      await sql`create index log_entries_waiting on log_entries (claimed_until) where log_index is null`.execute(
        db,
      );
      await sql`create index conversations_behind on conversations (id) where logged < records`.execute(db);
    },
  },
  '010-log-keys': logKeysMigration,
  '011-encryption': encryption,
  ...auditMigrations,
  '013-verifier': verifierMigration,
};
