import { z } from 'zod';

const Interval = z.object({ median: z.number(), low: z.number(), high: z.number() });
export type Interval = z.infer<typeof Interval>;

const Row = z.object({
  target: z.string(),
  /** Per round: the target's quantile less that of asking the mock directly, in ms. */
  added_p50_ms: Interval,
  added_p99_ms: Interval,
  /** Added p50 as a share of Portkey's, and of the floor's. */
  vs_portkey: Interval.nullable(),
  vs_floor: Interval,
  cpu_ms_per_request: z.number(),
  rss_mib: z.number(),
  requests_per_s: z.number(),
  /** Of streams: frames that did not arrive, and the longest silence. */
  lost_frames: z.number(),
  longest_stall_ms: z.number(),
});
export type Row = z.infer<typeof Row>;

const Cell = z.object({
  mode: z.enum(['json', 'stream']),
  concurrency: z.number(),
  rounds: z.number(),
  requests_per_round: z.number(),
  direct_p50_ms: z.number(),
  direct_drift: z.number(),
  /** Why the cell is void, if it is. */
  void: z.array(z.string()),
  rows: z.array(Row),
});
export type Cell = z.infer<typeof Cell>;

/** What `streams.ts` writes to `streams.json`. */
export const Streams = z.object({
  streams: z.number(),
  rows: z.array(
    z.object({
      target: z.string(),
      lost_frames: z.number(),
      longest_stall_ms: z.number(),
      elapsed_s: z.number(),
      short_calls: z.number(),
      short_p50_ms: z.number(),
      short_p99_ms: z.number(),
      rss_mib: z.number(),
    }),
  ),
});
export type Streams = z.infer<typeof Streams>;

/** What `run.ts` writes to `result.json`. */
export const Result = z.object({
  commit: z.string(),
  date: z.string(),
  node: z.string(),
  machine: z.string(),
  cells: z.array(Cell),
});
export type Result = z.infer<typeof Result>;
