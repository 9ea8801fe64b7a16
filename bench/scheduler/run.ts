import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BatchTerms, type ModelPools } from '@mcp/contracts';
import { median, quantile } from '../stats.ts';
import { fifo, type Options, platform, roundRobin } from './schedulers.ts';
import { type Clock, type Fate, type Scheduler, type Server, serviceMs, simulate } from './simulate.ts';
import { type Arrival, readTrace } from './trace.ts';

/**
 * The queue of the model-gateway against first-come-first-served and round robin, over a public trace in virtual time.
 * `node bench/scheduler/run.ts --trace <folder of the Azure LLM inference trace 2023> [--out <folder>]`
 */
const { values: options } = parseArgs({
  options: { trace: { type: 'string' }, out: { type: 'string', default: import.meta.dirname } },
});
if (options.trace === undefined)
  throw new Error(
    'give the folder with AzureLLMInferenceTrace_conv.csv and _code.csv (Azure Public Dataset, CC-BY-4.0): --trace <folder>',
  );

/** Rates of one place of a server that batches continuously, as of a model of 7 to 8 billion weights on one GPU. */
const RATES = { input_tokens_per_s: 8000, output_tokens_per_s: 40 };
/** Interactive requests are to begin within this, at the 95th percentile. */
const TARGET_MS = 1000;
const LOADS = [0.7, 0.85, 0.95, 1.2] as const;
const NO_BOUND = 1_000_000;
/** What the overloaded run allows: the bound of the stacks, and a minute for each request. */
const BOUNDED = { max_waiting: 64, time_left_ms: 60_000 };

/**
 * The same work where a model is served by two kinds of machines: graphics cards, and slower ones with a short context
 * at half their pace. They do as much together as the places of the load of 85 %.
 */
const MIXED: readonly Server[] = [
  { name: 'gpu', places: 30, max_tokens: 16_384, ...RATES },
  { name: 'cpu', places: 16, max_tokens: 2048, input_tokens_per_s: 4000, output_tokens_per_s: 20 },
];
const POOLS: ModelPools = {
  m: [
    { name: 'long', servers: ['gpu'] },
    { name: 'short', servers: ['cpu'], max_tokens: 2048 },
  ],
};

interface Row {
  readonly scheduler: string;
  readonly load: number;
  readonly places: number;
  /** Share of the places' time that was worked, until the last arrival. */
  readonly utilisation: number;
  readonly interactive_wait_p50_ms: number;
  readonly interactive_wait_p95_ms: number;
  readonly batch_wait_p50_ms: number;
  readonly batch_wait_p95_ms: number;
  /** 95th percentile of the interactive waits of the callers but the busiest one. */
  readonly others_wait_p95_ms: number;
  /** From the arrival to the last token. */
  readonly interactive_done_p95_ms: number;
  /** Requests that went where their tokens do not fit. */
  readonly misplaced: number;
  readonly refused: number;
  /** Of those who came again when they were told to, how many found room; null where none was refused. */
  readonly room_after_retry: number | null;
  readonly told_p50_ms: number | null;
}

type Schedulers = Readonly<Record<string, (options: Options) => Scheduler>>;

const trace = readTrace(options.trace);
const schedulers: Schedulers = {
  platform: (one) => platform(one),
  'first come, first served': fifo,
  'round robin': roundRobin,
};
const rows: Row[] = [];
for (const load of LOADS) {
  const servers = [{ name: 'all', places: placesFor(trace, load), max_tokens: NO_BOUND, ...RATES }];
  const bounds = load > 1 ? BOUNDED : { max_waiting: NO_BOUND };
  rows.push(...(await compared(schedulers, { load, servers, bounds })));
}
const pooled: Schedulers = { 'platform, pools': (one) => platform(one, POOLS), ...schedulers };
const mixed = await compared(pooled, { load: 0.85, servers: MIXED, bounds: { max_waiting: NO_BOUND } });
const result = {
  at: new Date().toISOString(),
  node: process.version,
  requests: trace.length,
  target_ms: TARGET_MS,
  rates: RATES,
  batch: BatchTerms.parse({}),
  overload: BOUNDED,
  rows,
  mixed: { servers: MIXED, rows: mixed },
};
writeFileSync(join(options.out, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
console.table(rows);
console.table(mixed);

interface Scene {
  readonly load: number;
  readonly servers: readonly Server[];
  readonly bounds: Pick<Options, 'max_waiting' | 'time_left_ms'>;
}

async function compared(by: Schedulers, { load, servers, bounds }: Scene): Promise<Row[]> {
  const made: Row[] = [];
  for (const [name, make] of Object.entries(by)) {
    const clock: Clock = { now_ms: 0 };
    const fates = await simulate(trace, make({ servers, clock, ...bounds }), clock);
    made.push(rowOf(fates, { name, load, servers }));
    process.stderr.write(`load ${load}, ${name}: done\n`);
  }
  return made;
}

/** So many places that the trace is this share of what they can do. */
function placesFor(arrivals: readonly Arrival[], load: number): number {
  const work_ms = arrivals.reduce((sum, one) => sum + serviceMs(one, RATES), 0);
  return Math.max(1, Math.round(work_ms / (arrivals.at(-1)?.at_ms ?? 1) / load));
}

function rowOf(
  fates: readonly Fate[],
  {
    name,
    load,
    servers,
  }: { readonly name: string; readonly load: number; readonly servers: readonly Server[] },
): Row {
  const places = servers.reduce((sum, one) => sum + one.places, 0);
  const waits = (wanted: (arrival: Arrival) => boolean, until: 'start_ms' | 'end_ms' = 'start_ms') =>
    fates.flatMap((fate) => {
      const at_ms = fate[until];
      return at_ms !== undefined && wanted(fate.arrival) ? [at_ms - fate.arrival.at_ms] : [];
    });
  const isInteractive = (one: Arrival) => one.class === 'interactive';
  const interactive = waits(isInteractive);
  const batch = waits((one) => one.class === 'batch');
  const others = waits((one) => isInteractive(one) && one.who !== 'caller-0');
  const refused = fates.flatMap((fate) => fate.refused ?? []);
  const misplaced = fates.filter(
    ({ arrival, server }) =>
      server !== undefined && arrival.input_tokens + arrival.output_tokens > server.max_tokens,
  );
  return {
    scheduler: name,
    load,
    places,
    utilisation: round(utilisationOf(fates, places), 3),
    interactive_wait_p50_ms: round(median(interactive)),
    interactive_wait_p95_ms: round(quantile(interactive, 0.95)),
    batch_wait_p50_ms: round(median(batch)),
    batch_wait_p95_ms: round(quantile(batch, 0.95)),
    others_wait_p95_ms: round(quantile(others, 0.95)),
    interactive_done_p95_ms: round(quantile(waits(isInteractive, 'end_ms'), 0.95)),
    misplaced: misplaced.length,
    refused: refused.length,
    room_after_retry:
      refused.length === 0 ? null : round(refused.filter(({ room }) => room).length / refused.length, 3),
    told_p50_ms:
      refused.length === 0 ? null : round(median(refused.map(({ retry_after_ms }) => retry_after_ms))),
  };
}

function utilisationOf(fates: readonly Fate[], places: number): number {
  const end_ms = fates.at(-1)?.arrival.at_ms ?? 0;
  const worked_ms = fates.reduce(
    (sum, { start_ms, end_ms: done_ms }) =>
      start_ms === undefined || done_ms === undefined || start_ms >= end_ms
        ? sum
        : sum + Math.min(done_ms, end_ms) - start_ms,
    0,
  );
  return worked_ms / (places * end_ms);
}

function round(value: number, digits = 0): number {
  return Number(value.toFixed(digits));
}
