import { backOff } from '@mcp/service-kit';

/** First pause after a refusal that names none; it doubles with each further one. */
const FIRST_MS = 1000;
/** No pause is longer, whatever the server asks for: it would take the model away from everybody for that long. */
const MAX_MS = 60_000;
const PAUSES = { first_ms: FIRST_MS, most_ms: MAX_MS };
/** A server that is broken says nothing of how long: it is tried again sooner than one that asked for a pause. */
const BROKEN_PAUSES = { first_ms: FIRST_MS, most_ms: 15_000 };
/** How long the one request that tries again is waited for before another one may. */
const PROBE_MS = 5000;
/** So many failures in a row, without a success between them, open the circuit. */
const FAILURES_TO_OPEN = 5;

/** `closed`: asked as usual. `open`: not asked. `half_open`: one request tries, the others wait or go elsewhere. */
export type CircuitState = 'closed' | 'open' | 'half_open';

/**
 * The circuit breaker of a server (Nygard, Release It!, 2007). A refusal (429) opens it for as long as the server asks,
 * at most 60 s; five failures in a row open it for 1 s, doubled each time, at most 15 s. Then one request tries
 * (half-open) while the others wait or go elsewhere: its success closes it, its failure opens it for longer. Fewer
 * failures only make the server second choice for a while. Pure but for the clock it is given.
 */
export class CoolDown {
  readonly #now: () => number;
  #closed_until_ms = 0;
  #shunned_until_ms = 0;
  #refusals = 0;
  #failures = 0;
  /** How often it was opened by failures since the last success. */
  #openings = 0;
  #probing = false;
  #epoch = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get state(): CircuitState {
    if (this.#refusals === 0 && this.#openings === 0) return 'closed';
    return this.#probing ? 'half_open' : 'open';
  }

  /** Whether it was opened by failures, not by the server's wish. */
  get broken(): boolean {
    return this.#openings > 0;
  }

  /** ms until a request may try; 0: now. */
  get wait_ms(): number {
    return Math.max(0, this.#closed_until_ms - this.#now());
  }

  /** It failed of late: others are asked first. */
  get shunned(): boolean {
    return this.#refusals > 0 || this.#openings > 0 || this.#shunned_until_ms > this.#now();
  }

  /** A request is let through. Returns what its end is told with. */
  begin(): number {
    if (this.state !== 'closed') {
      this.#probing = true;
      this.#closed_until_ms = this.#now() + PROBE_MS;
    }
    return this.#epoch;
  }

  /** The server took the request: it refuses us no more. One that began before the circuit opened says nothing. */
  accepted(epoch: number): void {
    if (epoch !== this.#epoch || this.#refusals === 0) return;
    this.#refusals = 0;
    if (this.#openings > 0) return;
    this.#probing = false;
    this.#closed_until_ms = 0;
  }

  /** The server answered, or refused for a reason that is the request's: it works. */
  answered(epoch: number): void {
    if (epoch !== this.#epoch) return;
    this.#refusals = 0;
    this.#failures = 0;
    this.#openings = 0;
    this.#probing = false;
    this.#closed_until_ms = 0;
    this.#shunned_until_ms = 0;
  }

  /** The server refused. Returns how long it is not asked, in ms. */
  refused(epoch: number, retry_after_ms: number | undefined): number {
    const news = epoch === this.#epoch;
    if (news) {
      this.#epoch++;
      this.#refusals++;
      this.#probing = false;
    }
    const until_ms = this.#now() + Math.min(MAX_MS, retry_after_ms ?? backOff(this.#refusals, PAUSES));
    this.#closed_until_ms = news ? until_ms : Math.max(this.#closed_until_ms, until_ms);
    return this.wait_ms;
  }

  /** The server failed in another way. One that began before the circuit opened is no further failure. */
  failed(epoch: number): void {
    if (epoch !== this.#epoch) return;
    this.#failures++;
    this.#shunned_until_ms = this.#now() + backOff(this.#failures, PAUSES);
    if (this.#failures < FAILURES_TO_OPEN && !this.#probing) return;
    this.#epoch++;
    this.#openings++;
    this.#probing = false;
    this.#closed_until_ms = this.#now() + backOff(this.#openings, BROKEN_PAUSES);
  }

  /** The request that tried again was given up by its caller: the next one may try at once. */
  abandoned(epoch: number): void {
    if (epoch !== this.#epoch || !this.#probing) return;
    this.#probing = false;
    this.#closed_until_ms = 0;
  }
}
