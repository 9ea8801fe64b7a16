/** A copy of another log in files: entries come in where they lead to a tree that the log has signed, and no others. */
import { type Checkpoint, checkpointOf } from './checkpoint.ts';
import type { Disk } from './disk.ts';
import { rootOf } from './merkle.ts';
import { decodeNote, type Verifier } from './note.ts';
import { checkpointBy } from './reader.ts';
import { LogDamagedError, TileStore } from './tile-store.ts';
import { bundlePath, decodeBundle, firstOf, TILE_WIDTH } from './tiles.ts';

const CHECKPOINT = 'checkpoint';

/** Entries in the order of their log, and the signed checkpoint of the tree that ends with them. */
export interface CopyBatch {
  /** The index of the first. */
  readonly from: number;
  readonly entries: readonly Uint8Array[];
  readonly checkpoint: string;
}

/** What became of a batch. */
export type Taken =
  /** Its entries are on the disk, with the checkpoint over them; or they were there before. */
  | { readonly status: 'taken' | 'known' }
  /** Entries between those of the copy and these are missing. */
  | { readonly status: 'gap' }
  /** It is of a log of another name. */
  | { readonly status: 'other_log' }
  /** It is not what the log has signed, and none of it was taken. */
  | { readonly status: 'broken'; readonly reason: string }
  /** The log has signed a tree that differs from the one that it had signed before. */
  | { readonly status: 'two_histories'; readonly reason: string };

interface CopyOptions {
  readonly disk: Disk;
  readonly origin: string;
  /** Keys of the log, any of which counts; asked each time, for they may change. */
  keys(): readonly Verifier[];
}

/** Written by one process. */
export class LogCopy {
  readonly #options: CopyOptions;
  #opened: Opened;

  private constructor(options: CopyOptions, opened: Opened) {
    this.#options = options;
    this.#opened = opened;
  }

  /** Throws `LogDamagedError` where the files are not what the checkpoint in them was signed over. */
  static async open(options: CopyOptions): Promise<LogCopy> {
    return new LogCopy(options, await openedFrom(options));
  }

  /** Without the files that are there: they stay, and what comes takes their place. */
  static anew(options: CopyOptions): LogCopy {
    return new LogCopy(options, { store: new TileStore(options.disk), note: '' });
  }

  get size(): number {
    return this.#opened.store.size;
  }

  /** The log's own checkpoint over what is in the copy; empty where nothing is. */
  get checkpoint(): string {
    return this.#opened.note;
  }

  /** Whether a checkpoint of the log is over the entries of the copy; undefined: it is over more. Throws a TypeError for one of others. */
  async fits(checkpoint: string): Promise<boolean | undefined> {
    const { size, root } = openBy(checkpoint, this.#options);
    return size > this.size ? undefined : (await this.#root(size)).equals(root);
  }

  /** Durable when it resolves. Throws where the disk fails: the copy is then what it was before. */
  async take({ from, entries, checkpoint }: CopyBatch): Promise<Taken> {
    const end = from + entries.length;
    let signed: Checkpoint;
    try {
      if (checkpointOf(decodeNote(checkpoint).text).origin !== this.#options.origin)
        return { status: 'other_log' };
      signed = openBy(checkpoint, this.#options);
    } catch (error) {
      return { status: 'broken', reason: error instanceof Error ? error.message : String(error) };
    }
    if (from > this.size) return { status: 'gap' };
    if (signed.size !== end)
      return {
        status: 'broken',
        reason: `Its checkpoint is over ${signed.size} entries, and it ends with ${end}.`,
      };
    if (end <= this.size)
      return (await this.#root(end)).equals(signed.root) ? { status: 'known' } : twoHistories(end);
    const { store } = this.#opened;
    try {
      for (const entry of entries.slice(this.size - from)) store.add(entry);
      if (store.root.equals(signed.root)) {
        await this.#write(checkpoint);
        return { status: 'taken' };
      }
    } catch (error) {
      this.#opened = await openedFrom(this.#options);
      throw error;
    }
    this.#opened = await openedFrom(this.#options);
    return {
      status: 'broken',
      reason: `Entries ${from} to ${end - 1} do not lead to the tree that was signed over ${end}.`,
    };
  }

  #root(size: number): Promise<Buffer> {
    const { store } = this.#opened;
    return rootOf((level, at) => store.node(level, at), size);
  }

  async #write(checkpoint: string): Promise<void> {
    const { store } = this.#opened;
    const { disk } = this.#options;
    const snapshot = store.snapshot();
    await store.write(snapshot);
    await store.sync();
    await disk.sync(snapshot.unfinished.map(({ path }) => path));
    await disk.replace(CHECKPOINT, Buffer.from(checkpoint));
    this.#opened = { store, note: checkpoint };
  }
}

interface Opened {
  readonly store: TileStore;
  readonly note: string;
}

function twoHistories(size: number): Taken {
  return {
    status: 'two_histories',
    reason: `The log has signed another tree over its first ${size} entries before.`,
  };
}

/** Throws a TypeError where none of the keys has signed it, or it is of another log. */
function openBy(text: string, { origin, keys }: CopyOptions): Checkpoint {
  const checkpoint = checkpointBy(text, keys());
  if (checkpoint.origin !== origin)
    throw new TypeError(`Its checkpoint is one of ${checkpoint.origin.slice(0, 80)}, not of ${origin}.`);
  return checkpoint;
}

async function openedFrom(options: CopyOptions): Promise<Opened> {
  const { disk } = options;
  const store = new TileStore(disk);
  const note = (await disk.read(CHECKPOINT))?.toString() ?? '';
  if (note === '') return { store, note };
  try {
    const { size, root } = openBy(note, options);
    const width = size % TILE_WIDTH;
    await store.restore(size - width);
    for (const entry of await lastBundle(disk, size, width)) store.add(entry);
    if (store.root.equals(root)) return { store, note };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LogDamagedError(`The copy of ${options.origin} cannot be read: ${why}`, { cause });
  }
  throw new LogDamagedError(`The copy of ${options.origin} is not what its checkpoint was signed over.`);
}

/** The entries behind the last full tile; a crash may have left the full bundle that was to follow in their place. */
async function lastBundle(disk: Disk, size: number, width: number): Promise<readonly Buffer[]> {
  if (width === 0) return [];
  const index = Math.floor(size / TILE_WIDTH);
  const part = await disk.read(bundlePath(index, width));
  if (part !== undefined) return decodeBundle(part, width);
  const path = bundlePath(index, TILE_WIDTH);
  const full = await disk.read(path);
  if (full === undefined) throw new LogDamagedError(`The file ${bundlePath(index, width)} is missing.`);
  return decodeBundle(firstOf(path, full, width), width);
}
