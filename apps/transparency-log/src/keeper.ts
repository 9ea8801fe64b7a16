/** Keeps the region's log open: publishes what was added, opens it anew after a failure of its disk, and lets nothing in where it was tampered with. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type KeyChange, type KeyChanged, PlatformError, type Principal } from '@mcp/contracts';
import {
  type Disk,
  folderDisk,
  LogDamagedError,
  openCheckpoint,
  TransparencyLog,
} from '@mcp/provenance/tlog';
import { backOff } from '@mcp/service-kit';
import { lockFolder } from './folder-lock.ts';
import type { TransparencyLogKit } from './kit.ts';
import type { LogKeys } from './log-keys.ts';

/** Entries are signed over at most so long after they are durable, and a little: what comes meanwhile is in the same checkpoint. */
const PUBLISH_MS = 40;
/** Entries that may wait for the disk, of all calls together. */
const MAX_WAITING = 50_000;
const RETRY = { first_ms: 100, most_ms: 5000 } as const;
/** Why nothing is let in any more, beside the files of the log: until somebody has looked and removed it. */
const READ_ONLY = 'read-only.json';

export interface KeeperOptions {
  readonly kit: Pick<TransparencyLogKit, 'log' | 'metrics'>;
  readonly folder: string;
  /** The keys of the log, which are on its disk. */
  keysOn(disk: Disk): Promise<LogKeys>;
  /** Of the folder, unless a test gives another one. */
  readonly disk?: Disk;
}

export class LogKeeper {
  readonly disk: Disk;
  readonly #kit: KeeperOptions['kit'];
  readonly #closing = new AbortController();
  readonly #lock: { release(): void };
  #keys: LogKeys | undefined;
  #log: TransparencyLog | undefined;
  #read_only: string | undefined;
  #opening: Promise<void> | undefined;
  #waiting = 0;
  /** When the oldest entry became durable that no checkpoint is over. */
  #unpublished_since_ms: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;

  private constructor({ kit, folder, disk = folderDisk(folder) }: KeeperOptions) {
    this.disk = disk;
    this.#kit = kit;
    this.#lock = lockFolder(folder);
  }

  /** Throws where another process has the folder, or its disk cannot be read. */
  static async open(options: KeeperOptions): Promise<LogKeeper> {
    const keeper = new LogKeeper(options);
    try {
      keeper.#keys = await options.keysOn(keeper.disk);
      await keeper.#open();
      return keeper;
    } catch (error) {
      keeper.#keys?.close();
      keeper.#lock.release();
      throw error;
    }
  }

  get keys(): LogKeys {
    if (this.#keys === undefined) throw new Error('The keys of the log are not there before it is open.');
    return this.#keys;
  }

  /** Changes the keys of the log; the newest checkpoint is signed with those that sign from now on. For administrators. */
  async changeKeys(change: KeyChange, principal: Principal): Promise<KeyChanged> {
    const changed = await this.keys.change(change, principal);
    if (!changed.dry_run) await this.publish();
    return changed;
  }

  /** Throws while the log is being opened anew. One that is read-only still answers. */
  check(): void {
    if (this.#log === undefined && this.#read_only === undefined) this.readable();
  }

  /** Whether the log can be read now. */
  get is_open(): boolean {
    return this.#log !== undefined;
  }

  /** Why it takes no entries, where something was tampered with. */
  get read_only(): string | undefined {
    return this.#read_only;
  }

  /** Entries that are on its disk; 0 while it cannot be read. */
  get size(): number {
    return this.#log?.size ?? 0;
  }

  /** The log, to be read. Throws `unavailable`. */
  readable(): TransparencyLog {
    if (this.#log !== undefined) return this.#log;
    throw new PlatformError(
      'unavailable',
      this.#read_only === undefined
        ? 'The transparency log is being opened anew after a failure of its disk. Try again in a moment.'
        : `The transparency log cannot be read: ${this.#read_only} An operator has to look at it.`,
      this.#read_only === undefined ? { retry_after_ms: 1000 } : { retryable: false },
    );
  }

  /** Resolves with where the entries are once they are durable. Throws `overloaded`, `unavailable`. */
  async append(entries: readonly string[]): Promise<number[]> {
    const count = (status: string) =>
      this.#kit.metrics.inc('transparency_log_entries_total', { status }, entries.length);
    const began_ms = performance.now();
    try {
      const indexes = await this.#append(entries);
      count('durable');
      this.#kit.metrics.observe(
        'transparency_log_append_duration_seconds',
        {},
        (performance.now() - began_ms) / 1000,
      );
      return indexes;
    } catch (error) {
      count(error instanceof PlatformError && error.code === 'overloaded' ? 'overloaded' : 'unavailable');
      throw error;
    }
  }

  /** A checkpoint over all that is durable now. */
  async publish(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const log = this.readable();
    const since_ms = this.#unpublished_since_ms;
    this.#unpublished_since_ms = undefined;
    try {
      await log.publish();
      this.#failures = 0;
      if (since_ms !== undefined)
        this.#kit.metrics.observe(
          'transparency_log_checkpoint_duration_seconds',
          {},
          (performance.now() - since_ms) / 1000,
        );
    } catch (err) {
      this.#unpublished_since_ms = since_ms ?? performance.now();
      this.#failures++;
      this.#kit.log.error({ err }, 'the transparency log cannot publish a checkpoint; it is tried again');
      this.#schedule(backOff(this.#failures, RETRY));
      throw new PlatformError(
        'unavailable',
        'The transparency log cannot write to its disk. Try again in a moment.',
        { retry_after_ms: 1000, cause: err },
      );
    }
  }

  /** Lets nothing in any more, now and after a restart, until an operator has looked. */
  async quarantine(reason: string): Promise<void> {
    if (this.#read_only !== undefined) return;
    this.#read_only = reason;
    this.#kit.metrics.set('transparency_log_read_only', {}, 1);
    this.#kit.log.fatal({ reason }, 'the transparency log was tampered with: it is read-only');
    const text = `${JSON.stringify({ reason, since: new Date().toISOString() }, null, 2)}\n`;
    await this.disk
      .replace(READ_ONLY, Buffer.from(text))
      .catch((err: unknown) => this.#kit.log.error({ err }, 'that the log is read-only cannot be written'));
  }

  /** Whether the log goes on from a checkpoint that others kept of it; where it does not, it is read-only from now on. */
  async follows(note: string): Promise<boolean> {
    let known: ReturnType<typeof openCheckpoint>;
    try {
      known = openCheckpoint(note, this.keys.verifiers());
    } catch (err) {
      this.#kit.log.error({ err }, 'a checkpoint that others kept is not one of this log: it is passed over');
      return true;
    }
    const log = this.readable();
    if (known.size > log.size) {
      await this.quarantine(
        `It was rolled back: it has ${log.size} entries, and had signed ${known.size} before.`,
      );
      return false;
    }
    if ((await log.root(known.size)).equals(known.root)) return true;
    await this.quarantine(
      `Its first ${known.size} entries are others than those that it had signed before: there are two logs of one name.`,
    );
    return false;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await this.#opening;
    await this.#log
      ?.close()
      .catch((err: unknown) => this.#kit.log.error({ err }, 'the transparency log did not close well'));
    this.#keys?.close();
    this.#lock.release();
  }

  async #append(entries: readonly string[]): Promise<number[]> {
    if (this.#read_only !== undefined)
      throw new PlatformError(
        'unavailable',
        `The transparency log of this region is read-only: ${this.#read_only} An operator has to look at it.`,
        { retryable: false },
      );
    const log = this.readable();
    if (this.#waiting + entries.length > MAX_WAITING)
      throw new PlatformError(
        'overloaded',
        `${this.#waiting} entries wait for the disk of the transparency log, of at most ${MAX_WAITING}. Try again in a moment.`,
        { retry_after_ms: 500 },
      );
    this.#waiting += entries.length;
    try {
      const indexes = await Promise.all(entries.map((entry) => log.append(Buffer.from(entry))));
      this.#unpublished_since_ms ??= performance.now();
      this.#schedule(PUBLISH_MS);
      this.#kit.metrics.set('transparency_log_entries', {}, log.size);
      return indexes;
    } catch (cause) {
      if (log.failed) this.#reopen(log);
      throw new PlatformError(
        'unavailable',
        'The transparency log cannot write to its disk; some of the entries may be in it. Try again in a moment.',
        { retry_after_ms: 1000, cause },
      );
    } finally {
      this.#waiting -= entries.length;
    }
  }

  #schedule(after_ms: number): void {
    if (this.#closing.signal.aborted) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // What failed is said, and tried again.
      void this.publish().catch(() => undefined);
    }, after_ms);
  }

  async #open(): Promise<void> {
    this.#read_only ??= await this.#quarantined();
    try {
      this.#log = await TransparencyLog.open({ disk: this.disk, signer: this.keys });
      this.#kit.metrics.set('transparency_log_entries', {}, this.#log.size);
    } catch (error) {
      if (!(error instanceof LogDamagedError)) throw error;
      await this.quarantine(error.message);
    }
    this.#kit.metrics.set('transparency_log_read_only', {}, this.#read_only === undefined ? 0 : 1);
  }

  async #quarantined(): Promise<string | undefined> {
    const text = (await this.disk.read(READ_ONLY))?.toString();
    if (text === undefined) return undefined;
    return /"reason": "(.*)"/.exec(text)?.[1] ?? `${READ_ONLY} is in its folder.`;
  }

  /** After a failed write nobody knows what is on the disk: it is read again. */
  #reopen(failed: TransparencyLog): void {
    if (this.#log !== failed) return;
    this.#log = undefined;
    this.#opening = this.#openAnew(failed).finally(() => {
      this.#opening = undefined;
    });
  }

  async #openAnew(failed: TransparencyLog): Promise<void> {
    await failed.close().catch(() => undefined);
    const { signal } = this.#closing;
    for (let times = 1; !signal.aborted; times++) {
      try {
        await this.#open();
        return;
      } catch (err) {
        this.#kit.log.error({ err, times }, 'the transparency log cannot be opened; it is tried again');
        await sleep(backOff(times, RETRY), undefined, { signal }).catch(() => undefined);
      }
    }
  }
}
