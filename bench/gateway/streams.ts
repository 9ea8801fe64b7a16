import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { quantile } from '../stats.ts';
import type { Streams } from './figures.ts';
import { Load } from './load.ts';
import { writePage } from './report.ts';
import { startTargets, type Target, usage } from './targets.ts';

/**
 * 1,000 streams of 64 frames at 100 ms (10,000 frames a second) through the gateway at once, with the limits that are shipped, and short calls
 * beside them. Writes `streams.json` and the table of docs/performance.md.
 * Run it pinned, on a quiet machine: `taskset -c 1 node bench/gateway/streams.ts` (about a minute).
 */
const { values: options } = parseArgs({
  options: { streams: { type: 'string', default: '1000' }, out: { type: 'string' } },
});
const STREAMS = Number(options.streams);
const PACE_MS = 100;
const EVERY_MS = 10;
const SHORT_CALLS = ['/healthz', '/readyz', '/v1/models'] as const;

/** Asks short calls in turn until it is told to stop; what each took. */
async function shortCalls(target: Target, done: AbortSignal): Promise<number[]> {
  const pool = new Pool(target.url);
  const took: number[] = [];
  const ask = async (path: string) => {
    const started = performance.now();
    const { statusCode, body } = await pool.request({
      method: 'GET',
      path,
      headers: target.callers[0] ?? {},
    });
    await body.text();
    if (statusCode !== 200) throw new Error(`${path} answered ${statusCode} beside the streams`);
    took.push(performance.now() - started);
  };
  const asked: Promise<void>[] = [];
  for (let at = 0; !done.aborted; at++) {
    asked.push(ask(SHORT_CALLS[at % SHORT_CALLS.length] ?? '/healthz'));
    await new Promise((next) => setTimeout(next, EVERY_MS));
  }
  await Promise.all(asked);
  await pool.close();
  return took;
}

async function measure(target: Target): Promise<Streams['rows'][number]> {
  const load = new Load(target, { stream: true, concurrency: STREAMS });
  // Connections are made beforehand: it is the streams that are measured.
  await load.burst(STREAMS, STREAMS);
  const done = new AbortController();
  const short = shortCalls(target, done.signal);
  const started = performance.now();
  const samples = await load.burst(STREAMS, STREAMS);
  const elapsed_s = (performance.now() - started) / 1000;
  done.abort();
  const took = await short;
  await load.close();
  return {
    target: target.name,
    lost_frames: samples.reduce((sum, { lost }) => sum + lost, 0),
    longest_stall_ms: Math.max(...samples.map(({ stall_ms }) => stall_ms)),
    elapsed_s,
    short_calls: took.length,
    short_p50_ms: quantile(took, 0.5),
    short_p99_ms: quantile(took, 0.99),
    rss_mib: usage(target.pids).rss_bytes / 1024 / 1024,
  };
}

const targets = await startTargets(PACE_MS, ['ours', 'ours, over the model-gateway']);
try {
  const rows: Streams['rows'] = [];
  for (const target of targets.all.filter(({ name }) => name.startsWith('ours')))
    rows.push(await measure(target));
  const result: Streams = { streams: STREAMS, rows };
  writeFileSync(
    join(options.out ?? import.meta.dirname, 'streams.json'),
    `${JSON.stringify(result, null, 2)}\n`,
  );
} finally {
  await targets.stop();
}
if (options.out === undefined) process.stdout.write(`${writePage()}\n`);
