import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { CallContext, ModelGatewayApi } from '@mcp/contracts';
import { createBackends } from '@mcp/model-backends';
import { createModelGateway } from '@mcp/model-serving';
import { startServices } from '@mcp/service-kit';
import { startNats, testIdentities } from '@mcp/testkit';
import { WebSocket } from 'ws';
import { definition } from '../../apps/gateway/src/definition.ts';
import { quantile } from '../stats.ts';
import { Moments, type Open, PHASES, type Phase, RETRY_MODELS, startServers } from './servers.ts';

/**
 * How soon the work for a client that leaves ends, in six phases and three transports, and what 10,000 such clients
 * leave behind. Gateway and core in one process, the model servers in another,
 * real HTTP between them.
 * `node bench/cancel/run.ts [--samples 100] [--cancels 10000] [--out bench/cancel/result.json]`
 */
const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '100' },
    cancels: { type: 'string', default: '10000' },
    out: { type: 'string' },
  },
});
const TRANSPORTS = ['json', 'sse', 'websocket'] as const;
type Transport = (typeof TRANSPORTS)[number];
/** Of a hundred cancels of the long run; a conversation is written to a store, which takes its time. */
const SHARES = { json: 45, sse: 45, websocket: 10 } as const satisfies Record<Transport, number>;
const AT_ONCE = 16;
/** Connections that were being opened are given up after 5 s, idle ones closed after 30 s. */
const SETTLE_MS = 35_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const upstream = await startServers();
const nats = await startNats();
const dir = mkdtempSync(join(tmpdir(), 'mcp-cancel-'));
const admin = `mcp_${randomBytes(32).toString('base64url')}`;

/** When the work of a request began in the model-gateway, and when all of it had ended. */
const begun = new Moments();
const done = new Moments();
const span = { traceparent: undefined, set() {}, event() {}, end() {} };
const backends = await createBackends(['openai'], { OPENAI_TARGETS: upstream.targets } as never);
const models: ModelGatewayApi = createModelGateway({
  kit: {
    metrics: { inc() {}, set() {}, observe() {} },
    tracer: { start: () => span },
    log: { warn() {}, info() {}, debug() {}, error() {} },
  } as never,
  backends,
  settings: {
    MCP_QUEUE_MAX_WAITING: 10_000,
    MCP_QUEUE_WEIGHTS: {},
    MCP_QUEUE_BATCH: { min_share: 0.05, reserve: 0.1 },
    MODEL_POOLS: {},
    MCP_CPU_WATTS_PER_CORE: 3.5,
    MODEL_CONCURRENCY: { queued: 1 },
    MODEL_FALLBACKS: {},
    MODEL_ALIASES: {},
    MCP_RESIDENCY: undefined,
    MODEL_RESIDENCY: { callers: {} },
  },
});
const watched: ModelGatewayApi = {
  ...models,
  async *generate(request, call) {
    const id = Number(/#(\d+)#/.exec(JSON.stringify(request.messages))?.[1] ?? -1);
    begun.set(id);
    try {
      yield* models.generate(request, call);
    } finally {
      done.set(id);
    }
  },
};

const services = await startServices(
  definition,
  {
    MCP_DATA: dir,
    ...testIdentities(),
    PROV_SECRET: randomBytes(32).toString('hex'),
    MCP_KMS_KEY: randomBytes(32).toString('hex'),
    MCP_NATS_URL: nats.url,
    MCP_LOG_LEVEL: 'silent',
    MCP_GATEWAY_PORT: '0',
    MCP_CORE_PORT: '0',
    MCP_IN_PROCESS: 'core',
    MCP_TASK_ENGINE_URL: 'http://127.0.0.1:1',
    MCP_GOVERNANCE_URL: 'http://127.0.0.1:1',
    MCP_RATE_REQUESTS_PER_MINUTE: '10000000',
    MCP_MAX_PARALLEL_REQUESTS: '10000',
    MCP_ADMIN_KEY_HASH: createHash('sha256').update(admin).digest('hex'),
  },
  { local: new Map([['model-gateway', watched]]) as never },
);
const port = services.ports.get('gateway') ?? 0;
const agent = new Agent({ keepAlive: false });

/** A client that can leave. */
interface Client {
  leave(): void;
}

function overHttp(model: string, text: string, stream: boolean): Client {
  const request = httpRequest({
    agent,
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
  });
  request.on('error', () => {});
  request.on('response', (response) => response.on('error', () => {}).resume());
  request.end(JSON.stringify({ model, stream, messages: [{ role: 'user', content: text }] }));
  return { leave: () => void request.destroy() };
}

function overWebSocket(model: string, text: string): Client {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, {
    headers: { authorization: `Bearer ${admin}` },
  });
  socket.on('error', () => {});
  socket.on('open', () =>
    socket.send(
      JSON.stringify({ type: 'start', request: { participants: [{ model }], exchanges: 1, message: text } }),
    ),
  );
  return { leave: () => socket.terminate() };
}

let next_id = 0;

/** One client that leaves in a phase. Returns how long its work went on, and its connection to the model's server. */
async function cancelled(
  phase: Phase,
  transport: Transport,
): Promise<{ work_ms: number; socket_ms: number | undefined }> {
  const id = next_id++;
  const model = phase === 'retry' ? `retry-${id % RETRY_MODELS}` : phase;
  const text = `Say something. #${id}#`;
  const client =
    transport === 'websocket' ? overWebSocket(model, text) : overHttp(model, text, transport === 'sse');
  const served = phase === 'headers' || phase === 'first' || phase === 'middle';
  await begun.get(id);
  if (served) await upstream.reached(id);
  await sleep(phase === 'retry' ? 25 : 10);
  const left_ms = performance.timeOrigin + performance.now();
  client.leave();
  const [work, socket] = await Promise.all([done.get(id), served ? upstream.closed(id) : undefined]);
  return { work_ms: work - left_ms, socket_ms: socket === undefined ? undefined : socket - left_ms };
}

interface Left {
  readonly heap_mib: number;
  readonly upstream_sockets: Open;
  readonly resources: Readonly<Record<string, number>>;
  readonly queue_places: number;
}

/** What there is when nothing is asked for. */
async function left(): Promise<Left> {
  await sleep(SETTLE_MS);
  for (const one of [begun, done]) one.forget();
  for (let time = 0; time < 4; time++) {
    collectGarbage();
    await sleep(100);
  }
  const resources: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) resources[name] = (resources[name] ?? 0) + 1;
  const queues = await models.queues({} as never);
  return {
    heap_mib: Number((process.memoryUsage().heapUsed / 1024 / 1024).toFixed(1)),
    upstream_sockets: await upstream.open(),
    resources,
    queue_places: queues.reduce(
      (sum, one) => sum + one.running + one.waiting_interactive + one.waiting_batch,
      0,
    ),
  };
}

async function many(count: number): Promise<void> {
  let begun_count = 0;
  const worker = async () => {
    while (begun_count < count) {
      const at = begun_count++;
      const share = (at * 37) % 100;
      const transport = share < SHARES.json ? 'json' : share < SHARES.json + SHARES.sse ? 'sse' : 'websocket';
      await cancelled(PHASES[at % PHASES.length] ?? 'middle', transport);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

// It holds the only place of its model for as long as all of this takes.
const occupant = new AbortController();
const held = (async () => {
  const call = {
    request_id: 'occupant',
    traceparent: undefined,
    deadline_ms: Date.now() + 3_600_000,
    principal: { id: 'occupant', kind: 'key', name: 'occupant', scopes: [] },
    class: 'interactive',
    signal: occupant.signal,
  } satisfies CallContext;
  const request = {
    model: 'queued',
    messages: [{ role: 'user' as const, content: '#999999999#' }],
    stream: true,
  };
  for await (const _ of models.generate(request, call));
})().catch(() => {});
await upstream.reached(999_999_999);

const cells: object[] = [];
await many(300);
// How late a process of its own comes to its turn here, which every figure holds.
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
for (const phase of PHASES)
  for (const transport of TRANSPORTS) {
    const work: number[] = [];
    const sockets: number[] = [];
    for (let sample = 0; sample < Number(values.samples); sample++) {
      const { work_ms, socket_ms } = await cancelled(phase, transport);
      work.push(work_ms);
      if (socket_ms !== undefined) sockets.push(socket_ms);
    }
    const figures = (all: readonly number[]) => ({
      p50_ms: Number(quantile(all, 0.5).toFixed(2)),
      p99_ms: Number(quantile(all, 0.99).toFixed(2)),
      max_ms: Number(Math.max(...all).toFixed(2)),
    });
    const cell = {
      phase,
      transport,
      work: figures(work),
      ...(sockets.length === 0 ? {} : { socket: figures(sockets) }),
    };
    cells.push(cell);
    console.log(JSON.stringify(cell));
  }
delay.disable();
const before = await left();
const started_ms = performance.now();
await many(Number(values.cancels));
const took_s = Number(((performance.now() - started_ms) / 1000).toFixed(1));
const after = await left();
const result = {
  at: new Date().toISOString(),
  node: process.version,
  cpus: cpus().length,
  load_average: loadavg().map((one) => Number(one.toFixed(1))),
  event_loop_delay: {
    p50_ms: Number((delay.percentile(50) / 1e6).toFixed(2)),
    p99_ms: Number((delay.percentile(99) / 1e6).toFixed(2)),
  },
  samples: Number(values.samples),
  cells,
  cancels: { count: Number(values.cancels), took_s, before, after },
};
console.log(JSON.stringify(result.cancels, undefined, 2));
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(result, undefined, 2)}\n`);
occupant.abort();
await held;
await services.stop('end of benchmark');
await Promise.all(backends.map((backend) => backend.close()));
await upstream.close();
await nats.close();
rmSync(dir, { recursive: true, force: true });
