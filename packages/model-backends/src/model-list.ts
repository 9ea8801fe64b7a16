import { type ModelInfo, PlatformError } from '@mcp/contracts';
import { backOff, KeptValue } from '@mcp/service-kit';
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
  readonly #list: KeptValue<readonly ModelInfo[]>;

  constructor({ name, ttl_ms, read }: ModelListOptions) {
    this.#list = new KeptValue({
      ttl_ms,
      pause_ms: (failures) => backOff(failures, { first_ms: FIRST_PAUSE_MS, most_ms: ttl_ms }),
      read: () => read(AbortSignal.timeout(READ_TIMEOUT_MS)),
      failure(cause, left_ms) {
        const wait_ms = Math.max(1000, Math.ceil(left_ms));
        return new PlatformError(
          'unavailable',
          `${name} does not tell its models. It is asked again in ${Math.ceil(wait_ms / 1000)} s.`,
          { retry_after_ms: wait_ms, cause },
        );
      },
    });
  }

  /** What is known; callers share one look-up, and none can break it off. Throws `unavailable` when nothing is. */
  async get(signal: AbortSignal): Promise<readonly ModelInfo[]> {
    return this.#list.known ?? (await untilAborted(this.#list.fresh(), signal));
  }
}
