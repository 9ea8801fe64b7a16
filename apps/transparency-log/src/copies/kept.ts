/** Keeps copies of the logs of other regions, on this disk: what comes over the link of the event buses is verified before it is taken. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LogCopyState, PlatformError } from '@mcp/contracts';
import { type CopyBatch, type Disk, folderDisk, LogCopy, LogDamagedError } from '@mcp/provenance/tlog';
import { type Bus, backOff } from '@mcp/service-kit';
import { ENTRIES_STREAM, ENTRIES_SUBJECT } from '../../manifest.ts';
import type { TransparencyLogKit } from '../kit.ts';
import type { Peers } from '../peers.ts';
import { logId, type Witness } from '../witness.ts';
import { decodeBatch } from './batch.ts';

const EVERY_MS = 250;
const RETRY = { first_ms: 250, most_ms: 10_000 } as const;
/** How often the stream is looked at where no message comes. */
const LOOK_MS = 5000;

interface KeptDeps {
  readonly kit: Pick<TransparencyLogKit, 'bus' | 'log' | 'metrics' | 'config'>;
  /** Of this service's log: copies lie beside it. */
  readonly folder: string;
  readonly peers: Peers;
  readonly witness: Witness;
}

export class KeptCopies {
  readonly #copies: ReadonlyMap<string, KeptCopy>;

  constructor(deps: KeptDeps) {
    const kept = deps.kit.config.MCP_LOG_PEERS.flatMap(({ origin, region, kept_here }) =>
      kept_here && region !== undefined
        ? [[logId(origin), new KeptCopy(deps, { origin, region })] as const]
        : [],
    );
    this.#copies = new Map(kept);
  }

  /** How far a copy is. Throws `not_found`, and `unavailable` while it is not known. */
  state(log_id: string): LogCopyState {
    return this.#copy(log_id).state();
  }

  /** The files of a copy. Throws `not_found`. */
  diskOf(log_id: string): Disk {
    return this.#copy(log_id).disk;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#copies.values()].map((copy) => copy.close()));
  }

  #copy(log_id: string): KeptCopy {
    const copy = this.#copies.get(log_id);
    if (copy === undefined) throw new PlatformError('not_found', 'No copy of that log is kept here.');
    return copy;
  }
}

class KeptCopy {
  readonly disk: Disk;
  readonly #deps: KeptDeps;
  readonly #of: { readonly origin: string; readonly region: string };
  readonly #closing = new AbortController();
  #copy: LogCopy | undefined;
  /** The stream that the messages come to; undefined: it is looked for. */
  #stream: string | undefined;
  #next_seq = 1;
  /** The last message of the stream; undefined: not known. */
  #last_seq: number | undefined;
  #looked_ms = Number.NEGATIVE_INFINITY;
  #writing: Promise<unknown> | undefined;

  constructor(deps: KeptDeps, of: { readonly origin: string; readonly region: string }) {
    this.#deps = deps;
    this.#of = of;
    this.disk = folderDisk(join(deps.folder, 'copies', logId(of.origin)));
    void this.#run();
  }

  state(): LogCopyState {
    const { origin } = this.#of;
    if (this.#copy === undefined || this.#last_seq === undefined)
      throw new PlatformError(
        'unavailable',
        `The copy of ${origin} is being opened. Try again in a moment.`,
        {
          retry_after_ms: 1000,
        },
      );
    return { size: this.#copy.size, note: this.#copy.checkpoint, last_seq: this.#last_seq };
  }

  /** What is being written is waited for; the event bus is not. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#writing;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const { kit } = this.#deps;
    let failures = 0;
    while (!signal.aborted) {
      let pause_ms = EVERY_MS;
      try {
        if (await this.#round()) pause_ms = 0;
        failures = 0;
      } catch (err) {
        this.#stream = undefined;
        failures++;
        pause_ms = backOff(failures, RETRY);
        if (failures === 1 && !signal.aborted)
          kit.log.warn({ err, peer: this.#of.origin }, 'entries of another log cannot be copied just now');
      }
      if (pause_ms > 0) await sleep(pause_ms, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Whether a message came. */
  async #round(): Promise<boolean> {
    const { kit, peers } = this.#deps;
    const { origin, region } = this.#of;
    const bus = await kit.bus();
    this.#stream ??= await bus.mirror(ENTRIES_STREAM, region, kit.config.MCP_LOG_COPY_STREAM_BYTES);
    // Who it is is asked once, for the witness: without its keys nothing can be verified.
    if (peers.keysOf(origin).length === 0) return false;
    this.#copy ??= await this.#open();
    if (this.#last_seq === undefined) await this.#look(bus, this.#stream);
    const message = await bus.manager.direct.getMessage(this.#stream, {
      seq: this.#next_seq,
      next_by_subj: ENTRIES_SUBJECT,
    });
    if (this.#closing.signal.aborted) return false;
    if (message === null) {
      await this.#look(bus, this.#stream);
      return false;
    }
    await this.#take(this.#copy, message.data);
    this.#next_seq = message.seq + 1;
    this.#last_seq = Math.max(this.#last_seq ?? 0, message.seq);
    return true;
  }

  /** A stream that is another one, with fewer messages, is read from its beginning. */
  async #look(bus: Bus, stream: string): Promise<void> {
    if (performance.now() - this.#looked_ms < LOOK_MS) return;
    this.#looked_ms = performance.now();
    const last_seq = (await bus.find(stream))?.state.last_seq ?? 0;
    if (last_seq + 1 < this.#next_seq) this.#next_seq = 1;
    this.#last_seq = last_seq;
  }

  async #open(): Promise<LogCopy> {
    const { kit, peers } = this.#deps;
    const { origin } = this.#of;
    const options = { disk: this.disk, origin, keys: () => peers.keysOf(origin) };
    let copy: LogCopy;
    try {
      copy = await LogCopy.open(options);
    } catch (err) {
      if (!(err instanceof LogDamagedError)) throw err;
      kit.log.fatal({ err, peer: origin }, 'a copy of another log was changed: it is copied anew');
      this.#count('broken');
      copy = LogCopy.anew(options);
    }
    kit.metrics.set('transparency_log_copied_entries', { peer: origin }, copy.size);
    return copy;
  }

  async #take(copy: LogCopy, data: Uint8Array): Promise<void> {
    const { kit } = this.#deps;
    const peer = this.#of.origin;
    let batch: CopyBatch;
    try {
      batch = decodeBatch(data);
    } catch (err) {
      this.#count('broken');
      kit.log.fatal({ err, peer }, 'a message of entries of another log cannot be read');
      return;
    }
    const taking = copy.take(batch);
    this.#writing = taking.catch(() => undefined);
    const taken = await taking;
    switch (taken.status) {
      case 'taken':
        kit.metrics.set('transparency_log_copied_entries', { peer }, copy.size);
        await this.#compare(copy);
        break;
      case 'known':
      case 'gap':
      case 'other_log':
        break;
      case 'broken':
        kit.log.fatal({ peer, reason: taken.reason }, 'entries came that another log has not signed');
        break;
      case 'two_histories':
        this.#twoHistories(batch.checkpoint, taken.reason);
        break;
      default:
        taken satisfies never;
    }
    this.#count(taken.status);
  }

  /** What was cosigned here has to be over the entries of the copy. */
  async #compare(copy: LogCopy): Promise<void> {
    const { witness } = this.#deps;
    const note = await witness.newest(logId(this.#of.origin));
    if (note !== undefined && (await copy.fits(note)) === false) {
      this.#count('two_histories');
      this.#twoHistories(note, 'The checkpoint that was cosigned here is not over the entries that came.');
    }
  }

  #twoHistories(checkpoint: string, reason: string): void {
    const { kit } = this.#deps;
    kit.metrics.set('transparency_log_witnessed_two_histories', {}, 1);
    kit.log.fatal(
      { peer: this.#of.origin, checkpoint, reason },
      'a log that is copied here has signed two histories',
    );
  }

  #count(status: string): void {
    this.#deps.kit.metrics.inc('transparency_log_copy_messages_total', { peer: this.#of.origin, status });
  }
}
