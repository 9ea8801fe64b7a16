/** The tiles and entry bundles of a log: what is full lies in files, the rest in memory too. */
import type { Disk } from './disk.ts';
import { Edge, type FullTile } from './edge.ts';
import { HASH_BYTES } from './merkle.ts';
import {
  bundlePath,
  decodeBundle,
  encodeBundle,
  nodeOver,
  placeOfNode,
  TILE_WIDTH,
  type Tile,
  tilePath,
} from './tiles.ts';

interface File {
  readonly path: string;
  readonly bytes: Buffer;
}

/** The log at a moment, and the files that readers of that size need. */
export interface Snapshot {
  readonly size: number;
  readonly root: Buffer;
  readonly full: readonly File[];
  readonly unfinished: readonly File[];
}

/** Full tiles that are kept in memory for proofs, 8 KiB each. */
const MAX_CACHED = 64;

export class TileStore {
  readonly #disk: Disk;
  readonly #edge = new Edge();
  /** Entries of the unfinished bundle. */
  #entries: Uint8Array[] = [];
  /** Full files that are not written yet, by path. */
  #unwritten = new Map<string, Buffer>();
  /** Full files that are written and may not be on the disk yet. */
  #unsynced: string[] = [];
  readonly #cache = new Map<string, Buffer>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  get size(): number {
    return this.#edge.size;
  }

  get root(): Buffer {
    return this.#edge.root();
  }

  /** Takes up a log of `size` entries, a multiple of 256, from its full tiles. */
  restore(size: number): Promise<void> {
    return this.#edge.restore(size, (tile) => this.#tile(tile));
  }

  /** Adds an entry; returns its index. */
  add(entry: Uint8Array): number {
    const index = this.#edge.size;
    for (const tile of this.#edge.add(entry)) this.#unwritten.set(tilePath(tile), tile.hashes);
    this.#entries.push(entry);
    if (this.#entries.length === TILE_WIDTH) {
      this.#unwritten.set(
        bundlePath(Math.floor(index / TILE_WIDTH), TILE_WIDTH),
        encodeBundle(this.#entries),
      );
      this.#entries = [];
    }
    return index;
  }

  snapshot(): Snapshot {
    const { size } = this.#edge;
    const files = (tiles: readonly FullTile[]) =>
      tiles.map((tile) => ({ path: tilePath(tile), bytes: tile.hashes }));
    const width = this.#entries.length;
    const bundle = {
      path: bundlePath(Math.floor(size / TILE_WIDTH), width),
      bytes: encodeBundle(this.#entries),
    };
    return {
      size,
      root: this.#edge.root(),
      full: [...this.#unwritten].map(([path, bytes]) => ({ path, bytes })),
      unfinished: [...files(this.#edge.tiles()), ...(width === 0 ? [] : [bundle])],
    };
  }

  /** Writes the files of a snapshot; what they take the place of is removed. */
  async write({ full, unfinished }: Snapshot): Promise<void> {
    for (const { path, bytes } of full) {
      await this.#disk.write(path, bytes);
      this.#unwritten.delete(path);
      this.#unsynced.push(path);
      for (const width of await this.#disk.list(`${path}.p`)) await this.#disk.remove(`${path}.p/${width}`);
    }
    for (const { path, bytes } of unfinished) await this.#disk.write(path, bytes);
  }

  /** Puts parts in order that a crash left torn, or that go beyond what is in the log; readers of older checkpoints ask for them. */
  async mend(): Promise<void> {
    const { unfinished } = this.snapshot();
    for (const { path, bytes } of unfinished) {
      const folder = path.slice(0, path.lastIndexOf('/'));
      const most = Number(path.slice(folder.length + 1));
      for (const name of await this.#disk.list(folder)) {
        const part = `${folder}/${name}`;
        const known = path.startsWith('tile/entries/')
          ? encodeBundle(this.#entries.slice(0, Number(name)))
          : bytes.subarray(0, Number(name) * HASH_BYTES);
        if (Number(name) > most) await this.#disk.remove(part);
        else if ((await this.#disk.read(part))?.equals(known) === false) await this.#disk.write(part, known);
      }
    }
  }

  /** Resolves once every full file that was written is on the disk. */
  async sync(): Promise<void> {
    const paths = this.#unsynced;
    this.#unsynced = [];
    try {
      await this.#disk.sync(paths);
    } catch (error) {
      this.#unsynced.push(...paths);
      throw error;
    }
  }

  /** A node of the tree whose leaves are all there. */
  async node(level: number, index: number): Promise<Buffer> {
    const { tile_level, tile_index, at, count } = placeOfNode(level, index);
    const inEdge = this.#edge.tile(tile_level, tile_index);
    if (inEdge !== undefined) return nodeOver(inEdge, at, count);
    return nodeOver(await this.#tile({ level: tile_level, index: tile_index, width: TILE_WIDTH }), at, count);
  }

  /** An entry that is there. */
  async entry(index: number): Promise<Buffer> {
    return (await this.entries(index, index + 1))[0] as Buffer;
  }

  /** Entries that are there, from the one on to before the other; each bundle is read once. */
  async entries(from: number, to: number): Promise<Buffer[]> {
    const found: Buffer[] = [];
    for (let at = from; at < to; ) {
      const start = at - (at % TILE_WIDTH);
      const end = Math.min(to, start + TILE_WIDTH);
      const bundle = await this.#bundle(start / TILE_WIDTH);
      found.push(...bundle.slice(at - start, end - start).map((entry) => Buffer.from(entry)));
      at = end;
    }
    return found;
  }

  async #bundle(index: number): Promise<readonly Uint8Array[]> {
    if (index === Math.floor(this.size / TILE_WIDTH)) return this.#entries;
    return decodeBundle(await this.#full(bundlePath(index, TILE_WIDTH)), TILE_WIDTH);
  }

  #tile(tile: Tile): Promise<Buffer> {
    return this.#full(tilePath(tile));
  }

  async #full(path: string): Promise<Buffer> {
    const known = this.#unwritten.get(path) ?? this.#cache.get(path);
    if (known !== undefined) return known;
    const bytes = await this.#disk.read(path);
    if (bytes === undefined) throw new LogDamagedError(`The file ${path} of the log is missing.`);
    this.#cache.set(path, bytes);
    if (this.#cache.size > MAX_CACHED) this.#cache.delete(this.#cache.keys().next().value as string);
    return bytes;
  }
}

/** What lies on the disk is not what the log had acknowledged or signed. */
export class LogDamagedError extends Error {
  override name = 'LogDamagedError';
}
