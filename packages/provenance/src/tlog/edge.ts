/** The right edge of a tree: what is in memory of a log of any size. */
import { EMPTY_ROOT, HASH_BYTES, leafHash, nodeHash } from './merkle.ts';
import { nodeOver, placeOfNode, TILE_WIDTH, type Tile } from './tiles.ts';

/** A full tile that the edge has moved past. */
export interface FullTile extends Tile {
  readonly hashes: Buffer;
}

/** The last, unfinished tile of each level; 8 KiB a level, and a level for each factor of 256. */
export class Edge {
  /** Per level of tiles: room for 256 hashes, how many there are, and how many full tiles came before. */
  readonly #levels: { readonly hashes: Buffer; width: number; index: number }[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds an entry; returns the tiles that it filled, the lowest first. */
  add(entry: Uint8Array): readonly FullTile[] {
    this.#size++;
    return this.#push(0, leafHash(entry));
  }

  /** Takes up a tree of `size` leaves, a multiple of 256, from its full tiles. */
  async restore(size: number, read: (tile: Tile) => Promise<Buffer>): Promise<void> {
    this.#levels.length = 0;
    this.#size = size;
    for (let level = 0, count = size; count > 0; level++) {
      const full = Math.floor(count / TILE_WIDTH);
      const width = count % TILE_WIDTH;
      const own = this.#level(level);
      own.index = full;
      own.width = width;
      for (let n = 0; n < width; n++) {
        const below = await read({ level: level - 1, index: full * TILE_WIDTH + n, width: TILE_WIDTH });
        own.hashes.set(nodeOver(below, 0, TILE_WIDTH), n * HASH_BYTES);
      }
      count = full;
    }
  }

  /** The unfinished tiles, empty ones left out. */
  tiles(): readonly FullTile[] {
    return this.#levels.flatMap(({ hashes, width, index }, level) =>
      width === 0
        ? []
        : [{ level, index, width, hashes: Buffer.from(hashes.subarray(0, width * HASH_BYTES)) }],
    );
  }

  /** The root over all leaves, without waiting: every subtree it is made of lies in an unfinished tile. */
  root(): Buffer {
    let root: Buffer | undefined;
    let left = this.#size;
    let end = this.#size;
    for (let level = 0; left > 0; level++) {
      if (left % 2 === 1) {
        const node = this.#node(level, end / 2 ** level - 1);
        root = root === undefined ? node : nodeHash(node, root);
        end -= 2 ** level;
      }
      left = Math.floor(left / 2);
    }
    return root ?? EMPTY_ROOT;
  }

  /** The hashes of an unfinished tile; undefined where it is none. */
  tile(level: number, index: number): Uint8Array | undefined {
    const known = this.#levels[level];
    return known?.index === index ? known.hashes : undefined;
  }

  #node(level: number, index: number): Buffer {
    const { tile_level, tile_index, at, count } = placeOfNode(level, index);
    const hashes = this.tile(tile_level, tile_index);
    if (hashes === undefined)
      throw new Error(`the node ${index} of level ${level} is not at the edge of the tree`);
    return nodeOver(hashes, at, count);
  }

  #level(level: number): { readonly hashes: Buffer; width: number; index: number } {
    const known = this.#levels[level];
    if (known !== undefined) return known;
    const made = { hashes: Buffer.alloc(TILE_WIDTH * HASH_BYTES), width: 0, index: 0 };
    this.#levels[level] = made;
    return made;
  }

  #push(level: number, hash: Buffer): FullTile[] {
    const own = this.#level(level);
    own.hashes.set(hash, own.width * HASH_BYTES);
    own.width++;
    if (own.width < TILE_WIDTH) return [];
    const full = { level, index: own.index, width: TILE_WIDTH, hashes: Buffer.from(own.hashes) };
    own.width = 0;
    own.index++;
    return [full, ...this.#push(level + 1, nodeOver(full.hashes, 0, TILE_WIDTH))];
  }
}
