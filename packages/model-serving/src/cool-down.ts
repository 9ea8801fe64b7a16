import { backOff } from '@mcp/service-kit';

/** First pause after a refusal that names none; it doubles with each further one. */
const FIRST_MS = 1000;
/** No pause is longer, whatever the server asks for: it would take the model away from everybody for that long. */
const MAX_MS = 60_000;
const PAUSES = { first_ms: FIRST_MS, most_ms: MAX_MS };
/** How long the one request that tries again is waited for before another one may. */
const PROBE_MS = 5000;

/**
 * Whether a server is rate limiting us. A refusal (429) closes it for as long as it asks, at most 60 s; then one
 * request tries (half-open) while the others wait or go elsewhere, and its success opens it again. Other failures only
 * make it second choice for a while. Pure but for the clock it is given.
 */
export class CoolDown {
  readonly #now: () => number;
  #closed_until_ms = 0;
  #shunned_until_ms = 0;
  #refusals = 0;
  #failures = 0;
  #epoch = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** ms until a request may try; 0: now. */
  get wait_ms(): number {
    return Math.max(0, this.#closed_until_ms - this.#now());
  }

  /** It failed of late: others are asked first. */
  get shunned(): boolean {
    return this.#refusals > 0 || this.#shunned_until_ms > this.#now();
  }

  /** A request is let through. Returns what its end is told with. */
  begin(): number {
    if (this.#refusals > 0) this.#closed_until_ms = this.#now() + PROBE_MS;
    return this.#epoch;
  }

  /** The server took the request. One that began before the last refusal says nothing about the time after it. */
  accepted(epoch: number): void {
    if (epoch !== this.#epoch) return;
    this.#refusals = 0;
    this.#failures = 0;
    this.#closed_until_ms = 0;
    this.#shunned_until_ms = 0;
  }

  /** The server refused. Returns how long it is not asked, in ms. */
  refused(epoch: number, retry_after_ms: number | undefined): number {
    const news = epoch === this.#epoch;
    if (news) {
      this.#epoch++;
      this.#refusals++;
    }
    const until_ms = this.#now() + Math.min(MAX_MS, retry_after_ms ?? backOff(this.#refusals, PAUSES));
    this.#closed_until_ms = news ? until_ms : Math.max(this.#closed_until_ms, until_ms);
    return this.wait_ms;
  }

  /** The server failed in another way. */
  failed(): void {
    this.#failures++;
    this.#shunned_until_ms = this.#now() + backOff(this.#failures, PAUSES);
  }
}
