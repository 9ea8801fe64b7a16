/** Proofs that a conversation is in the transparency log, as the log gives them. */
import type { CallContext, ProvenEntry, TransparencyLogApi } from '@mcp/contracts';
import { encodeProof, keysOf, type TrustedKeys } from '@mcp/provenance';
import type { LogEntries, StoredEntry } from '../store/log-entries.ts';
import type { LogPublisher } from './publisher.ts';

/** What the log proves of a conversation. `away`: it cannot be asked; `waiting`: not all of it is in the log yet. */
export type Proven =
  | { readonly state: 'away' | 'waiting' }
  | {
      readonly state: 'proven';
      readonly entries: readonly ProvenEntry[];
      readonly keys: TrustedKeys;
      /** The keys as they are published. */
      readonly log_keys: readonly string[];
      readonly witness_keys: readonly string[];
    };

export interface LogProofsDeps {
  readonly entries: LogEntries;
  readonly publisher: LogPublisher;
  log(): TransparencyLogApi;
  call(): CallContext;
}

export class LogProofs {
  readonly #deps: LogProofsDeps;

  constructor(deps: LogProofsDeps) {
    this.#deps = deps;
  }

  /** What the log proves of a conversation; what is on its way there is waited for a moment. Does not throw. */
  async of(id: string): Promise<Proven> {
    const { entries, publisher } = this.#deps;
    let stored = await entries.of(id);
    if (stored.some(({ index }) => index === null)) {
      await publisher.flush();
      stored = await entries.of(id);
    }
    if (stored.length === 0 || stored.some(({ index }) => index === null)) return { state: 'waiting' };
    try {
      return await this.#prove(stored);
    } catch {
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
    for (const { entry, index } of stored) {
      const { hashes, note } = await log.inclusion({ index: index ?? 0 }, this.#deps.call());
      const path = hashes.map((hash) => Buffer.from(hash, 'base64'));
      proven.push({ entry, proof: encodeProof({ index: index ?? 0, hashes: path, checkpoint: note }) });
    }
    const { log_keys, witness_keys } = await log.checkpoint(this.#deps.call());
    return {
      state: 'proven',
      entries: proven,
      keys: keysOf({ log_keys, witness_keys }),
      log_keys,
      witness_keys,
    };
  }
}
