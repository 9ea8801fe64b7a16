const WINDOW_MS = 60_000;
/** Requests that the window holds at most; at more than this per minute it is shorter. */
const CAPACITY = 16_384;

export interface Snapshot {
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly requests_per_s: number;
  readonly error_ratio: number;
  readonly tokens_in_total: number;
  readonly tokens_out_total: number;
}

/** Inference requests of the last minute, in a ring of fixed size. */
export class LiveStats {
  readonly #now: () => number;
  readonly #at = new Float64Array(CAPACITY);
  readonly #took = new Float64Array(CAPACITY);
  readonly #failed = new Uint8Array(CAPACITY);
  #count = 0;
  #tokens_in = 0;
  #tokens_out = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Records one finished request. A client that leaves has not failed. */
  add(duration_ms: number, failed: boolean): void {
    const slot = this.#count++ % CAPACITY;
    this.#at[slot] = this.#now();
    this.#took[slot] = duration_ms;
    this.#failed[slot] = failed ? 1 : 0;
  }

  addTokens(usage: { readonly input_tokens: number; readonly output_tokens: number }): void {
    this.#tokens_in += usage.input_tokens;
    this.#tokens_out += usage.output_tokens;
  }

  snapshot(): Snapshot {
    const now = this.#now();
    const held = Math.min(this.#count, CAPACITY);
    const took: number[] = [];
    let failed = 0;
    let oldest = now;
    for (let slot = 0; slot < held; slot++) {
      const at = this.#at[slot] ?? 0;
      if (at < now - WINDOW_MS) continue;
      oldest = Math.min(oldest, at);
      took.push(this.#took[slot] ?? 0);
      failed += this.#failed[slot] ?? 0;
    }
    took.sort((a, b) => a - b);
    // A ring that has come round covers less than the window.
    const span_ms = this.#count > CAPACITY ? Math.max(1, now - oldest) : WINDOW_MS;
    return {
      p50_ms: quantile(took, 0.5),
      p95_ms: quantile(took, 0.95),
      requests_per_s: (took.length * 1000) / span_ms,
      error_ratio: took.length === 0 ? 0 : failed / took.length,
      tokens_in_total: this.#tokens_in,
      tokens_out_total: this.#tokens_out,
    };
  }
}

function quantile(sorted: readonly number[], q: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? null;
}
