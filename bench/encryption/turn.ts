import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { CallContext, CoreApi, ServiceName } from '@mcp/contracts';
import { createKit } from '@mcp/service-kit';
import { startNats, testIdentities } from '@mcp/testkit';
import { openLocalLog } from '../../apps/core/test/local-log.ts';
import { ScriptedModels } from '../../apps/core/test/scripted-models.ts';
import { bootstrapMedian, median } from '../stats.ts';

/**
 * What encryption at rest costs a conversation from its question to its end: in one core, on one store, conversations as
 * they are shipped and conversations whose texts and data keys are left as they are, in pairs, in an order by chance. The
 * models answer at once: with models that think, the same time is a smaller part.
 * `node bench/encryption/turn.ts [--pairs 200]`
 */
const { values } = parseArgs({ options: { pairs: { type: 'string', default: '200' } } });
const PAIRS = Number(values.pairs);
const WARM = 10;
/** Models that speak, and what each says: some 1,800 characters, in a hundred pieces. */
const EXCHANGES = 2;
const PIECES = Array.from({ length: 100 }, (_, n) => `sentence ${n} of it. `);

// The core gets what `envelope.ts` beside this has in the place of what ships.
const SWITCHED = new URL('envelope.ts', import.meta.url).href;
registerHooks({
  resolve(specifier, context, next) {
    const ofIndex = context.parentURL?.endsWith('/packages/kms/src/index.ts') === true;
    return ofIndex && ['./envelope.ts', './local.ts'].includes(specifier)
      ? { url: SWITCHED, shortCircuit: true }
      : next(specifier, context);
  },
});
const { encryption } = await import('./envelope.ts');
const { definition } = await import('../../apps/core/src/definition.ts');

interface Cost {
  readonly wall_ms: number;
  readonly cpu_ms: number;
}

async function timed(api: CoreApi, on: boolean): Promise<Cost> {
  encryption.on = on;
  const call: CallContext = {
    request_id: randomUUID(),
    traceparent: undefined,
    deadline_ms: Date.now() + 60_000,
    principal: { id: 'key:bench', kind: 'key', name: 'bench', scopes: ['chat'] },
    class: 'interactive',
    signal: new AbortController().signal,
  };
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  for await (const event of api.chat({ message: 'What is a queue? '.repeat(20), exchanges: EXCHANGES }, call))
    if (event.type === 'error') throw new Error(JSON.stringify(event));
  const { user, system } = process.cpuUsage(cpu);
  return { wall_ms: performance.now() - began, cpu_ms: (user + system) / 1000 };
}

function compared(pairs: readonly { readonly on: Cost; readonly off: Cost }[], of: keyof Cost) {
  const { median: value, low, high } = bootstrapMedian(pairs.map(({ on, off }) => on[of] / off[of]));
  const rounded = (figure: number) => Number(figure.toFixed(3));
  const middle = (which: 'on' | 'off') => rounded(median(pairs.map((pair) => pair[which][of])));
  return {
    encrypted: middle('on'),
    clear: middle('off'),
    ratio: { median: rounded(value), low: rounded(low), high: rounded(high) },
  };
}

const dir = mkdtempSync(join(tmpdir(), 'mcp-bench-encryption-'));
const nats = await startNats();
const log = await openLocalLog(join(dir, 'log'));
const models = new ScriptedModels();
models.script = () => ({ pieces: PIECES });
const kit = await createKit({
  manifest: definition.manifest,
  env: {
    MCP_DATA: dir,
    ...testIdentities(),
    MCP_LOG_LEVEL: 'silent',
    MCP_NATS_URL: nats.url,
    PROV_SECRET: 'a secret of this benchmark, and of nothing else',
    MCP_KMS_KEY: 'a key of this benchmark and of nothing else',
  },
  local: new Map<ServiceName, object>([
    ['model-gateway', models],
    ['transparency-log', log.api],
  ]),
  draining: () => false,
});
const core = await definition.create(kit);
const pairs: { on: Cost; off: Cost }[] = [];
for (let n = -WARM; n < PAIRS; n++) {
  const first = Math.random() < 0.5;
  const [one, other] = [await timed(core.api, first), await timed(core.api, !first)];
  if (n >= 0) pairs.push(first ? { on: one, off: other } : { on: other, off: one });
}
await core.close();
const logs = join(dir, 'logs', 'conversations');
const clear = readdirSync(logs).filter((name) =>
  readFileSync(join(logs, name), 'utf8').includes('What is a queue?'),
);
if (clear.length !== PAIRS + WARM) throw new Error(`${clear.length} logs are in the clear`);
await kit.close();
await log.close();
await nats.close();
rmSync(dir, { recursive: true, force: true });
const result = {
  ...{ pairs: PAIRS, exchanges: EXCHANGES, cpus: cpus().length, node: process.version },
  wall_ms: compared(pairs, 'wall_ms'),
  cpu_ms: compared(pairs, 'cpu_ms'),
};
writeFileSync(new URL('turn.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
