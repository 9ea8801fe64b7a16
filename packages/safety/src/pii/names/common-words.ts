/** Words that people write in small letters and that name nobody, in a filter of Bloom that `bench/pii/words.ts` writes. */
import { readFileSync } from 'node:fs';

/** Bits of the filter; a power of two. */
export const COMMON_BITS = 1 << 20;

let bits: Uint8Array | undefined;

/** Whether a word in small letters is one; one in a hundred and fifty of all others is taken for one. */
export function isCommon(word: string): boolean {
  bits ??= readFileSync(new URL('common-words.bin', import.meta.url));
  for (const bit of bitsOf(word)) if (((bits[bit >> 3] ?? 0) & (1 << (bit & 7))) === 0) return false;
  return true;
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
  return [0, 1, 2].map((at) => ((one >>> 0) + at * step) & (COMMON_BITS - 1));
}
