/** How long a server takes to its first token: what is expected of the next request, and what the slowest of late took. */

/** After so long without an answer what was measured counts for a third. */
const DECAY_MS = 10_000;
/** Expected of a server that has requests and no answer yet: it is given no more until the first has come. */
const UNKNOWN_MS = 60_000;

/**
 * Peak EWMA (Finagle's load metric): a slower answer counts at once and in full, faster ones pull the average down in
 * the course of ten seconds. Times the requests under way, it is what the next one has to expect. Without answers it
 * decays, so that a server that was slow once is tried again. Pure but for the clock it is given.
 */
export class PeakEwma {
  #mean_ms = 0;
  #at_ms = Number.NEGATIVE_INFINITY;

  observe(took_ms: number, now_ms: number): void {
    const mean_ms = this.#meanAt(now_ms);
    const kept = Math.exp((this.#at_ms - now_ms) / DECAY_MS);
    this.#mean_ms = took_ms > mean_ms ? took_ms : this.#mean_ms * kept + took_ms * (1 - kept);
    this.#at_ms = now_ms;
  }

  /** Expected of one more request beside those `running`. */
  cost(running: number, now_ms: number): number {
    const mean_ms = this.#meanAt(now_ms);
    if (mean_ms === 0 && running > 0) return UNKNOWN_MS * running;
    return mean_ms * (running + 1);
  }

  #meanAt(now_ms: number): number {
    return this.#mean_ms * Math.exp(Math.min(0, this.#at_ms - now_ms) / DECAY_MS);
  }
}

const KEPT = 100;
/** With fewer a quantile of 95 % would be the slowest of a handful. */
const ENOUGH = 20;

/** The last hundred times to the first token. */
export class RecentTimes {
  readonly #times_ms: number[] = [];
  #next = 0;

  add(took_ms: number): void {
    this.#times_ms[this.#next] = took_ms;
    this.#next = (this.#next + 1) % KEPT;
  }

  /** What 95 % of them did not exceed (nearest rank); undefined while there are too few. */
  get p95_ms(): number | undefined {
    if (this.#times_ms.length < ENOUGH) return undefined;
    const sorted = this.#times_ms.toSorted((a, b) => a - b);
    return sorted[Math.ceil(sorted.length * 0.95) - 1];
  }
}
