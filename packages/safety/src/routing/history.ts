const HALF_LIFE_MS = 10 * 60_000;
/** Callers that are remembered; the one that was quiet for longest is forgotten first. */
const MAX_CALLERS = 10_000;
/** Harmless requests that everybody is taken to have sent: one anomaly among few requests says little. */
const PRIOR = 3;

interface Known {
  readonly anomalies: number;
  readonly requests: number;
  readonly at_ms: number;
}

/**
 * How dense anomalies of a caller have been of late: its anomalies among its requests, each half as much after ten
 * minutes. A share and not a count: an application that sends much for many people has some of them in any hour.
 */
export class AnomalyHistory {
  readonly #callers = new Map<string, Known>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** In [0, 1). */
  density(caller: string): number {
    const { anomalies, requests } = this.#faded(caller);
    return anomalies / (requests + PRIOR);
  }

  /** A request is over; how far it called for caution, in [0, 1]. */
  note(caller: string, weight: number): void {
    const { anomalies, requests, at_ms } = this.#faded(caller);
    this.#callers.delete(caller);
    this.#callers.set(caller, { anomalies: anomalies + weight, requests: requests + 1, at_ms });
    if (this.#callers.size <= MAX_CALLERS) return;
    const [oldest] = this.#callers.keys();
    if (oldest !== undefined) this.#callers.delete(oldest);
  }

  #faded(caller: string): Known {
    const at_ms = this.#now();
    const known = this.#callers.get(caller);
    if (known === undefined) return { anomalies: 0, requests: 0, at_ms };
    const left = 0.5 ** ((at_ms - known.at_ms) / HALF_LIFE_MS);
    return { anomalies: known.anomalies * left, requests: known.requests * left, at_ms };
  }
}
