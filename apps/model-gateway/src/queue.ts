import { PlatformError, type QueueClass, type QueueStatus } from '@mcp/contracts';

export interface QueueOptions {
  readonly model: string;
  /** Inferences at work at once. */
  readonly concurrency: number;
  /** Inferences that may wait; one more is refused. */
  readonly max_waiting: number;
}

interface Waiter {
  readonly class: QueueClass;
  start(): void;
}

/** Weight of the newest duration in the moving average. */
const EMA = 0.2;

/**
 * The queue of one model. Interactive inferences go before batch ones, first come first served within a class.
 * Whoever leaves while waiting gives up its place at once.
 */
export class ModelQueue {
  readonly #options: QueueOptions;
  readonly #waiting: Record<QueueClass, Waiter[]> = { interactive: [], batch: [] };
  readonly #onChange: (status: QueueStatus) => void;
  #running = 0;
  /** Moving average of how long an inference holds its place. */
  #mean_ms = 1000;

  constructor(options: QueueOptions, onChange: (status: QueueStatus) => void) {
    this.#options = options;
    this.#onChange = onChange;
  }

  status(): QueueStatus {
    return {
      model: this.#options.model,
      running: this.#running,
      waiting_interactive: this.#waiting.interactive.length,
      waiting_batch: this.#waiting.batch.length,
      capacity: this.#options.max_waiting,
    };
  }

  /**
   * Waits for a place and returns how to give it back. Throws `overloaded` when the queue is full,
   * and the signal's reason when the caller leaves while waiting.
   */
  async enter(cls: QueueClass, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw reasonOf(signal);
    if (this.#running >= this.#options.concurrency) {
      if (this.#depth() >= this.#options.max_waiting) throw this.#full();
      await this.#wait(cls, signal);
    } else this.#running++;
    this.#onChange(this.status());
    const since = performance.now();
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#mean_ms += EMA * (performance.now() - since - this.#mean_ms);
      this.#next();
      this.#onChange(this.status());
    };
  }

  #depth(): number {
    return this.#waiting.interactive.length + this.#waiting.batch.length;
  }

  /** A place is handed over, so that nobody can slip in between. */
  #wait(cls: QueueClass, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        const line = this.#waiting[cls];
        line.splice(line.indexOf(waiter), 1);
        this.#onChange(this.status());
        reject(reasonOf(signal));
      };
      const waiter: Waiter = {
        class: cls,
        start() {
          signal.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting[cls].push(waiter);
      this.#onChange(this.status());
    });
  }

  #next(): void {
    const next = this.#waiting.interactive.shift() ?? this.#waiting.batch.shift();
    if (next === undefined) this.#running--;
    else next.start();
  }

  #full(): PlatformError {
    const retry_after_ms = Math.min(
      60_000,
      Math.max(250, (this.#mean_ms * (this.#depth() + 1)) / this.#options.concurrency),
    );
    return new PlatformError(
      'overloaded',
      `The queue of ${this.#options.model} is full: ${this.#depth()} inferences wait. Try again in about ${Math.ceil(retry_after_ms / 1000)} s.`,
      { retry_after_ms: Math.round(retry_after_ms) },
    );
  }
}

function reasonOf(signal: AbortSignal): PlatformError {
  return signal.reason instanceof PlatformError
    ? signal.reason
    : new PlatformError('cancelled', 'The caller left while it was waiting for the model.');
}
