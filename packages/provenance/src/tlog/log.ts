/** A transparency log in files: entries are on the disk before they are acknowledged, and checkpoints are signed over them. */
import { checkpointText, openCheckpoint, type SignedCheckpoint } from './checkpoint.ts';
import type { Disk } from './disk.ts';
import { consistencyProof, inclusionProof, rootOf } from './merkle.ts';
import { encodeNote, type Signer, signText, type Verifier } from './note.ts';
import { LogDamagedError, TileStore } from './tile-store.ts';
import { MAX_ENTRY_BYTES, TILE_WIDTH } from './tiles.ts';
import { entriesOf, Segment, segmentPath, segmentsOf } from './wal.ts';

const CHECKPOINT = 'checkpoint';
const SEGMENT_ENTRIES = 65_536;
/** A file of the write-ahead log that has so much ends with its next full tile: all of it is read at a start. */
const SEGMENT_BYTES = 64 * 1024 * 1024;
/** Entries that wait for the disk at most. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

/** The keys of a log that are replaced while it goes on. */
export interface LogSigners {
  readonly name: string;
  /** Those that sign just now, the newest first. */
  signers(): readonly Signer[];
  /** Those whose signatures count. */
  verifiers(): readonly Verifier[];
}

export interface LogOptions {
  readonly disk: Disk;
  /** The log's key, or its keys; their name is the origin of the log. */
  readonly signer: Signer | LogSigners;
  /** Entries in a file of the write-ahead log, a multiple of 256. */
  readonly segment_entries?: number;
}

/** The log takes no more entries just now: try again, or open it anew. */
export class LogUnavailableError extends Error {
  override name = 'LogUnavailableError';
}

interface Pending {
  readonly entry: Uint8Array;
  readonly resolve: (index: number) => void;
  readonly reject: (error: unknown) => void;
}

/** One log, written by one process. */
export class TransparencyLog {
  readonly #options: LogOptions & { readonly segment_entries: number };
  readonly #store: TileStore;
  /** Files of the write-ahead log that are full and still needed, by where they end. */
  readonly #finished: { readonly path: string; readonly end: number }[];
  #segment: Segment;
  #pending: Pending[] = [];
  #pending_bytes = 0;
  #writing: Promise<void> | undefined;
  #publishing: Promise<void> | undefined;
  #published:
    | { readonly text: string; readonly size: number; readonly root: Buffer; readonly by: string }
    | undefined;
  /** Why it takes no entries any more. */
  #failure: unknown;

  private constructor(options: LogOptions, opened: Opened) {
    this.#options = { segment_entries: SEGMENT_ENTRIES, ...options };
    this.#store = opened.store;
    this.#segment = opened.segment;
    this.#finished = [...opened.finished];
  }

  /**
   * Opens the log of a folder, or begins it. What a crash left is put in order: every entry that was acknowledged is
   * there. Throws `LogDamagedError` where the files are not what a checkpoint was signed over.
   */
  static async open(options: LogOptions): Promise<TransparencyLog> {
    const opened = await recovered(options);
    await opened.store.mend();
    const log = new TransparencyLog(options, opened);
    await log.publish();
    return log;
  }

  /** How many entries are on the disk. */
  get size(): number {
    return this.#store.size;
  }

  /** The newest signed checkpoint, a signed note. */
  get checkpoint(): string {
    return this.#published?.text ?? '';
  }

  /** Entries that the newest checkpoint is over. */
  get published_size(): number {
    return this.#published?.size ?? 0;
  }

  /** Whether it takes no entries any more: what is on the disk is not known, and it has to be opened anew. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Resolves with the index of the entry once it is on the disk. */
  append(entry: Uint8Array): Promise<number> {
    if (entry.length === 0 || entry.length > MAX_ENTRY_BYTES)
      return Promise.reject(
        new RangeError(`An entry has 1 to ${MAX_ENTRY_BYTES} bytes, not ${entry.length}.`),
      );
    if (this.#failure !== undefined) return Promise.reject(unavailable(this.#failure));
    if (this.#pending_bytes + entry.length > MAX_PENDING_BYTES)
      return Promise.reject(
        new LogUnavailableError('Too many entries wait for the disk of the log: try again later.'),
      );
    this.#pending_bytes += entry.length;
    return new Promise((resolve, reject) => {
      this.#pending.push({ entry, resolve, reject });
      this.#writing ??= this.#write();
    });
  }

  /** Signs a checkpoint over all that is on the disk, and writes the tiles that its readers need. */
  async publish(): Promise<void> {
    const { size } = this;
    // One that is under way may have begun before the last entries came, or a key.
    do {
      this.#publishing ??= this.#publish().finally(() => {
        this.#publishing = undefined;
      });
      await this.#publishing;
    } while (this.published_size < size || this.#published?.by !== idsOf(this.#signers()));
  }

  /** The audit path of an entry in the tree of a checkpoint. */
  inclusion(index: number, size = this.published_size): Promise<Buffer[]> {
    return inclusionProof((level, at) => this.#store.node(level, at), index, size);
  }

  /** That a checkpoint of `old` entries is the beginning of one of `size`. */
  consistency(old: number, size = this.published_size): Promise<Buffer[]> {
    return consistencyProof((level, at) => this.#store.node(level, at), old, size);
  }

  /** The root over the first `size` entries. */
  root(size: number): Promise<Buffer> {
    if (!Number.isSafeInteger(size) || size < 0 || size > this.size)
      return Promise.reject(new RangeError(`A log of ${this.size} entries has no first ${size}.`));
    return rootOf((level, at) => this.#store.node(level, at), size);
  }

  entry(index: number): Promise<Buffer> {
    if (!Number.isSafeInteger(index) || index < 0 || index >= this.size)
      return Promise.reject(new RangeError(`There is no entry ${index} in a log of ${this.size}.`));
    return this.#store.entry(index);
  }

  /** The entries from one on to before another. */
  entries(from: number, to: number): Promise<Buffer[]> {
    if (!Number.isSafeInteger(from) || from < 0 || from > to || to > this.size)
      return Promise.reject(new RangeError(`A log of ${this.size} entries has none from ${from} to ${to}.`));
    return this.#store.entries(from, to);
  }

  /** A checkpoint over the first `size` entries, of those that the newest is over: signed where none was kept. */
  async checkpointAt(size: number): Promise<string> {
    if (size === this.published_size) return this.checkpoint;
    return this.#sign({ size, root: await this.root(size) });
  }

  /** Writes what waits, publishes it, and lets go of the files. */
  async close(): Promise<void> {
    await this.#writing;
    await (this.#failure === undefined ? this.publish() : this.#publishing?.catch(() => undefined));
    this.#failure ??= new LogUnavailableError('The log is closed.');
    await this.#segment.close();
  }

  /** Writes until nothing waits. In the same turn in which it sees that, the next entry begins another one. */
  async #write(): Promise<void> {
    // What is appended in the same turn of the event loop goes together.
    await undefined;
    try {
      while (this.#pending.length > 0) await this.#writeBatch();
    } finally {
      this.#writing = undefined;
    }
  }

  /** Group commit: what came while the disk was busy is one write. */
  async #writeBatch(): Promise<void> {
    const batch = this.#take();
    const written = await this.#segment.write(batch.map(({ entry }) => entry));
    switch (written.kind) {
      case 'durable':
        for (const { entry, resolve } of batch) resolve(this.#store.add(entry));
        break;
      case 'refused':
        for (const { reject } of batch) reject(unavailable(written.error));
        break;
      case 'unknown':
        this.#failure = written.error;
        for (const { reject } of batch) reject(unavailable(written.error));
        break;
      default:
        written satisfies never;
    }
    await this.#turn();
    if (this.#failure !== undefined)
      for (const { reject } of this.#pending.splice(0)) reject(unavailable(this.#failure));
  }

  /** The entries of the next write: those that the file has room for. */
  #take(): Pending[] {
    const room = this.#end() - this.#store.size;
    let count = 0;
    for (let bytes = 0; count < Math.min(room, this.#pending.length); count++) {
      bytes += this.#pending[count]?.entry.length ?? 0;
      if (bytes > MAX_BATCH_BYTES && count > 0) break;
    }
    const batch = this.#pending.splice(0, count);
    for (const { entry } of batch) this.#pending_bytes -= entry.length;
    return batch;
  }

  /** The entry before which the file of the write-ahead log ends. */
  #end(): number {
    const most = this.#segment.start + this.#options.segment_entries;
    const whole = Math.ceil(this.#store.size / TILE_WIDTH) * TILE_WIDTH;
    return this.#segment.bytes < SEGMENT_BYTES ? most : Math.min(most, whole);
  }

  /** Begins a new file of the write-ahead log where this one is full. */
  async #turn(): Promise<void> {
    const { size } = this.#store;
    if (this.#failure !== undefined || size < this.#end()) return;
    const full = this.#segment;
    try {
      const file = await this.#options.disk.append(segmentPath(size));
      this.#segment = new Segment(size, file, 0);
      this.#finished.push({ path: segmentPath(full.start), end: size });
      await full.close();
    } catch (error) {
      this.#failure = error;
    }
  }

  #signers(): readonly Signer[] {
    const { signer } = this.#options;
    return 'signers' in signer ? signer.signers() : [signer];
  }

  async #publish(): Promise<void> {
    const { disk } = this.#options;
    const signers = this.#signers();
    const by = idsOf(signers);
    const snapshot = this.#store.snapshot();
    const { size, root } = snapshot;
    if (size === this.#published?.size && by === this.#published.by) return;
    await this.#store.write(snapshot);
    const note = this.#sign({ size, root }, signers);
    await disk.replace(CHECKPOINT, Buffer.from(note));
    this.#published = { text: note, size, root, by };
    await this.#release();
  }

  #sign(
    { size, root }: { readonly size: number; readonly root: Buffer },
    signers: readonly Signer[] = this.#signers(),
  ): string {
    const text = checkpointText({ origin: this.#options.signer.name, size, root });
    const now_s = Math.floor(Date.now() / 1000);
    return encodeNote({ text, signatures: signers.map((one) => signText(text, one, now_s)) });
  }

  /** Removes files of the write-ahead log whose entries lie in full tiles and bundles on the disk. */
  async #release(): Promise<void> {
    const done = this.#finished.filter(({ end }) => end <= this.published_size);
    if (done.length === 0) return;
    await this.#store.sync();
    for (const { path } of done) await this.#options.disk.remove(path);
    this.#finished.splice(0, done.length);
  }
}

function idsOf(signers: readonly Signer[]): string {
  return signers.map(({ key_id }) => key_id.toString('hex')).join();
}

function unavailable(cause: unknown): LogUnavailableError {
  if (cause instanceof LogUnavailableError) return cause;
  return new LogUnavailableError('The disk of the log does not take entries: they are not in the log.', {
    cause,
  });
}

interface Opened {
  readonly store: TileStore;
  readonly segment: Segment;
  readonly finished: readonly { readonly path: string; readonly end: number }[];
}

/** The log as its files have it: the tiles up to the oldest write-ahead file, and the entries of that and the later ones. */
async function recovered({ disk, signer }: LogOptions): Promise<Opened> {
  const signed = (await disk.read(CHECKPOINT))?.toString();
  const promised = signed === undefined ? undefined : promisedIn(signed, signer);
  const starts = await segmentsOf(disk);
  if (starts.length === 0 && (promised?.size ?? 0) > 0)
    throw new LogDamagedError(
      `The log's write-ahead files are gone, of ${promised?.size} entries that were signed.`,
    );
  let store = await storeAt(disk, starts[0] ?? 0, promised);
  const finished: { path: string; end: number }[] = [];
  let bytes = 0;
  for (const [n, start] of starts.entries()) {
    // A crash may bring a removed file back and not the one behind it: the tiles have what was in both.
    if (start > store.size) store = await storeAt(disk, start, promised);
    const read = entriesOf((await disk.read(segmentPath(start))) ?? Buffer.alloc(0), MAX_ENTRY_BYTES);
    for (const entry of read.entries) {
      store.add(entry);
      compare(store, promised);
    }
    bytes = read.bytes;
    if (n < starts.length - 1) finished.push({ path: segmentPath(start), end: store.size });
  }
  if (promised !== undefined && store.size < promised.size)
    throw new LogDamagedError(
      `The log has ${store.size} entries, and its checkpoint was signed over ${promised.size}.`,
    );
  const start = starts.at(-1) ?? 0;
  const file = await disk.append(segmentPath(start));
  await file.truncate(bytes);
  await file.sync();
  return { store, segment: new Segment(start, file, bytes), finished };
}

/** Throws `LogDamagedError` where the log has not signed what is there. */
function promisedIn(signed: string, signer: Signer | LogSigners): SignedCheckpoint {
  try {
    return openCheckpoint(signed, 'verifiers' in signer ? signer.verifiers() : signer);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LogDamagedError(`The checkpoint of the log does not hold: ${why}`, { cause });
  }
}

/** The log up to an entry, from its tiles. */
async function storeAt(disk: Disk, size: number, promised: SignedCheckpoint | undefined): Promise<TileStore> {
  if (size % TILE_WIDTH !== 0)
    throw new LogDamagedError(`No write-ahead file of a log begins with entry ${size}.`);
  const store = new TileStore(disk);
  await store.restore(size);
  compare(store, promised);
  return store;
}

/** Where the log has as many entries as were signed, they are those that were signed. */
function compare(store: TileStore, promised: SignedCheckpoint | undefined): void {
  if (promised?.size === store.size && !promised.root.equals(store.root))
    throw new LogDamagedError(
      `The first ${promised.size} entries of the log are not those that its checkpoint was signed over.`,
    );
}
