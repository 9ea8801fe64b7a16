import { setTimeout as sleep } from 'node:timers/promises';
import type { CallContext, TransparencyLogApi } from '@mcp/contracts';
import type { Logger } from '@mcp/service-kit';
import type { ClaimedEntry, LogEntries } from '../store/log-entries.ts';

/** Entries of one call, at most. */
const BATCH = 500;
/** How long a nudge gathers what comes with it. */
const GATHER_MS = 20;
/** A log that failed is asked again after so long. */
const PAUSE_MS = 2000;
export interface PublisherDeps {
  readonly entries: LogEntries;
  /** Looked up at each call: the log may share this process and start later. */
  log(): TransparencyLogApi;
  call(): CallContext;
  readonly logger: Logger;
}

/**
 * Takes entries from the store to the transparency log: at once when records were stored, and what others left when it is
 * told to look. An entry that was appended and not noted is appended again: the log then has it twice, which proves no less.
 */
export class LogPublisher {
  readonly #deps: PublisherDeps;
  #publishing: Promise<void> | undefined;
  #again = false;
  #paused_until_ms = 0;
  #closed = false;

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
  }

  /** True while the log is not asked after a failure. */
  get paused(): boolean {
    return Date.now() < this.#paused_until_ms;
  }

  /** There is something to publish. Returns at once. */
  nudge(): void {
    if (this.#closed || this.paused) return;
    this.#again = true;
    this.#publishing ??= this.#publish().finally(() => {
      this.#publishing = undefined;
      // What came while the last batch was noted.
      if (this.#again) this.nudge();
    });
  }

  /** Publishes what waits, for so long at most. */
  async flush(most_ms: number): Promise<void> {
    this.nudge();
    const over = new AbortController();
    await Promise.race([
      this.#publishing,
      sleep(most_ms, undefined, { ref: false, signal: over.signal }).catch(() => undefined),
    ]);
    over.abort();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#again = false;
    await this.#publishing;
  }

  async #publish(): Promise<void> {
    try {
      await sleep(GATHER_MS, undefined, { ref: false });
      for (let full = true; full || this.#again; ) {
        this.#again = false;
        const claimed = await this.#deps.entries.claim(BATCH);
        full = claimed.length === BATCH;
        if (claimed.length > 0) await this.#append(claimed);
      }
    } catch (err) {
      this.#again = false;
      this.#paused_until_ms = Date.now() + PAUSE_MS;
      this.#deps.logger.warn(
        { err },
        'the transparency log takes no entries just now: they wait in the store',
      );
    }
  }

  async #append(claimed: readonly ClaimedEntry[]): Promise<void> {
    const { entries, log, call } = this.#deps;
    try {
      const { indexes } = await log().append({ entries: claimed.map(({ entry }) => entry) }, call());
      await entries.placed(claimed, indexes);
    } catch (error) {
      await entries.release(claimed);
      throw error;
    }
  }
}
