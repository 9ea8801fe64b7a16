/** What the first refusal leaves of the limit, and the least that all of those refused together leave. */
const DECREASE = 0.7;
const LEAST = 0.25;
/** How many may be at work when nothing else is known. */
export const DEFAULT_MAX_CONCURRENCY = 2048;

/** How one request ended, as far as the number of requests at once is concerned. */
export type Outcome = 'served' | 'refused' | 'other';

/** One request under the limit. */
export interface Ticket {
  /** How often the limit had been lowered when it began. */
  readonly epoch: number;
}

/**
 * How many requests a server takes at once, learnt by additive increase and multiplicative decrease (AIMD: Chiu and
 * Jain 1989; for requests: Netflix `concurrency-limits`). It begins at `max` and is lowered to 70 % by a refusal; when
 * more of those are refused that were already under way, to as many as the server kept, at least a quarter. It rises by
 * one for each limit's worth of answers while it is in use. Always 1 ≤ limit ≤ max. Pure: no clock.
 */
export class AdaptiveLimit {
  readonly #max: number;
  #limit: number;
  #epoch = 0;
  /** What the refusals of the last epoch leave at least. */
  #least = 1;
  #running = 0;

  constructor(max: number) {
    this.#max = max;
    this.#limit = max;
  }

  get limit(): number {
    return Math.floor(this.#limit);
  }

  get running(): number {
    return this.#running;
  }

  get free(): boolean {
    return this.#running < this.limit;
  }

  /** A request begins. Whoever calls has seen that there is room. */
  begin(): Ticket {
    this.#running++;
    return { epoch: this.#epoch };
  }

  /** A request ends, once. */
  end({ epoch }: Ticket, outcome: Outcome): void {
    const running = this.#running--;
    if (outcome === 'served') {
      // A limit that nobody comes near says nothing about the server.
      if (running * 2 >= this.#limit) this.#limit = Math.min(this.#max, this.#limit + 1 / this.#limit);
    } else if (outcome === 'refused' && epoch === this.#epoch && running > 1) {
      // One that was alone was not refused for being one too many.
      this.#epoch++;
      const used = Math.min(this.#limit, running);
      this.#least = Math.max(1, Math.floor(used * LEAST));
      this.#limit = Math.max(1, Math.floor(used * DECREASE));
    } else if (outcome === 'refused' && epoch === this.#epoch - 1)
      this.#limit = Math.max(this.#least, Math.min(this.#limit, this.#running));
  }
}
