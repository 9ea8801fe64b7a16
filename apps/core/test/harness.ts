import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type {
  CallContext,
  ChatEvent,
  CoreApi,
  Principal,
  ServiceName,
  WatchedChatRequest,
} from '@mcp/contracts';
import { createKit, type KitEnv, type ServiceKit } from '@mcp/service-kit';
import { type NatsServer, type PostgresServer, startNats, startPostgres, testIdentities } from '@mcp/testkit';
import type { Hono } from 'hono';
import { type RawBuilder, sql } from 'kysely';
import connectTo from 'postgres';
import { afterAll, beforeAll } from 'vitest';
import { definition } from '../src/definition.ts';
import { ConversationStore } from '../src/store/conversations.ts';
import { openDatabase } from '../src/store/open.ts';
import { type LocalLog, openLocalLog } from './local-log.ts';
import { ScriptedModels } from './scripted-models.ts';

export const SECRET = 'a provenance secret for these tests only';
export const KMS_KEY = 'a key of these tests that wraps data keys';
export const ALICE: Principal = { id: 'key:alice', kind: 'key', name: 'alice', scopes: ['chat'] };
export const BOB: Principal = { id: 'key:bob', kind: 'key', name: 'bob', scopes: ['chat'] };
export const ADMIN: Principal = { id: 'key:root', kind: 'key', name: 'root', scopes: ['admin'] };

export interface Core {
  readonly api: CoreApi;
  readonly app: Hono<KitEnv>;
  readonly kit: ServiceKit;
  readonly models: ScriptedModels;
  readonly log: LocalLog;
  readonly dir: string;
  /** True: it stores in SQLite, with log files beside it. */
  readonly sqlite: boolean;
  /** Stops it in order; the directory stays. */
  stop(): Promise<void>;
}

const running = new Set<Core>();
/** The transparency log of each store: its cores share it, and it outlives them. */
const logs = new Map<string, Promise<LocalLog>>();
const dirs: string[] = [];

/** The event bus of this test file; each core has the same, as replicas have. */
let nats: NatsServer | undefined;
beforeAll(async () => {
  nats ??= await startNats();
});
afterAll(async () => {
  await nats?.close();
  nats = undefined;
});

/** Where cores keep what they store: SQLite in their directory, or a database of this server for each directory. */
let postgres: PostgresServer | undefined;
const databases = new Map<string, string>();

/** From here on, the cores of this test file store in PostgreSQL. */
export function storeInPostgres(): void {
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres?.close());
}

/** What a core is told of its store; nothing means SQLite. */
export async function storeEnv(dir: string): Promise<Record<string, string>> {
  if (postgres === undefined) return {};
  const url = databases.get(dir) ?? (await postgres.database());
  databases.set(dir, url);
  return { DATABASE_URL: url };
}

/** A directory that {@link cleanUp} removes. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-core-'));
  dirs.push(dir);
  return dir;
}

/** A core with its real store and files over scripted models. */
export async function startCore(
  options: { dir?: string; models?: ScriptedModels; env?: Record<string, string> } = {},
): Promise<Core> {
  const dir = options.dir ?? tempDir();
  const models = options.models ?? new ScriptedModels();
  const store = await storeEnv(dir);
  const log = await logOf(store.DATABASE_URL ?? dir);
  const kit = await createKit({
    manifest: definition.manifest,
    env: coreEnv(dir, { ...store, ...busEnv(), ...options.env }),
    local: new Map<ServiceName, object>([
      ['model-gateway', models],
      ['transparency-log', log.api],
    ]),
    draining: () => false,
  });
  const instance = await definition.create(kit);
  const core: Core = {
    api: instance.api,
    app: instance.app,
    kit,
    models,
    log,
    dir,
    sqlite: !databases.has(dir),
    async stop() {
      running.delete(core);
      await instance.close();
      await kit.close();
    },
  };
  running.add(core);
  return core;
}

function logOf(store: string): Promise<LocalLog> {
  const log = logs.get(store) ?? openLocalLog(join(tempDir(), 'log'));
  logs.set(store, log);
  return log;
}

/** Writes to a core's store behind its back, as somebody with the database would. */
export async function tamper(core: Pick<Core, 'dir'>, statement: string): Promise<void> {
  const url = databases.get(core.dir);
  if (url === undefined) {
    const db = new DatabaseSync(join(core.dir, 'core', 'core.db'));
    db.exec(statement);
    db.close();
    return;
  }
  const client = connectTo(url, { max: 1, onnotice: () => undefined });
  await client.unsafe(statement);
  await client.end();
}

/** The first column of what a statement finds in a core's store. */
export async function selected(core: Pick<Core, 'dir'>, statement: string): Promise<unknown[]> {
  const url = databases.get(core.dir);
  const open = await openDatabase({ file: join(core.dir, 'core', 'core.db'), url, connections: 1 });
  const { rows } = await sql.raw<Record<string, unknown>>(statement).execute(open.db);
  await open.close();
  return rows.map((row) => Object.values(row)[0]);
}

/** Every row of a core's store, as JSON. */
export async function rowsOf(core: Pick<Core, 'dir'>): Promise<string[]> {
  const url = databases.get(core.dir);
  const open = await openDatabase({ file: join(core.dir, 'core', 'core.db'), url, connections: 2 });
  const tables = await open.db.introspection.getTables();
  const rows: string[] = [];
  for (const { name } of tables)
    rows.push(JSON.stringify((await sql`select * from ${sql.table(name)}`.execute(open.db)).rows));
  await open.close();
  return rows;
}

/** Changes the ciphertext of records, or of one of them. */
export async function spoil(core: Pick<Core, 'dir'>, id: string, seq?: number): Promise<void> {
  const which = seq === undefined ? '' : ` and seq = ${seq}`;
  await tamper(
    core,
    `update records set body = substr(body, 1, 60) || 'AAAA' || substr(body, 65) where conversation_id = '${id}'${which}`,
  );
}

/** The plan by which the database answers a statement of the store, in its words. */
export async function planOf(
  core: Core,
  statement: (store: ConversationStore) => {
    explain(format?: 'text', options?: RawBuilder<unknown>): Promise<unknown[]>;
  },
): Promise<string> {
  const open = await openDatabase({
    file: join(core.dir, 'core', 'core.db'),
    url: databases.get(core.dir),
    connections: 4,
  });
  if (!core.sqlite) await sql`analyze`.execute(open.db);
  const how = core.sqlite ? sql`query plan` : undefined;
  const keys = { of: () => Promise.reject(new Error('none')), ofMany: () => Promise.resolve(new Map()) };
  const plan = await statement(new ConversationStore(open, keys)).explain(undefined, how);
  await open.close();
  return plan.map((row) => Object.values(row as object).join(' ')).join('\n');
}

export function busEnv(): Record<string, string> {
  if (nats === undefined) throw new Error('the event bus runs from beforeAll to afterAll');
  return { MCP_NATS_URL: nats.url };
}

export function coreEnv(dir: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    MCP_DATA: dir,
    ...testIdentities(),
    MCP_LOG_LEVEL: 'silent',
    PROV_SECRET: SECRET,
    MCP_KMS_KEY: KMS_KEY,
    ...more,
  };
}

export async function cleanUp(): Promise<void> {
  for (const core of [...running]) await core.stop();
  for (const log of logs.values()) await (await log).close();
  logs.clear();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
}

export function callOf(change: Partial<CallContext> = {}): CallContext {
  return {
    request_id: 'r-1',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    deadline_ms: Date.now() + 45_000,
    principal: ALICE,
    class: 'interactive',
    signal: new AbortController().signal,
    ...change,
  };
}

export type EventOf<T extends ChatEvent['type']> = Extract<ChatEvent, { type: T }>;

/** All events of a conversation; `seen` is called with each as it comes. */
export async function chat(
  core: Pick<Core, 'api'>,
  request: WatchedChatRequest,
  options: { call?: CallContext; seen?: (event: ChatEvent) => void } = {},
): Promise<ChatEvent[]> {
  const events: ChatEvent[] = [];
  for await (const event of core.api.chat(request, options.call ?? callOf())) {
    events.push(event);
    options.seen?.(event);
  }
  return events;
}

export function only<T extends ChatEvent['type']>(events: readonly ChatEvent[], type: T): EventOf<T>[] {
  return events.filter((event): event is EventOf<T> => event.type === type);
}

/** The one event of a type. */
export function the<T extends ChatEvent['type']>(events: readonly ChatEvent[], type: T): EventOf<T> {
  const [event, ...more] = only(events, type);
  if (event === undefined || more.length > 0)
    throw new Error(
      `${more.length + (event ? 1 : 0)} × ${type} in ${events.map((one) => one.type).join(' ')}`,
    );
  return event;
}

export function idOf(events: readonly ChatEvent[]): string {
  return the(events, 'start').conversation_id;
}

/** Another core on the store of a first, as a replica is: with a data directory of its own where the store allows it. */
export function startReplica(
  core: Core,
  options: { models?: ScriptedModels; env?: Record<string, string> } = {},
): Promise<Core> {
  const url = databases.get(core.dir);
  if (url === undefined) return startCore({ ...options, dir: core.dir });
  const dir = tempDir();
  databases.set(dir, url);
  return startCore({ ...options, dir });
}
