import { PlatformError } from '@mcp/contracts';

/** How long who finds the line full is told to wait: places come free all the time. */
const RETRY_AFTER_MS = 1000;

export interface PlacesOptions {
  /** What the places are for, as the subject of an error message. */
  readonly name: string;
  readonly places: number;
  /** How many may wait for a place; one more is refused. */
  readonly max_waiting: number;
}

/** A bounded number of places and a bounded line before them, first come first served. */
export class Places {
  readonly #options: PlacesOptions;
  /** In order of arrival; who leaves gives up its place in the line at once. */
  readonly #line = new Set<() => void>();
  #taken = 0;

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  /**
   * Takes a place, or waits for one: undefined when there was one at once. Throws `overloaded` when the line is full;
   * rejects with the signal's reason when that fires first. Who got one gives it back with {@link leave}.
   */
  enter(signal: AbortSignal): Promise<void> | undefined {
    const { name, places, max_waiting } = this.#options;
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#taken < places) {
      this.#taken++;
      return undefined;
    }
    if (this.#line.size >= max_waiting)
      throw new PlatformError(
        'overloaded',
        `${name}: ${places} are in progress and ${max_waiting} more wait, which is the most there may be. Try again in a moment.`,
        { retry_after_ms: RETRY_AFTER_MS },
      );
    return new Promise((resolve, reject) => {
      const start = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#line.delete(start);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#line.add(start);
    });
  }

  /** Gives a place back; the first in line has it now. */
  leave(): void {
    const [next] = this.#line;
    if (next === undefined) {
      this.#taken--;
      return;
    }
    this.#line.delete(next);
    next();
  }
}
