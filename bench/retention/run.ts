import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CallContext, type LogRecord, type Principal, Retention } from '@mcp/contracts';
import { LocalKms } from '@mcp/kms';
import { chainRecord, signatureOf, verifyEncryptedLog, verifyLog } from '@mcp/provenance';
import { DataKeys } from '../../apps/core/src/encryption/data-keys.ts';
import { Eraser } from '../../apps/core/src/encryption/eraser.ts';
import { headerOf, logOf } from '../../apps/core/src/log/state.ts';
import { Pruner } from '../../apps/core/src/retention/pruner.ts';
import { ConversationStore } from '../../apps/core/src/store/conversations.ts';
import { LegalHolds } from '../../apps/core/src/store/legal-holds.ts';
import { type OpenDatabase, openDatabase } from '../../apps/core/src/store/open.ts';
import { RetentionStore } from '../../apps/core/src/store/retention.ts';
import { insertRecords } from '../../apps/core/src/store/rows.ts';

/**
 * Retention over a store of many records, half of them expired: how long a pass takes, how much memory it needs, whether
 * what is left of each conversation verifies, and whether the sums are those of what was erased.
 * `node bench/retention/run.ts [--records 1000000] [--out bench/retention/result.json]`
 */
const { values } = parseArgs({
  options: { records: { type: 'string', default: '1000000' }, out: { type: 'string' } },
});
const PER_CONVERSATION = 50;
const CONVERSATIONS = Math.floor(Number(values.records) / PER_CONVERSATION);
const PER_TRANSACTION = 50;
const OLD = '2026-01-15T10:00:00.000Z';
const NEW = '2026-11-28T10:00:00.000Z';
const SECRET = 'a secret of this benchmark, and of nothing else';
const ADMIN: Principal = { id: 'root', kind: 'key', name: 'root', scopes: ['admin'] };
const MODELS = ['alpha', 'beta', 'gamma'];

const nothing = () => undefined;
const log = { warn: nothing, error: (what: unknown) => console.error(what), info: nothing } as never;
const metrics = { inc: nothing, set: nothing, observe: nothing } as never;
const call: CallContext = {
  request_id: 'bench',
  traceparent: undefined,
  deadline_ms: Date.now() + 24 * 3600_000,
  principal: ADMIN,
  class: 'batch',
  signal: new AbortController().signal,
};

interface Sums {
  records: number;
  input_tokens: number;
  output_tokens: number;
}

/** Stores conversations, every second one of them old; what the old ones are in sums. */
async function fill(open: OpenDatabase, keys: DataKeys): Promise<Sums> {
  const sums: Sums = { records: 0, input_tokens: 0, output_tokens: 0 };
  for (let at = 0; at < CONVERSATIONS; at += PER_TRANSACTION) {
    const many = await Promise.all(
      Array.from({ length: Math.min(PER_TRANSACTION, CONVERSATIONS - at) }, (_, n) => made(keys, at + n)),
    );
    await open.db.transaction().execute(async (tx) => {
      for (const { row, records, fresh } of many) {
        await tx.insertInto('conversations').values(row).execute();
        await tx.insertInto('data_keys').values(fresh.row).execute();
        await insertRecords(tx, { id: row.id, key: fresh.key }, records);
      }
    });
    for (const { row, records } of many.filter((one) => one.row.updated_at === OLD)) {
      sums.records += row.records;
      for (const { usage } of records) {
        sums.input_tokens += usage?.input_tokens ?? 0;
        sums.output_tokens += usage?.output_tokens ?? 0;
      }
    }
  }
  return sums;
}

async function made(keys: DataKeys, n: number) {
  const id = randomUUID();
  const created_at = n % 2 === 0 ? OLD : NEW;
  const owner = `key:${n % 100}`;
  const participants = MODELS.slice(0, 2).map((model, i) => ({ id: `m${i}`, model, prompt: null }));
  const fresh = await keys.make(id);
  const summary = { id, created_at, mode: 'debate' as const, participants };
  const header = headerOf({ version: 3, summary, owner });
  const records: LogRecord[] = [];
  for (let seq = 0; seq < PER_CONVERSATION; seq++) {
    const model = seq === 0 ? undefined : MODELS[seq % 2];
    records.push(
      chainRecord(header, records.at(-1), {
        role: seq === 0 ? 'user' : `m${seq % 2}`,
        step: `s${seq}`,
        kind: seq === 0 ? 'question' : 'turn',
        parents: seq === 0 ? [] : [`s${seq - 1}`],
        participant: seq === 0 ? undefined : `m${seq % 2}`,
        content: `What was said in step ${seq} of conversation ${n}, in a sentence of some length. `.repeat(
          3,
        ),
        at: created_at,
        message_id: randomUUID(),
        trace_id: '0'.repeat(32),
        pii_tags: [],
        model,
        usage: model === undefined ? undefined : { input_tokens: (n + seq) % 900, output_tokens: seq % 300 },
        salt: randomBytes(16).toString('base64url'),
        key_id: fresh.key.id,
      } as never),
    );
  }
  const row = {
    id,
    owner,
    mode: 'debate',
    version: 3,
    participants: JSON.stringify(participants),
    models: JSON.stringify(participants.map(({ model }) => model)),
    title: '',
    status: 'completed',
    exchanges: 25,
    settings: JSON.stringify({ max_tokens_per_turn: 512 }),
    trace_id: '0'.repeat(32),
    created_at,
    updated_at: created_at,
    lease_token: '',
    lease_until: '',
    unsealed: 0,
    turns: PER_CONVERSATION - 1,
    records: PER_CONVERSATION,
    head: records.at(-1)?.hash ?? '',
    mac: signatureOf(header, records.at(-1), SECRET),
    anchored: 1,
    logged: PER_CONVERSATION,
    key_id: fresh.key.id,
    erased_at: '',
    erased_by: '',
  };
  return { row, records, fresh };
}

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

const dir = mkdtempSync(join(tmpdir(), 'mcp-retention-'));
const open = await openDatabase({ file: join(dir, 'core.db'), url: undefined, connections: 1 });
const kms = new LocalKms(randomBytes(32).toString('hex'));
const keys = new DataKeys({ db: open.db, kms, local: kms, wait_ms: 0, cache_ms: 60_000, metrics, log });
const store = new ConversationStore(open, keys);
const holds = new LegalHolds(open);
const eraser = new Eraser({
  open,
  keys,
  holds,
  metrics,
  runs: { cancel: () => true },
  events: { publishCancel: nothing, erase: () => Promise.resolve() },
  sweeper: { sweep: () => Promise.resolve() },
} as never);
const retention = new RetentionStore(open);
const policy = Retention.parse({ conversation_days: 30 });
const pruner = new Pruner({ policy, store, retention, eraser, kit: { metrics, log } });

const filled_at = performance.now();
const expected = await fill(open, keys);
const fill_s = (performance.now() - filled_at) / 1000;
console.log(`${CONVERSATIONS} conversations stored in ${fill_s.toFixed(0)} s`);

const began = performance.now();
const samples = [memory()];
let batches = 0;
for (let complete = false; !complete; batches++) {
  ({ complete } = await pruner.next(call));
  if (batches % 10 === 0) samples.push(memory());
}
const pass_s = (performance.now() - began) / 1000;
samples.push(memory());
const statistics = await retention.statistics(undefined);
const exported: Sums = { records: 0, input_tokens: 0, output_tokens: 0 };
for (const one of statistics)
  for (const name of ['records', 'input_tokens', 'output_tokens'] as const) exported[name] += one[name];
const result = {
  machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
  records: CONVERSATIONS * PER_CONVERSATION,
  conversations: CONVERSATIONS,
  fill_s: Math.round(fill_s),
  pass_s: Math.round(pass_s),
  batches,
  erased_records_per_s: Math.round(exported.records / pass_s),
  memory: samples,
  expected,
  exported,
  sums_match: JSON.stringify(expected) === JSON.stringify(exported),
  passes: await retention.passes(),
  verdicts: await verified(open, store),
};
await open.close();
rmSync(dir, { recursive: true, force: true });
const text = `${JSON.stringify(result, null, 2)}\n`;
console.log(text);
if (values.out !== undefined) writeFileSync(values.out, text);
