import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { median, quantile } from '../stats.ts';
import { fifo, platform, roundRobin } from './schedulers.ts';
import { type Clock, type Fate, type Server, serviceMs, simulate } from './simulate.ts';
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

interface Row {
  readonly scheduler: string;
  readonly load: number;
  readonly places: number;
  /** Share of the places' time that was worked, until the last arrival. */
  readonly utilisation: number;
  readonly interactive_wait_p50_ms: number;
  readonly interactive_wait_p95_ms: number;
  readonly batch_wait_p95_ms: number;
  /** 95th percentile of the interactive waits of the callers but the busiest one. */
  readonly others_wait_p95_ms: number;
  readonly refused: number;
  /** Of those who came again when they were told to, how many found room; null where none was refused. */
  readonly room_after_retry: number | null;
  readonly told_p50_ms: number | null;
}

const trace = readTrace(options.trace);
const schedulers = { platform, 'first come, first served': fifo, 'round robin': roundRobin };
const rows: Row[] = [];
for (const load of LOADS) {
  const bounds = load > 1 ? BOUNDED : { max_waiting: NO_BOUND };
  for (const [name, make] of Object.entries(schedulers)) {
    const clock: Clock = { now_ms: 0 };
    const server: Server = { places: placesFor(trace, load), ...RATES };
    const fates = await simulate(trace, make({ server, clock, ...bounds }), { clock, server });
    rows.push(rowOf(fates, { name, load, server }));
    process.stderr.write(`load ${load}, ${name}: done\n`);
  }
}
const result = {
  at: new Date().toISOString(),
  node: process.version,
  requests: trace.length,
  target_ms: TARGET_MS,
  rates: RATES,
  overload: BOUNDED,
  rows,
};
writeFileSync(join(options.out, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
console.table(rows);

/** So many places that the trace is this share of what they can do. */
function placesFor(arrivals: readonly Arrival[], load: number): number {
  const work_ms = arrivals.reduce((sum, one) => sum + serviceMs(one, { places: 1, ...RATES }), 0);
  return Math.max(1, Math.round(work_ms / (arrivals.at(-1)?.at_ms ?? 1) / load));
}

function rowOf(
  fates: readonly Fate[],
  { name, load, server }: { readonly name: string; readonly load: number; readonly server: Server },
): Row {
  const end_ms = fates.at(-1)?.arrival.at_ms ?? 0;
  const worked_ms = fates.reduce(
    (sum, { start_ms, end_ms: done_ms }) =>
      start_ms === undefined || done_ms === undefined || start_ms >= end_ms
        ? sum
        : sum + Math.min(done_ms, end_ms) - start_ms,
    0,
  );
  const waits = (wanted: (arrival: Arrival) => boolean) =>
    fates.flatMap(({ arrival, start_ms }) =>
      start_ms !== undefined && wanted(arrival) ? [start_ms - arrival.at_ms] : [],
    );
  const interactive = waits((one) => one.class === 'interactive');
  const refused = fates.flatMap((fate) => fate.refused ?? []);
  return {
    scheduler: name,
    load,
    places: server.places,
    utilisation: round(worked_ms / (server.places * end_ms), 3),
    interactive_wait_p50_ms: round(median(interactive)),
    interactive_wait_p95_ms: round(quantile(interactive, 0.95)),
    batch_wait_p95_ms: round(
      quantile(
        waits((one) => one.class === 'batch'),
        0.95,
      ),
    ),
    others_wait_p95_ms: round(
      quantile(
        waits((one) => one.class === 'interactive' && one.who !== 'caller-0'),
        0.95,
      ),
    ),
    refused: refused.length,
    room_after_retry:
      refused.length === 0 ? null : round(refused.filter(({ room }) => room).length / refused.length, 3),
    told_p50_ms:
      refused.length === 0 ? null : round(median(refused.map(({ retry_after_ms }) => retry_after_ms))),
  };
}

function round(value: number, digits = 0): number {
  return Number(value.toFixed(digits));
}
