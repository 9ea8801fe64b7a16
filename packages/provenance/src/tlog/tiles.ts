/** How a log lies in files that anybody can read: C2SP tlog-tiles (https://c2sp.org/tlog-tiles). */
import { HASH_BYTES, nodeHash } from './merkle.ts';

/** Hashes of a full tile, and entries of a full bundle. */
export const TILE_WIDTH = 256;
/** Levels of the tree that a tile spans: 2^8 hashes. */
const TILE_HEIGHT = 8;
/** A bundle gives an entry's length in two bytes. */
export const MAX_ENTRY_BYTES = 0xffff;

/** A tile: hashes of perfect subtrees of 256^level leaves, `width` of them. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

/** An index in groups of three digits, all but the last with an x before: 1234067 is x001/x234/067. */
function indexPath(index: number): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? [];
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
}

function withWidth(path: string, width: number): string {
  return width === TILE_WIDTH ? path : `${path}.p/${width}`;
}

export function tilePath({ level, index, width }: Tile): string {
  return withWidth(`tile/${level}/${indexPath(index)}`, width);
}

/** The path of the entries from `index` * 256 on, `width` of them. */
export function bundlePath(index: number, width: number): string {
  return withWidth(`tile/entries/${indexPath(index)}`, width);
}

const PATH = /^(tile\/(?:entries|\d|[1-5]\d|6[0-3])\/(?:x\d{3}\/){0,5}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** What a path names: the full tile or bundle there, and how many of its hashes or entries; undefined: no such path. */
export function partOf(path: string): { readonly full: string; readonly width: number } | undefined {
  const [, full, width = String(TILE_WIDTH)] = PATH.exec(path) ?? [];
  if (full === undefined || Number(width) > TILE_WIDTH || path.endsWith(`.p/${TILE_WIDTH}`)) return undefined;
  return { full, width: Number(width) };
}

/** The first hashes of a tile, or entries of a bundle. Throws a RangeError where it has not so many. */
export function firstOf(path: string, bytes: Buffer, width: number): Buffer {
  if (!path.startsWith('tile/entries/')) {
    if (bytes.length < width * HASH_BYTES)
      throw new RangeError(`The tile ${path} has fewer than ${width} hashes.`);
    return bytes.subarray(0, width * HASH_BYTES);
  }
  return encodeBundle(decodeBundle(bytes, TILE_WIDTH).slice(0, width));
}

/** Where in which tile the node (level, index) of the tree begins, and of how many of its hashes it is made. */
export function placeOfNode(
  level: number,
  index: number,
): { readonly tile_level: number; readonly tile_index: number; readonly at: number; readonly count: number } {
  const tile_level = Math.floor(level / TILE_HEIGHT);
  const count = 2 ** (level % TILE_HEIGHT);
  const start = index * count;
  return { tile_level, tile_index: Math.floor(start / TILE_WIDTH), at: start % TILE_WIDTH, count };
}

/** The node over hashes of a tile, their number a power of two. */
export function nodeOver(hashes: Uint8Array, at: number, count: number): Buffer {
  let row: Uint8Array[] = Array.from({ length: count }, (_, n) =>
    hashes.subarray((at + n) * HASH_BYTES, (at + n + 1) * HASH_BYTES),
  );
  while (row.length > 1)
    row = Array.from({ length: row.length / 2 }, (_, n) =>
      nodeHash(row[2 * n] as Uint8Array, row[2 * n + 1] as Uint8Array),
    );
  return Buffer.from(row[0] as Uint8Array);
}

/** Entries as a bundle has them: each with its length in two bytes before it. */
export function encodeBundle(entries: readonly Uint8Array[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const length = Buffer.allocUnsafe(2);
    length.writeUInt16BE(entry.length);
    return [length, entry];
  });
  return Buffer.concat(parts);
}

/** The entries of a bundle. Throws a RangeError where it is cut or goes on behind the last. */
export function decodeBundle(bundle: Uint8Array, width: number): Buffer[] {
  const bytes = Buffer.from(bundle.buffer, bundle.byteOffset, bundle.byteLength);
  const entries: Buffer[] = [];
  let at = 0;
  for (let n = 0; n < width; n++) {
    const end = at + 2 <= bytes.length ? at + 2 + bytes.readUInt16BE(at) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw new RangeError(`The bundle ends in the middle of entry ${n} of ${width}.`);
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  if (at !== bytes.length)
    throw new RangeError(`The bundle has ${bytes.length - at} bytes behind its last entry.`);
  return entries;
}
