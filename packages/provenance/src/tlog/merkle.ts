/** The Merkle tree of RFC 6962 and RFC 9162: hashes, roots, proofs of inclusion and of consistency. */
import { hash } from 'node:crypto';

/** Bytes of a hash (SHA-256). */
export const HASH_BYTES = 32;
/** The root of a tree without leaves: the hash of nothing. */
export const EMPTY_ROOT = hash('sha256', '', 'buffer');
const LEAF = Buffer.from([0]);
/** What a node is hashed from, written over for each: 0x01, then its two children. */
const NODE = Buffer.alloc(1 + 2 * HASH_BYTES, 1);

/** The hash of a leaf (RFC 9162, 2.1.1): SHA-256(0x00 || entry). */
export function leafHash(entry: Uint8Array): Buffer {
  return hash('sha256', Buffer.concat([LEAF, entry]), 'buffer');
}

/** The hash of a node: SHA-256(0x01 || left || right). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  NODE.set(left, 1);
  NODE.set(right, 1 + HASH_BYTES);
  return hash('sha256', NODE, 'buffer');
}

/** The hash of the perfect subtree of 2^level leaves that begins at leaf `index` * 2^level. */
export type NodeReader = (level: number, index: number) => Buffer | Promise<Buffer>;

/** The largest power of two below `n`, as its exponent; `n` is at least 2. Without bit operations: trees may exceed 2^31. */
function splitLevel(n: number): number {
  let level = 0;
  while (2 ** (level + 1) < n) level++;
  return level;
}

/** The root over the leaves from `from` to before `to`, of which there is at least one, with `from` as a split leaves it. */
async function rangeRoot(node: NodeReader, from: number, to: number): Promise<Buffer> {
  const count = to - from;
  const level = count === 1 ? 0 : splitLevel(count);
  if (count === 1 || 2 ** (level + 1) === count) {
    const whole = count === 1 ? 0 : level + 1;
    return node(whole, from / 2 ** whole);
  }
  const middle = from + 2 ** level;
  return nodeHash(await rangeRoot(node, from, middle), await rangeRoot(node, middle, to));
}

/** The root of the first `size` leaves. */
export async function rootOf(node: NodeReader, size: number): Promise<Buffer> {
  return size === 0 ? EMPTY_ROOT : rangeRoot(node, 0, size);
}

/** The root over leaves that are all at hand, given by their hashes. */
export function rootOver(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves;
  if (first === undefined) return EMPTY_ROOT;
  if (leaves.length === 1) return first;
  const middle = 2 ** splitLevel(leaves.length);
  return nodeHash(rootOver(leaves.slice(0, middle)), rootOver(leaves.slice(middle)));
}

/** The audit path of a leaf in the tree of `size` leaves (RFC 9162, 2.1.3.1), from the leaf's sibling upwards. */
export async function inclusionProof(node: NodeReader, index: number, size: number): Promise<Buffer[]> {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size)
    throw new RangeError(`There is no leaf ${index} in a tree of ${size}.`);
  const path: Buffer[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + 2 ** splitLevel(to - from);
    if (index < middle) {
      path.push(await rangeRoot(node, middle, to));
      to = middle;
    } else {
      path.push(await rangeRoot(node, from, middle));
      from = middle;
    }
  }
  return path.reverse();
}

/** That the tree of `old` leaves is the beginning of that of `size` (RFC 9162, 2.1.4.1); empty where they are the same. */
export async function consistencyProof(node: NodeReader, old: number, size: number): Promise<Buffer[]> {
  if (!Number.isSafeInteger(old) || old < 0 || old > size)
    throw new RangeError(`A tree of ${size} leaves has no beginning of ${old}.`);
  if (old === 0 || old === size) return [];
  const path: Buffer[] = [];
  let [from, to] = [0, size];
  while (to !== old) {
    const middle = from + 2 ** splitLevel(to - from);
    if (old <= middle) {
      path.push(await rangeRoot(node, middle, to));
      to = middle;
    } else {
      path.push(await rangeRoot(node, from, middle));
      from = middle;
    }
  }
  // A beginning that is a perfect subtree is known to whoever has its root.
  if (from > 0) path.push(await rangeRoot(node, from, to));
  return path.reverse();
}

export interface InclusionClaim {
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly root: Uint8Array;
}

/** Whether the path proves that the leaf with that hash is number `index` of the tree (RFC 9162, 2.1.3.2). */
export function provesInclusion(proof: readonly Uint8Array[], claim: InclusionClaim): boolean {
  const { leaf, index, size, root } = claim;
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  let [fn, sn] = [index, size - 1];
  let top: Uint8Array = leaf;
  for (const sibling of proof) {
    if (sn === 0 || sibling.length !== HASH_BYTES) return false;
    if (fn % 2 === 1 || fn === sn) {
      top = nodeHash(sibling, top);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)];
    } else top = nodeHash(top, sibling);
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return sn === 0 && equal(top, root);
}

export interface ConsistencyClaim {
  readonly old: { readonly size: number; readonly root: Uint8Array };
  readonly current: { readonly size: number; readonly root: Uint8Array };
}

/** Whether the path proves that nothing of the old tree was changed or removed (RFC 9162, 2.1.4.2). */
export function provesConsistency(proof: readonly Uint8Array[], { old, current }: ConsistencyClaim): boolean {
  if (![old.size, current.size].every((size) => Number.isSafeInteger(size) && size >= 0)) return false;
  if (old.size > current.size || proof.some(({ length }) => length !== HASH_BYTES)) return false;
  if (old.size === current.size) return proof.length === 0 && equal(old.root, current.root);
  if (old.size === 0) return proof.length === 0 && equal(old.root, EMPTY_ROOT);
  const path = isPowerOfTwo(old.size) ? [old.root, ...proof] : proof;
  const [first] = path;
  if (first === undefined) return false;
  let [fn, sn] = [old.size - 1, current.size - 1];
  while (fn % 2 === 1) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  let [before, after]: [Uint8Array, Uint8Array] = [first, first];
  for (const sibling of path.slice(1)) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      [before, after] = [nodeHash(sibling, before), nodeHash(sibling, after)];
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)];
    } else after = nodeHash(after, sibling);
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  return sn === 0 && equal(before, old.root) && equal(after, current.root);
}

function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(n));
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
