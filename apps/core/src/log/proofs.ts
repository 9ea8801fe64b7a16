/** Proofs that a conversation is in the transparency log, as the log gives them. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CallContext,
  type KeyHistory,
  PlatformError,
  type ProvenEntry,
  type TransparencyLogApi,
} from '@mcp/contracts';
import { encodeProof, keysOf, type TrustedKeys } from '@mcp/provenance';
import type { Logger } from '@mcp/service-kit';
import type { LogEntries, StoredEntry } from '../store/log-entries.ts';
import type { LogPublisher } from './publisher.ts';

/** What the log proves of a conversation. `away`: it cannot be asked; `waiting`: not all of it is in the log yet. */
export type Proven =
  | { readonly state: 'away' | 'waiting' }
  /** It does not have an entry that it had. */
  | { readonly state: 'missing'; readonly index: number }
  | {
      readonly state: 'proven';
      readonly entries: readonly ProvenEntry[];
      readonly keys: TrustedKeys;
      /** The keys as they are published. */
      readonly log_keys: readonly string[];
      readonly witness_keys: readonly string[];
      readonly log_key_history: KeyHistory | undefined;
    };

/** How long who asks for a proof waits for entries that are on their way, looked at this often. */
const WAIT_MS = 5000;
const LOOK_EVERY_MS = 50;

/** After a failure the log is not asked for so long: nobody waits for it again and again. */
const PAUSE_MS = 2000;

function waits(stored: readonly StoredEntry[]): boolean {
  return stored.some(({ index }) => index === null);
}

export interface LogProofsDeps {
  readonly entries: LogEntries;
  readonly publisher: LogPublisher;
  log(): TransparencyLogApi;
  call(): CallContext;
  readonly logger: Logger;
}

export class LogProofs {
  readonly #deps: LogProofsDeps;
  #away_until_ms = 0;

  constructor(deps: LogProofsDeps) {
    this.#deps = deps;
  }

  /** What the log proves of a conversation; what is on its way there is waited for a moment. Does not throw. */
  async of(id: string): Promise<Proven> {
    const { entries, publisher } = this.#deps;
    let stored = await entries.of(id);
    if (stored.length === 0) return { state: 'waiting' };
    // Another replica may have them in its hands.
    for (const until_ms = Date.now() + WAIT_MS; waits(stored); stored = await entries.of(id)) {
      if (publisher.paused) return { state: 'away' };
      if (Date.now() >= until_ms) return { state: 'waiting' };
      await publisher.flush(until_ms - Date.now());
      await sleep(LOOK_EVERY_MS);
    }
    if (Date.now() < this.#away_until_ms) return { state: 'away' };
    try {
      return await this.#prove(stored);
    } catch (err) {
      this.#deps.logger.warn({ err, conversation_id: id }, 'the transparency log gives no proof just now');
      this.#away_until_ms = Date.now() + PAUSE_MS;
      return { state: 'away' };
    }
  }

  /** Whose signatures count; undefined while the log cannot be asked. */
  async keys(): Promise<TrustedKeys | undefined> {
    try {
      return keysOf(await this.#deps.log().checkpoint(this.#deps.call()));
    } catch {
      return undefined;
    }
  }

  async #prove(stored: readonly StoredEntry[]): Promise<Proven> {
    const log = this.#deps.log();
    const proven: ProvenEntry[] = [];
    for (const { entry, index: place } of stored) {
      const index = place ?? 0;
      const found = await log.inclusion({ index }, this.#deps.call()).catch(noneIfMissing);
      if (found === undefined) return { state: 'missing', index };
      const hashes = found.hashes.map((hash) => Buffer.from(hash, 'base64'));
      proven.push({ entry, proof: encodeProof({ index, hashes, checkpoint: found.note }) });
    }
    const { log_keys, witness_keys, log_key_history } = await log.checkpoint(this.#deps.call());
    return {
      state: 'proven',
      entries: proven,
      keys: keysOf({ log_keys, witness_keys }),
      log_keys,
      witness_keys,
      log_key_history,
    };
  }
}

function noneIfMissing(error: unknown): undefined {
  if (error instanceof PlatformError && error.code === 'not_found') return undefined;
  throw error;
}
