/** Words in two filters of Bloom (1970) that `bench/pii/words.ts` writes: what everybody uses in small letters, and names. */
import { readFileSync } from 'node:fs';

/** Bits of each filter; a power of two. */
export const FILTER_BITS = 1 << 20;

let common: Uint8Array | undefined;
let names: Uint8Array | undefined;

/** Whether everybody uses a word in small letters, as the name of nobody; one in a hundred and fifty of all others is taken for one. */
export function isCommon(word: string): boolean {
  common ??= readFileSync(new URL('common-words.bin', import.meta.url));
  return has(common, bitsOf(word));
}

/** Whether a word in small letters is a name that was learnt. */
export function isKnownName(word: string): boolean {
  names ??= readFileSync(new URL('known-names.bin', import.meta.url));
  return has(names, bitsOf(word));
}

function has(filter: Uint8Array, bits: readonly number[]): boolean {
  return bits.every((bit) => ((filter[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0);
}

/** The three bits that stand for a word. */
export function bitsOf(word: string): readonly number[] {
  let one = 0x811c9dc5;
  let other = 0x9747b28c;
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i);
    one = Math.imul(one ^ code, 0x01000193);
    other = Math.imul(other ^ code, 0x5bd1e995);
    other ^= other >>> 15;
  }
  const step = (other | 1) >>> 0;
  return [0, 1, 2].map((at) => ((one >>> 0) + at * step) & (FILTER_BITS - 1));
}
