import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { verifyEncryptedLog, verifyLog } from '@mcp/provenance';
import { startPostgres } from '@mcp/testkit';
import { logOf } from '../../apps/core/src/log/state.ts';
import type { ConversationStore } from '../../apps/core/src/store/conversations.ts';
import type { OpenDatabase } from '../../apps/core/src/store/open.ts';
import { fill, PER_CONVERSATION, SECRET, type Sums } from './fill.ts';
import { ADMIN, benchCall, openParts } from './parts.ts';

/**
 * Retention over a store of many records, half of them expired: how long a pass takes, how much memory it needs, whether
 * what is left of each conversation verifies, and whether the sums are those of what was erased. On PostgreSQL two
 * processes work at the pass, and one is killed by `kill -9` in the middle.
 * `node --expose-gc bench/retention/run.ts [--store postgresql] [--records 1000000] [--out bench/retention/result.json]`
 */
const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '1000000' },
    store: { type: 'string', default: 'sqlite' },
    out: { type: 'string' },
  },
});
const CONVERSATIONS = Math.floor(Number(values.records) / PER_CONVERSATION);

const memory = () => {
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  return { rss_mib: Math.round(rss / 2 ** 20), heap_mib: Math.round(heapUsed / 2 ** 20) };
};

/** Every erased conversation by its hashes; of those that stay, each as it was said. */
async function verified(open: OpenDatabase, store: ConversationStore) {
  const verdicts: Record<string, number> = {};
  for (let after = ''; ; ) {
    const page = await open.db
      .selectFrom('conversations')
      .select('id')
      .where('id', '>', after)
      .orderBy('id')
      .limit(200)
      .execute();
    for (const { id } of page) {
      const tombstone = await store.tombstone(id, ADMIN);
      const { status } =
        tombstone === undefined
          ? verifyLog(logOf(await store.get(id, ADMIN)), { secret: SECRET })
          : verifyEncryptedLog(tombstone.log, { secret: SECRET });
      verdicts[status] = (verdicts[status] ?? 0) + 1;
    }
    const last = page.at(-1)?.id;
    if (last === undefined) return verdicts;
    after = last;
  }
}

const KEY = randomBytes(32).toString('hex');

/** One process, in batches, to the end. */
async function passHere() {
  const samples = [memory()];
  let batches = 0;
  for (let complete = false; !complete; batches++) {
    ({ complete } = await parts.pruner.next(benchCall()));
    if (batches % 10 === 0) samples.push(memory());
  }
  samples.push(memory());
  return { batches, memory: samples };
}

/** Two processes; one dies when about a third is erased, and whoever is left goes on. */
async function passByTwo(url: string) {
  const start = () =>
    spawn(process.execPath, [join(import.meta.dirname, 'replica.ts'), url, KEY], { stdio: 'inherit' });
  const [killed, left] = [start(), start()];
  const ends = Promise.all([killed, left].map((child) => once(child, 'exit')));
  while ((await erased()) < CONVERSATIONS / 6) await sleep(20);
  killed.kill('SIGKILL');
  const erased_at_kill = await erased();
  const [[, signal], [code]] = (await ends) as [[null, string], [number]];
  // What the killed one had in hand is for the next pass.
  for (let complete = false; !complete; ) ({ complete } = await parts.pruner.next(benchCall()));
  return {
    replicas: 2,
    killed_by: signal,
    conversations_erased_at_kill: erased_at_kill,
    other_ended_with: code,
  };
}

async function erased(): Promise<number> {
  const { count } = await parts.open.db
    .selectFrom('conversations')
    .select(({ fn }) => fn.countAll().as('count'))
    .where('erased_at', '!=', '')
    .executeTakeFirstOrThrow();
  return Number(count);
}

const dir = mkdtempSync(join(tmpdir(), 'mcp-retention-'));
const postgres = values.store === 'postgresql' ? await startPostgres() : undefined;
const url = await postgres?.database();
const parts = await openParts({ file: join(dir, 'core.db'), url }, KEY);
const { open, keys, store, retention } = parts;

const filled_at = performance.now();
const expected = await fill(open, keys, { conversations: CONVERSATIONS, committed: true });
const fill_s = (performance.now() - filled_at) / 1000;
console.log(`${CONVERSATIONS} conversations stored in ${fill_s.toFixed(0)} s`);

const began = performance.now();
const how = url === undefined ? await passHere() : await passByTwo(url);
const pass_s = (performance.now() - began) / 1000;
const statistics = await retention.statistics(undefined);
const exported: Sums = { records: 0, input_tokens: 0, output_tokens: 0 };
for (const one of statistics)
  for (const name of ['records', 'input_tokens', 'output_tokens'] as const) exported[name] += one[name];
const result = {
  machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
  store: values.store,
  records: CONVERSATIONS * PER_CONVERSATION,
  conversations: CONVERSATIONS,
  fill_s: Math.round(fill_s),
  pass_s: Math.round(pass_s),
  erased_records_per_s: Math.round(exported.records / pass_s),
  ...how,
  expected,
  exported,
  sums_match: JSON.stringify(expected) === JSON.stringify(exported),
  passes: await retention.passes(),
  verdicts: await verified(open, store),
};
await open.close();
await postgres?.close();
rmSync(dir, { recursive: true, force: true });
const text = `${JSON.stringify(result, null, 2)}\n`;
console.log(text);
if (values.out !== undefined) writeFileSync(values.out, text);
