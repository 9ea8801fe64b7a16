import type { ConversationLog } from '@mcp/contracts';
import { type EncryptedLog, encryptedLogOf } from '@mcp/provenance';
import type { Logger } from '@mcp/service-kit';
import type { DataKeys } from '../encryption/data-keys.ts';
import type { PiiEraser } from '../encryption/pii-eraser.ts';
import type { CoreKit } from '../kit.ts';
import type { Commitment } from '../store/conversations.ts';
import { encryptedRecord } from '../store/rows.ts';
import type { LogArchive } from './archive.ts';
import type { LogHeads } from './heads.ts';
import type { LogKeys } from './log-keys.ts';

/** An archive that failed is not asked for so long: no conversation waits for it again. */
const PAUSE_MS = 5000;

export interface CommitterDeps {
  readonly keys: Pick<DataKeys, 'of'>;
  readonly signing: Pick<LogKeys, 'sign'>;
  readonly archive: LogArchive | undefined;
  readonly heads: LogHeads;
  readonly pii: Pick<PiiEraser, 'erase'>;
  readonly metrics: CoreKit['metrics'];
  readonly log: Logger;
}

/** Commits logs: puts them where they are kept beside the store, the archive, and their heads on the event bus. */
export class Committer {
  readonly #deps: CommitterDeps;
  #paused_until_ms = 0;

  constructor(deps: CommitterDeps) {
    this.#deps = deps;
  }

  /** True while the archive is not asked after a failure. */
  get paused(): boolean {
    return Date.now() < this.#paused_until_ms;
  }

  /**
   * Returns what the conversation's row is to say of it; undefined when it could not be done wholly, so that the sweep
   * tries again. Does not throw: what was said is in the store already.
   */
  async commit(log: ConversationLog): Promise<Commitment | undefined> {
    if (!(await this.#archive(log.id, (archive) => this.#write(archive, log)))) return undefined;
    const anchored = await this.#deps.heads.put(log);
    if (anchored === undefined) return undefined;
    // A head that does not fit is for verification to report, each time: there is nothing to try again.
    if (anchored === 'refused')
      this.#deps.log.error(
        { conversation_id: log.id },
        'the head that the event bus keeps is not of this log: it was changed or cut',
      );
    return {
      head: log.head,
      mac: log.mac,
      anchored: anchored === 'refused' ? this.#deps.heads.generation : anchored,
    };
  }

  /** Commits what is left of an erased conversation, and has removed what is kept for its turns to come. As {@link commit}. */
  async commitErased(tombstone: EncryptedLog): Promise<Commitment | undefined> {
    if (!(await this.#archive(tombstone.id, (archive) => archive?.erase(tombstone) ?? Promise.resolve())))
      return undefined;
    if (!(await this.#deps.pii.erase(tombstone))) return undefined;
    const anchored = await this.#deps.heads.put(tombstone);
    if (anchored === undefined) return undefined;
    const { head, mac } = tombstone;
    return { head, mac, anchored: anchored === 'refused' ? this.#deps.heads.generation : anchored };
  }

  async #write(archive: LogArchive | undefined, given: ConversationLog): Promise<void> {
    const log = await this.#deps.signing.sign(given);
    if (archive === undefined) return;
    const { id } = log;
    const key = await this.#deps.keys.of(id);
    await archive.write(
      encryptedLogOf(log, (record) => encryptedRecord({ id, key }, record.seq, JSON.stringify(record))),
    );
  }

  async #archive(id: string, write: (archive: LogArchive | undefined) => Promise<void>): Promise<boolean> {
    const { archive, metrics } = this.#deps;
    if (this.paused) return false;
    try {
      await write(archive);
      metrics.inc('conversation_log_writes_total', { status: 'ok' });
      return true;
    } catch (err) {
      metrics.inc('conversation_log_writes_total', { status: 'failed' });
      this.#paused_until_ms = Date.now() + PAUSE_MS;
      this.#deps.log.error({ err, conversation_id: id }, 'a log could not be archived');
      return false;
    }
  }
}
