/** Several answers asked for at the same time: at a deadline the slow are not waited for when one has come. */
import { type ArbitrationTerms, type CallContext, PlatformError } from '@mcp/contracts';

/** What came of one: its answer, whole or cut short, or why there is none. */
interface Outcome<A> {
  readonly answer: A | undefined;
  readonly error: unknown;
  /** It was cut off at the deadline. */
  readonly late: boolean;
}

/** Of the time that a request has left, so much is kept for what comes after the answers. */
const KEPT_SHARE = 0.05;
const LEAST_KEPT_MS = 250;
const MOST_KEPT_MS = 15_000;

/** When candidates are no longer waited for: by the terms, or in time to decide before the request's own deadline. */
export function candidateDeadline(
  { candidate_timeout_ms }: ArbitrationTerms,
  { deadline_ms }: Pick<CallContext, 'deadline_ms'>,
): number {
  const now = Date.now();
  const kept = Math.min(MOST_KEPT_MS, Math.max(LEAST_KEPT_MS, (deadline_ms - now) * KEPT_SHARE));
  return Math.min(now + candidate_timeout_ms, deadline_ms - kept);
}

export class Candidates<A> {
  readonly #cut = new AbortController();
  readonly #signal: AbortSignal;
  readonly #isWhole: (answer: A) => boolean;
  readonly #timer: NodeJS.Timeout;
  readonly #asked: Promise<Outcome<A>>[] = [];
  #whole = false;
  #due = false;

  constructor(
    signal: AbortSignal,
    { deadline_ms, isWhole }: { readonly deadline_ms: number; readonly isWhole: (answer: A) => boolean },
  ) {
    this.#signal = AbortSignal.any([signal, this.#cut.signal]);
    this.#isWhole = isWhole;
    this.#timer = setTimeout(
      () => {
        this.#due = true;
        this.#look();
      },
      Math.max(0, deadline_ms - Date.now()),
    );
  }

  /** Asks for one more, which is to stop when its signal fires. Never rejects. */
  ask(work: (signal: AbortSignal) => Promise<A>): Promise<Outcome<A>> {
    const asked = this.#run(work);
    this.#asked.push(asked);
    return asked;
  }

  /** Stops what is still at work, and waits for it. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#cut.abort(new PlatformError('cancelled', 'The answer is not needed any more.'));
    await Promise.all(this.#asked);
  }

  async #run(work: (signal: AbortSignal) => Promise<A>): Promise<Outcome<A>> {
    try {
      const answer = await work(this.#signal);
      const whole = this.#isWhole(answer);
      if (whole) this.#whole = true;
      this.#look();
      return { answer, error: undefined, late: !whole && this.#cut.signal.aborted };
    } catch (error) {
      return { answer: undefined, error, late: this.#cut.signal.aborted };
    }
  }

  #look(): void {
    if (this.#due && this.#whole)
      this.#cut.abort(new PlatformError('deadline_exceeded', 'The answer did not come in time.'));
  }
}
