const HALF_LIFE_MS = 10 * 60_000;
/** Callers that are remembered; the one that was quiet for longest is forgotten first. */
const MAX_CALLERS = 10_000;
/** Anomalies at once that count for 63 %. */
const SCALE = 3;

/** How dense anomalies of a caller have been of late: each counts half as much after ten minutes. */
export class AnomalyHistory {
  readonly #callers = new Map<string, { sum: number; at_ms: number }>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** In [0, 1). */
  density(caller: string): number {
    return 1 - Math.exp(-this.#sum(caller) / SCALE);
  }

  /** Something that calls for caution; `weight` of it in [0, 1]. */
  note(caller: string, weight: number): void {
    const sum = this.#sum(caller) + weight;
    this.#callers.delete(caller);
    this.#callers.set(caller, { sum, at_ms: this.#now() });
    if (this.#callers.size <= MAX_CALLERS) return;
    const [oldest] = this.#callers.keys();
    if (oldest !== undefined) this.#callers.delete(oldest);
  }

  #sum(caller: string): number {
    const known = this.#callers.get(caller);
    if (known === undefined) return 0;
    return known.sum * 0.5 ** ((this.#now() - known.at_ms) / HALF_LIFE_MS);
  }
}
