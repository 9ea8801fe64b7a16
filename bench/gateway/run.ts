import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bootstrapMedian, median, quantile, shuffled } from '../stats.ts';
import type { Cell, Result, Row } from './figures.ts';
import { Load, type Sample } from './load.ts';
import { writePage } from './report.ts';
import { startTargets, type Target, usage } from './targets.ts';

/**
 * What the gateway adds to `/v1/chat/completions`, against a bare proxy and Portkey: concurrency 1, 16 and 64, JSON and
 * streams of 64 frames at 20 ms. Each round asks every target once in fresh random order; a figure is the median over
 * rounds with a 95 % bootstrap interval. Writes `result.json` and the table of docs/performance.md.
 * Run it pinned, on a quiet machine: `taskset -c 1 node bench/gateway/run.ts` (about 30 minutes).
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    'stream-rounds': { type: 'string', default: '20' },
    /** Writes to another folder than this one and leaves the page as it is: for a try. */
    out: { type: 'string' },
  },
});
const PACE_MS = 20;
const CONCURRENCY = [1, 16, 64] as const;
/** Requests of one target in one round, by concurrency. */
const JSON_REQUESTS = { 1: 100, 16: 320, 64: 640 } as const;
const WARM_UP = 400;

interface Plan {
  readonly mode: Cell['mode'];
  readonly concurrency: (typeof CONCURRENCY)[number];
  readonly rounds: number;
  readonly requests: number;
}

interface Round {
  readonly samples: readonly Sample[];
  readonly elapsed_s: number;
  readonly cpu_s: number;
}

async function measure(targets: readonly Target[], plan: Plan): Promise<Cell> {
  const { mode, concurrency, requests } = plan;
  const loads = new Map(
    targets.map((target) => [target.name, new Load(target, { stream: mode === 'stream', concurrency })]),
  );
  const rounds = new Map<string, Round[]>(targets.map(({ name }) => [name, []]));
  for (const load of loads.values()) await load.burst(mode === 'stream' ? concurrency : WARM_UP, concurrency);
  for (let round = 0; round < plan.rounds; round++) {
    for (const { name, pids } of shuffled(targets)) {
      const before = usage(pids).cpu_s;
      const started = performance.now();
      const samples = (await loads.get(name)?.burst(requests, concurrency)) ?? [];
      const elapsed_s = (performance.now() - started) / 1000;
      rounds.get(name)?.push({ samples, elapsed_s, cpu_s: usage(pids).cpu_s - before });
    }
    if ((round + 1) % 10 === 0)
      process.stderr.write(`${mode}, ${concurrency} at once: round ${round + 1} of ${plan.rounds}\n`);
  }
  await Promise.all([...loads.values()].map((load) => load.close()));
  return cellOf(targets, rounds, plan);
}

function cellOf(targets: readonly Target[], rounds: ReadonlyMap<string, readonly Round[]>, plan: Plan): Cell {
  const direct = quantilesOf(rounds.get('direct') ?? [], 0.5);
  const half = Math.floor(direct.length / 2);
  const direct_drift = median(direct.slice(half)) / median(direct.slice(0, half));
  return {
    mode: plan.mode,
    concurrency: plan.concurrency,
    rounds: plan.rounds,
    requests_per_round: plan.requests,
    direct_p50_ms: median(direct),
    direct_drift,
    void: faultsOf(rounds, direct_drift, plan),
    rows: targets.filter(({ name }) => name !== 'direct').map((target) => rowOf(target, rounds, plan)),
  };
}

function quantilesOf(rounds: readonly Round[], q: number): number[] {
  return rounds.map(({ samples }) =>
    quantile(
      samples.map(({ took_ms }) => took_ms),
      q,
    ),
  );
}

/** What a target adds to asking the mock directly, round by round. */
function added(rounds: ReadonlyMap<string, readonly Round[]>, name: string, q: number): number[] {
  const direct = quantilesOf(rounds.get('direct') ?? [], q);
  return quantilesOf(rounds.get(name) ?? [], q).map((value, i) => value - (direct[i] ?? Number.NaN));
}

function ratio(mine: readonly number[], theirs: readonly number[]) {
  return bootstrapMedian(mine.map((value, i) => value / (theirs[i] ?? Number.NaN)));
}

function rowOf(target: Target, rounds: ReadonlyMap<string, readonly Round[]>, plan: Plan): Row {
  const own = rounds.get(target.name) ?? [];
  const p50 = added(rounds, target.name, 0.5);
  const samples = own.flatMap((round) => round.samples);
  const sum = (of: (round: Round) => number) => own.reduce((total, round) => total + of(round), 0);
  const asked = plan.rounds * plan.requests;
  return {
    target: target.name,
    added_p50_ms: bootstrapMedian(p50),
    added_p99_ms: bootstrapMedian(added(rounds, target.name, 0.99)),
    vs_portkey: rounds.has('Portkey') ? ratio(p50, added(rounds, 'Portkey', 0.5)) : null,
    vs_floor: ratio(p50, added(rounds, 'floor', 0.5)),
    cpu_ms_per_request: (sum(({ cpu_s }) => cpu_s) * 1000) / asked,
    rss_mib: usage(target.pids).rss_bytes / 1024 / 1024,
    requests_per_s: asked / sum(({ elapsed_s }) => elapsed_s),
    lost_frames: samples.reduce((total, { lost }) => total + lost, 0),
    longest_stall_ms: Math.max(...samples.map(({ stall_ms }) => stall_ms)),
  };
}

/** Why the figures must not be believed: the machine was not quiet, or the mock was the limit. */
function faultsOf(rounds: ReadonlyMap<string, readonly Round[]>, drift: number, plan: Plan): string[] {
  const agree = ratio(added(rounds, 'ours', 0.5), added(rounds, 'ours again', 0.5));
  const took = (name: string) => median((rounds.get(name) ?? []).map(({ elapsed_s }) => elapsed_s));
  const faults: string[] = [];
  if (drift > 1.5 || drift < 1 / 1.5) faults.push(`direct drifted by ${drift.toFixed(2)}`);
  if (agree.low > 1 || agree.high < 1)
    faults.push(`two runs of ours differ: ${agree.low.toFixed(2)} to ${agree.high.toFixed(2)}`);
  if (plan.mode === 'json' && took('ours') < took('direct') / 0.9)
    faults.push('ours is within 10 % of what the mock alone can serve');
  return faults;
}

async function main(): Promise<void> {
  const cells: Cell[] = [];
  for (const mode of ['json', 'stream'] as const) {
    const targets = await startTargets(mode === 'stream' ? PACE_MS : 0);
    try {
      for (const concurrency of CONCURRENCY)
        cells.push(
          await measure(targets.all, {
            mode,
            concurrency,
            rounds: Number(mode === 'stream' ? options['stream-rounds'] : options.rounds),
            requests: mode === 'stream' ? concurrency : JSON_REQUESTS[concurrency],
          }),
        );
    } finally {
      await targets.stop();
    }
  }
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: import.meta.dirname })
      .toString()
      .trim();
  const result: Result = {
    commit: git('rev-parse', '--short', 'HEAD'),
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    cells,
  };
  writeFileSync(
    join(options.out ?? import.meta.dirname, 'result.json'),
    `${JSON.stringify(result, null, 2)}\n`,
  );
  process.stdout.write(options.out === undefined ? writePage() : '');
}

await main();
