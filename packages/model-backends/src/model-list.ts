import { type ModelInfo, PlatformError } from '@mcp/contracts';
import { untilAborted } from './abort.ts';

const READ_TIMEOUT_MS = 5000;
/** First pause after a list that could not be read; it doubles up to the time for which a list is fresh. */
const FIRST_PAUSE_MS = 1000;

export interface ModelListOptions {
  /** Whose list it is, as the subject of a sentence. */
  readonly name: string;
  /** How long a list is fresh. */
  readonly ttl_ms: number;
  /** Reads it once. Throws an Error that says why it cannot be read. */
  read(signal: AbortSignal): Promise<readonly ModelInfo[]>;
}

/** The models of a server elsewhere: read at most every `ttl_ms`, and served as it was known while it cannot be read. */
export class ModelList {
  readonly #options: ModelListOptions;
  #known: readonly ModelInfo[] | undefined;
  #failure: unknown;
  #failures = 0;
  #due_ms = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(options: ModelListOptions) {
    this.#options = options;
  }

  /** What is known; callers share one look-up, and none can break it off. Throws `unavailable` when nothing is. */
  async get(signal: AbortSignal): Promise<readonly ModelInfo[]> {
    if (performance.now() >= this.#due_ms) {
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined;
      });
    }
    if (this.#known === undefined && this.#reading !== undefined) await untilAborted(this.#reading, signal);
    if (this.#known !== undefined) return this.#known;
    const wait_ms = Math.max(1000, Math.ceil(this.#due_ms - performance.now()));
    throw new PlatformError(
      'unavailable',
      `${this.#options.name} does not tell its models. It is asked again in ${Math.ceil(wait_ms / 1000)} s.`,
      { retry_after_ms: wait_ms, cause: this.#failure },
    );
  }

  async #read(): Promise<void> {
    try {
      this.#known = await this.#options.read(AbortSignal.timeout(READ_TIMEOUT_MS));
      this.#failures = 0;
      this.#due_ms = performance.now() + this.#options.ttl_ms;
    } catch (error) {
      this.#failure = error;
      this.#failures++;
      const pause_ms = Math.min(this.#options.ttl_ms, FIRST_PAUSE_MS * 2 ** (this.#failures - 1));
      this.#due_ms = performance.now() + pause_ms;
    }
  }
}
