import type { LiveStats } from '../api/platform.ts';

/** What the charts show of one answer of `/admin/stats`. `at_s` is epoch seconds. */
interface LivePoint {
  readonly at_s: number;
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly requests_per_s: number;
  readonly error_percent: number;
  readonly tokens_in_per_s: number | null;
  readonly tokens_out_per_s: number | null;
  readonly running: number;
  readonly waiting: number;
}

/** Points kept: ten minutes at one every two seconds. */
export const MAX_POINTS = 300;

export interface LiveSeries {
  readonly points: readonly LivePoint[];
  readonly last: LiveStats | null;
}

export const EMPTY_SERIES: LiveSeries = { points: [], last: null };

/** Adds an answer. Rates come from the difference of totals; a total that fell (a restart) gives no rate. */
export function addStats(series: LiveSeries, stats: LiveStats): LiveSeries {
  const at_s = Date.parse(stats.at) / 1000;
  const before = series.last;
  if (!Number.isFinite(at_s) || (before !== null && Date.parse(before.at) / 1000 >= at_s)) return series;
  const since_s = before === null ? null : at_s - Date.parse(before.at) / 1000;
  const point: LivePoint = {
    at_s,
    p50_ms: stats.p50_ms,
    p95_ms: stats.p95_ms,
    requests_per_s: stats.requests_per_s,
    error_percent: stats.error_ratio * 100,
    tokens_in_per_s: rate(before?.tokens_in_total, stats.tokens_in_total, since_s),
    tokens_out_per_s: rate(before?.tokens_out_total, stats.tokens_out_total, since_s),
    running: stats.queues.reduce((sum, queue) => sum + queue.running, 0),
    waiting: stats.queues.reduce((sum, queue) => sum + queue.waiting_interactive + queue.waiting_batch, 0),
  };
  return { points: [...series.points, point].slice(-MAX_POINTS), last: stats };
}

function rate(before: number | undefined, now: number, since_s: number | null): number | null {
  if (before === undefined || since_s === null || now < before) return null;
  return (now - before) / since_s;
}
