/** A log as its readers have it: its newest checkpoint and its tiles, wherever they are; and whether what it was before is its beginning. */
import { type Checkpoint, checkpointOf } from './checkpoint.ts';
import {
  consistencyProof,
  HASH_BYTES,
  inclusionProof,
  leafHash,
  provesConsistency,
  provesInclusion,
  rootOf,
} from './merkle.ts';
import { decodeNote, signersOf, type Verifier } from './note.ts';
import { nodeOver, placeOfNode, TILE_WIDTH, tilePath } from './tiles.ts';

/** Tiles that are kept for the next proof, 8 KiB each. */
const MAX_CACHED = 256;

/** Reads a checkpoint that one of the keys of its log has signed. Throws a TypeError that says what does not fit. */
export function checkpointBy(signed: string, keys: readonly Verifier[]): Checkpoint {
  const note = decodeNote(signed);
  const checkpoint = checkpointOf(note.text);
  if (signersOf(note, keys).some(({ name }) => name === checkpoint.origin)) return checkpoint;
  throw new TypeError(
    `The checkpoint of ${checkpoint.origin.slice(0, 80)} is not signed by a key that is known here.`,
  );
}

interface ReaderOptions {
  /** The newest checkpoint. */
  readonly checkpoint: Checkpoint;
  /** A tile by its path; undefined: there is none. */
  tile(path: string): Promise<Buffer | undefined>;
}

export class LogReader {
  readonly checkpoint: Checkpoint;
  readonly #options: ReaderOptions;
  readonly #cache = new Map<string, Buffer>();

  private constructor(options: ReaderOptions) {
    this.checkpoint = options.checkpoint;
    this.#options = options;
  }

  /** Throws a TypeError where the tiles are not those of the checkpoint. */
  static async open(options: ReaderOptions): Promise<LogReader> {
    const reader = new LogReader(options);
    const { size, root } = options.checkpoint;
    if ((await rootOf((level, index) => reader.#node(level, index), size)).equals(root)) return reader;
    throw new TypeError(`The tiles of the log do not fit its checkpoint over ${size} entries.`);
  }

  /** What contradicts that the log goes on from a tree that it had before; undefined: nothing does. */
  async contradiction(before: Checkpoint): Promise<string | undefined> {
    const { size } = this.checkpoint;
    if (before.origin !== this.checkpoint.origin)
      return `It is of the log ${before.origin.slice(0, 80)}, not of ${this.checkpoint.origin.slice(0, 80)}.`;
    if (before.size > size)
      return `The log was rolled back: it has ${size} entries, and had signed ${before.size}.`;
    const hashes = await consistencyProof((level, index) => this.#node(level, index), before.size, size);
    return provesConsistency(hashes, { old: before, current: this.checkpoint })
      ? undefined
      : `The first ${before.size} entries of the log are others than those that it had signed before.`;
  }

  /** Whether an entry is number `index` of a tree that this log had. */
  async has(entry: Uint8Array, index: number, { size, root }: Checkpoint): Promise<boolean> {
    if (index >= size || size > this.checkpoint.size) return false;
    const hashes = await inclusionProof((level, at) => this.#node(level, at), index, size);
    return provesInclusion(hashes, { leaf: leafHash(entry), index, size, root });
  }

  async #node(level: number, index: number): Promise<Buffer> {
    const { tile_level, tile_index, at, count } = placeOfNode(level, index);
    const there = Math.floor(this.checkpoint.size / TILE_WIDTH ** tile_level) - tile_index * TILE_WIDTH;
    const width = Math.min(TILE_WIDTH, there);
    const hashes = await this.#tile({ level: tile_level, index: tile_index, width });
    return nodeOver(hashes, at, count);
  }

  async #tile(tile: Parameters<typeof tilePath>[0]): Promise<Buffer> {
    const path = tilePath(tile);
    const known = this.#cache.get(path);
    if (known !== undefined) return known;
    // A part may have become full since the checkpoint was read.
    const hashes =
      (await this.#options.tile(path)) ??
      (await this.#options.tile(tilePath({ ...tile, width: TILE_WIDTH })));
    if (hashes === undefined || hashes.length < tile.width * HASH_BYTES)
      throw new TypeError(`The tile ${path} of the log is missing, or cut.`);
    this.#cache.set(path, hashes);
    if (this.#cache.size > MAX_CACHED) this.#cache.delete(this.#cache.keys().next().value as string);
    return hashes;
  }
}
