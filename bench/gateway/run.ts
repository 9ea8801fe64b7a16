import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'undici';
import { bootstrapMedian, type Interval, median, shuffled } from '../stats.ts';
import { startTargets, type Target, usage } from './targets.ts';

/**
 * Added latency of `/v1/chat/completions` against a bare proxy and Portkey.
 * Each round asks every target once in fresh random order; a figure is the median over rounds of
 * (target − direct) / (portkey − direct), with a 95 % bootstrap interval.
 * Run it pinned: `taskset -c 1 node bench/gateway/run.ts --rounds 100`.
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    requests: { type: 'string', default: '40' },
    warmup: { type: 'string', default: '400' },
  },
});
const rounds = Number(options.rounds);
const requests = Number(options.requests);

const body = (stream: boolean) =>
  JSON.stringify({
    model: 'mock',
    messages: [{ role: 'user', content: 'Say that all is well.' }],
    ...(stream ? { stream: true } : {}),
  });

async function ask(client: Client, target: Target, payload: string): Promise<number> {
  const started = performance.now();
  const response = await client.request({
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { 'content-type': 'application/json', ...target.headers },
    body: payload,
  });
  const text = await response.body.text();
  if (response.statusCode !== 200)
    throw new Error(`${target.name} answered ${response.statusCode}: ${text.slice(0, 300)}`);
  return performance.now() - started;
}

/** The median time of `count` requests in a row, in ms. */
async function burst(
  { client, target, payload }: { client: Client; target: Target; payload: string },
  count: number,
): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) times.push(await ask(client, target, payload));
  return median(times);
}

interface Row {
  readonly target: string;
  readonly added_ms: Interval;
  readonly vs_portkey: Interval | null;
  readonly vs_floor: Interval;
  readonly cpu_ms_per_request: number | null;
  readonly rss_mib: number | null;
}

async function measure(
  mode: 'json' | 'stream',
): Promise<{ rows: Row[]; valid: boolean; direct_drift: number }> {
  const targets = await startTargets(0);
  try {
    const payload = body(mode === 'stream');
    const clients = new Map(
      targets.all.map((target) => [target.name, new Client(target.url, { pipelining: 1 })]),
    );
    const caller = (target: Target) => ({ client: clients.get(target.name) as Client, target, payload });
    for (const target of targets.all) await burst(caller(target), Number(options.warmup));
    const samples = new Map<string, number[]>(targets.all.map((target) => [target.name, []]));
    const cpu = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      for (const target of shuffled(targets.all)) {
        const before = usage(target.pids).cpu_s;
        samples.get(target.name)?.push(await burst(caller(target), requests));
        cpu.set(target.name, (cpu.get(target.name) ?? 0) + usage(target.pids).cpu_s - before);
      }
      if ((round + 1) % 10 === 0) process.stderr.write(`${mode}: round ${round + 1} of ${rounds}\n`);
    }
    const rows = targets.all
      .filter(({ name }) => name !== 'direct')
      .map((target) => row(target, samples, cpu.get(target.name) ?? 0));
    await Promise.all([...clients.values()].map((open) => open.close()));
    const direct = samples.get('direct') ?? [];
    const half = Math.floor(direct.length / 2);
    const direct_drift = median(direct.slice(half)) / median(direct.slice(0, half));
    return { rows, direct_drift, valid: isValid(samples, direct_drift) };
  } finally {
    await targets.stop();
  }
}

function added(samples: ReadonlyMap<string, readonly number[]>, name: string): number[] {
  const direct = samples.get('direct') ?? [];
  return (samples.get(name) ?? []).map((value, i) => value - (direct[i] ?? Number.NaN));
}

function row(target: Target, samples: ReadonlyMap<string, readonly number[]>, cpu_s: number): Row {
  const mine = added(samples, target.name);
  const against = (name: string) => {
    const theirs = added(samples, name);
    return bootstrapMedian(mine.map((value, i) => value / (theirs[i] ?? Number.NaN)));
  };
  return {
    target: target.name,
    added_ms: bootstrapMedian(mine),
    vs_portkey: samples.has('portkey') ? against('portkey') : null,
    vs_floor: against('floor'),
    cpu_ms_per_request: target.pids.length === 0 ? null : (cpu_s * 1000) / (rounds * requests),
    rss_mib: target.pids.length === 0 ? null : usage(target.pids).rss_bytes / 1024 / 1024,
  };
}

/** Void when direct drifted by more than 1.5 ×, or when our two runs disagree. */
function isValid(samples: ReadonlyMap<string, readonly number[]>, drift: number): boolean {
  const first = added(samples, 'ours-colocated');
  const again = added(samples, 'ours-colocated-again');
  const agree = bootstrapMedian(first.map((value, i) => value / (again[i] ?? Number.NaN)));
  return drift < 1.5 && drift > 1 / 1.5 && agree.low <= 1 && agree.high >= 1;
}

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname })
  .toString()
  .trim();
const result = {
  commit,
  node: process.version,
  machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  rounds,
  requests_per_round: requests,
  json: await measure('json'),
  stream: await measure('stream'),
};
writeFileSync(join(import.meta.dirname, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
const show = (interval: Interval | null) =>
  interval === null
    ? '-'
    : `${interval.median.toFixed(2)} [${interval.low.toFixed(2)}, ${interval.high.toFixed(2)}]`;
for (const mode of ['json', 'stream'] as const) {
  const { rows, valid, direct_drift } = result[mode];
  console.log(`\n${mode} (${valid ? 'valid' : 'VOID'}, direct drift ${direct_drift.toFixed(2)})`);
  console.table(
    rows.map((one) => ({
      target: one.target,
      'added ms': show(one.added_ms),
      '× Portkey': show(one.vs_portkey),
      '× floor': show(one.vs_floor),
      'CPU ms/request': one.cpu_ms_per_request?.toFixed(3),
      'RSS MiB': one.rss_mib?.toFixed(0),
    })),
  );
}
