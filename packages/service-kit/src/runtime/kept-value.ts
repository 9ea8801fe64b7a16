/** A value of somebody else's, asked for now and then, and served as it was known while it cannot be had. */
import type { PlatformError } from '@mcp/contracts';

export interface KeptOptions<T> {
  /** How long a value is taken as it is. */
  readonly ttl_ms: number;
  /** Pause after so many readings in a row that failed, with or without something known. Unset: `ttl_ms`. */
  pause_ms?(failures: number, known: boolean): number;
  /** Reads it once, within a time that it bounds itself. */
  read(): Promise<T>;
  /** What is thrown while nothing is known, `wait_ms` before the next reading. */
  failure(cause: unknown, wait_ms: number): PlatformError;
}

/** Callers share one reading at a time. */
export class KeptValue<T> {
  readonly #options: KeptOptions<T>;
  #known: { readonly value: T } | undefined;
  #cause: unknown;
  #failures = 0;
  #due_ms = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(options: KeptOptions<T>) {
    this.#options = options;
  }

  /** What is known now; when it is due, it is read again beside whoever asks. */
  get known(): T | undefined {
    this.#readIfDue();
    return this.#known?.value;
  }

  /** The value, read before when it is due. Throws the failure while nothing is known. */
  async fresh(): Promise<T> {
    await this.#readIfDue();
    if (this.#known !== undefined) return this.#known.value;
    throw this.#options.failure(this.#cause, Math.max(0, this.#due_ms - performance.now()));
  }

  #readIfDue(): Promise<void> | undefined {
    if (this.#reading === undefined && performance.now() >= this.#due_ms)
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }

  async #read(): Promise<void> {
    let pause_ms = this.#options.ttl_ms;
    try {
      this.#known = { value: await this.#options.read() };
      this.#failures = 0;
    } catch (cause) {
      this.#cause = cause;
      this.#failures++;
      pause_ms = this.#options.pause_ms?.(this.#failures, this.#known !== undefined) ?? pause_ms;
    }
    this.#due_ms = performance.now() + pause_ms;
  }
}
