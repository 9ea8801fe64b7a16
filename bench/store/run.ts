import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Principal } from '@mcp/contracts';
import { startPostgres } from '@mcp/testkit';
import { sql } from 'kysely';
import { ConversationStore } from '../../apps/core/src/store/conversations.ts';
import { type OpenDatabase, openDatabase } from '../../apps/core/src/store/open.ts';

/**
 * How long a page of the list and an append take in a store of many conversations.
 * `node bench/store/run.ts [--rows 1000000] [--out bench/store/result.json]`
 */
const { values } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, out: { type: 'string' } },
});
const ROWS = Number(values.rows);
const OWNERS = 1000;
const PAGE = 50;
const ROUNDS = 200;

const owner: Principal = { id: 'owner-7', kind: 'key', name: 'owner', scopes: ['chat'] };
const admin: Principal = { id: 'root', kind: 'key', name: 'root', scopes: ['admin'] };

interface Timing {
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
}

async function measured(work: (round: number) => Promise<unknown>): Promise<Timing> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const since = performance.now();
    await work(round);
    times.push(performance.now() - since);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) =>
    Number((times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(2));
  return { p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1) };
}

/** Conversations of many owners, one a second, by the database itself. */
async function fill({ db, dialect }: OpenDatabase): Promise<void> {
  const columns = sql`(id, owner, mode, models, title, status, exchanges, settings, trace_id, created_at, updated_at, lease_until, turns, records, head, mac, anchored)`;
  const rest = sql`'debate', '["alpha","beta"]', 'A question of some length about boats', 'completed', 2, '{"promptA":"a","promptB":"b","max_tokens_per_turn":512}', ''`;
  if (dialect === 'sqlite')
    await sql`insert into conversations ${columns}
      with recursive n(i) as (select 0 union all select i + 1 from n where i < ${sql.lit(ROWS - 1)})
      select lower(printf('%s-%s-4%s-8%s-%s', hex(randomblob(4)), hex(randomblob(2)), substr(hex(randomblob(2)), 2), substr(hex(randomblob(2)), 2), hex(randomblob(6)))),
        'owner-' || (i % ${sql.lit(OWNERS)}), ${rest}, t, t, '', 2, 6, '', '', 1
      from (select i, strftime('%Y-%m-%dT%H:%M:%S.000Z', 1700000000 + i, 'unixepoch') as t from n)`.execute(
      db,
    );
  else
    await db.transaction().execute(async (tx) => {
      // Longer than the store lets a statement take.
      await sql`set local statement_timeout = 0`.execute(tx);
      await sql`insert into conversations ${columns}
        select gen_random_uuid()::text, 'owner-' || (i % ${sql.lit(OWNERS)}), ${rest}, t, t, '', 2, 6, '', '', 1
        from (select i, to_char(to_timestamp(1700000000 + i) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS".000Z"') as t
          from generate_series(0, ${sql.lit(ROWS - 1)}) i) rows`.execute(tx);
      await sql`analyze conversations`.execute(tx);
    });
}

/** A page far down the list: every tenth of the way. */
async function deep(store: ConversationStore, who: Principal, round: number): Promise<void> {
  const seconds = 1_700_000_000 + Math.floor((ROWS * ((round % 9) + 1)) / 10);
  const place = [new Date(seconds * 1000).toISOString(), 'ffffffff-ffff-4fff-8fff-ffffffffffff'];
  const cursor = Buffer.from(JSON.stringify(place)).toString('base64url');
  const page = await store.list(who, { limit: PAGE, cursor });
  if (page.conversations.length === 0) throw new Error('the page is empty');
}

async function bench(open: OpenDatabase) {
  const since = Date.now();
  await fill(open);
  process.stderr.write(`${open.dialect}: ${ROWS} rows after ${Math.round((Date.now() - since) / 1000)} s\n`);
  // Its rows are in the clear: what is measured are the statements.
  const keys = { of: () => Promise.reject(new Error('none')), ofMany: () => Promise.resolve(new Map()) };
  const store = new ConversationStore(open, keys);
  const first = (who: Principal) => () => store.list(who, { limit: PAGE, cursor: undefined });
  return {
    first_page_of_owner: await measured(first(owner)),
    deep_page_of_owner: await measured((round) => deep(store, owner, round)),
    first_page_of_all: await measured(first(admin)),
    deep_page_of_all: await measured((round) => deep(store, admin, round)),
  };
}

const dir = mkdtempSync(join(tmpdir(), 'mcp-bench-store-'));
const server = await startPostgres();
try {
  const sqlite = await openDatabase({ file: join(dir, 'core.db'), url: undefined, connections: 16 });
  const on_sqlite = await bench(sqlite);
  await sqlite.close();
  const postgres = await openDatabase({ file: '', url: await server.database(), connections: 16 });
  const on_postgresql = await bench(postgres);
  await postgres.close();
  const results = {
    at: new Date().toISOString(),
    node: process.version,
    cpus: cpus().length,
    cpu: cpus()[0]?.model ?? '',
    rows: ROWS,
    owners: OWNERS,
    page: PAGE,
    rounds: ROUNDS,
    sqlite: on_sqlite,
    postgresql: on_postgresql,
  };
  process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(results, null, 2)}\n`);
} finally {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
}
