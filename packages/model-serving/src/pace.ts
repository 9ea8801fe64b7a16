/** How fast a model works through its queue: what waits are predicted by. */

/** Weight of the newest inference in the moving averages. */
const EMA = 0.1;
/** Inferences that were seen before a wait is predicted by them. */
const SEEN_ENOUGH = 8;
/** How long an inference holds its place, until one was seen. */
const FIRST_MS = 1000;
const FIRST_TOKENS = 500;

/** Inferences at work, and how many may be. */
export interface Places {
  readonly running: number;
  readonly places: number;
}

/**
 * Tokens per second of one place, as moving averages of the tokens that inferences were expected to take and of how
 * long each held its place. Expected tokens are measured against expected tokens, so that an estimate that is wrong by
 * a factor predicts the right wait.
 */
export class Pace {
  #tokens = FIRST_TOKENS;
  #ms = FIRST_MS;
  #seen = 0;

  /** What an inference is expected to take, in the mean. */
  get mean_tokens(): number {
    return this.#tokens;
  }

  /** An inference of so many expected tokens held its place for so long. */
  learn(tokens: number, ms: number): void {
    const weight = Math.max(EMA, 1 / ++this.#seen);
    this.#tokens += weight * (tokens - this.#tokens);
    this.#ms += weight * (ms - this.#ms);
  }

  /** When a place will be free for who has so many tokens before it; undefined while too little was seen. */
  waitMs(before: number, at: Places): number | undefined {
    return this.#seen < SEEN_ENOUGH ? undefined : this.drainedMs(before, at);
  }

  /** How long one of so many expected tokens works; undefined while too little was seen. */
  workMs(tokens: number): number | undefined {
    return this.#seen < SEEN_ENOUGH ? undefined : (tokens * this.#ms) / this.#tokens;
  }

  /** How long it takes until so many waiting tokens are at work. What is at work already is half done in the mean. */
  drainedMs(waiting: number, { running, places }: Places): number {
    const beyond = Math.max(0, running - places) * this.#tokens;
    const first_free_ms = running < places ? 0 : this.#ms / (2 * Math.max(1, places));
    return first_free_ms + ((waiting + beyond) * this.#ms) / this.#tokens / Math.max(1, places);
  }
}
