import type { GatewayReport, RequestFigures } from '@mcp/contracts';

const SECONDS = 60;
const WINDOW_MS = SECONDS * 1000;
/** Buckets of the histogram grow by this factor, so that a quantile is at most 2.5 % off. */
const GROWTH = 1.05;
const LEAST_MS = 0.05;
const LOG_GROWTH = Math.log(GROWTH);
/** The last one holds everything from some 16 minutes on. */
const BUCKETS = 345;

/** One second of requests. */
interface Slot {
  second: number;
  requests: number;
  failed: number;
  readonly durations: Uint32Array;
}

/** Inference requests of the last minute, as counts per second: they add up over replicas, and any number fits. */
export class LiveStats {
  readonly #now: () => number;
  readonly #slots: Slot[] = Array.from({ length: SECONDS }, () => ({
    second: -1,
    requests: 0,
    failed: 0,
    durations: new Uint32Array(BUCKETS),
  }));
  #tokens_in = 0;
  #tokens_out = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Records one finished request. A client that leaves has not failed. */
  add(duration_ms: number, failed: boolean): void {
    const slot = this.#slot(Math.floor(this.#now() / 1000));
    slot.requests++;
    if (failed) slot.failed++;
    const bucket = bucketOf(duration_ms);
    slot.durations[bucket] = (slot.durations[bucket] ?? 0) + 1;
  }

  addTokens(usage: { readonly input_tokens: number; readonly output_tokens: number }): void {
    this.#tokens_in += usage.input_tokens;
    this.#tokens_out += usage.output_tokens;
  }

  report(): GatewayReport {
    const since = Math.floor(this.#now() / 1000) - SECONDS;
    const counts = new Map<number, number>();
    let requests = 0;
    let failed = 0;
    for (const slot of this.#slots) {
      if (slot.second <= since) continue;
      requests += slot.requests;
      failed += slot.failed;
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        const count = slot.durations[bucket] ?? 0;
        if (count > 0) counts.set(bucket, (counts.get(bucket) ?? 0) + count);
      }
    }
    return {
      requests,
      failed,
      durations: [...counts].sort(([a], [b]) => a - b),
      tokens_in_total: this.#tokens_in,
      tokens_out_total: this.#tokens_out,
    };
  }

  #slot(second: number): Slot {
    const slot = this.#slots[second % SECONDS];
    if (slot === undefined) throw new Error('there is a slot for each second of the window');
    if (slot.second !== second) {
      slot.second = second;
      slot.requests = 0;
      slot.failed = 0;
      slot.durations.fill(0);
    }
    return slot;
  }
}

/** The figures of several gateways as those of one. */
export function merge(reports: readonly GatewayReport[]): RequestFigures {
  const sum = (pick: (report: GatewayReport) => number) =>
    reports.reduce((total, report) => total + pick(report), 0);
  const counts = new Map<number, number>();
  for (const { durations } of reports)
    for (const [bucket, count] of durations) counts.set(bucket, (counts.get(bucket) ?? 0) + count);
  const sorted = [...counts].sort(([a], [b]) => a - b);
  const requests = sum((report) => report.requests);
  return {
    p50_ms: quantile(sorted, requests * 0.5),
    p95_ms: quantile(sorted, requests * 0.95),
    requests_per_s: (requests * 1000) / WINDOW_MS,
    error_ratio: requests === 0 ? 0 : sum((report) => report.failed) / requests,
    tokens_in_total: sum((report) => report.tokens_in_total),
    tokens_out_total: sum((report) => report.tokens_out_total),
    replicas: reports.length,
  };
}

function bucketOf(duration_ms: number): number {
  if (duration_ms <= LEAST_MS) return 0;
  return Math.min(BUCKETS - 1, Math.ceil(Math.log(duration_ms / LEAST_MS) / LOG_GROWTH));
}

/** The middle of the bucket in which the request of this rank is. */
function quantile(sorted: readonly (readonly [number, number])[], rank: number): number | null {
  let seen = 0;
  for (const [bucket, count] of sorted) {
    seen += count;
    if (seen >= rank) return LEAST_MS * GROWTH ** (bucket - 0.5);
  }
  return null;
}
