/** A token and its neighbours as the numbers of what the classifier weighs. */
import { SHAPES, type Token } from './tokens.ts';

/** Weights that each label has; a power of two. */
export const BUCKETS = 1 << 17;
export const LABELS = ['person', 'location', 'address', 'organisation'] as const;
/** What a token is when it is none of the labels. */
export const NONE = LABELS.length;
/** Those of {@link featuresAt} that name the token itself: without them it is judged by what stands around it. */
export const LEXICAL = 8;
export const FEATURES = 27;

interface Hashed {
  readonly word: number;
  readonly suffix2: number;
  readonly suffix3: number;
  readonly prefix3: number;
  readonly shape: number;
}

const NOTHING: Hashed = { word: 1, suffix2: 2, suffix3: 3, prefix3: 4, shape: SHAPES.length };
const hashes = new WeakMap<Token, Hashed>();

function hashed(token: Token | undefined): Hashed {
  if (token === undefined) return NOTHING;
  const known = hashes.get(token);
  if (known !== undefined) return known;
  // The digits of a number do not count, how many there are does.
  const word = token.shape === 'number' ? token.text.replace(/\d/g, '0') : token.text.toLowerCase();
  const made = {
    word: hash(word),
    suffix2: hash(word.slice(-2)),
    suffix3: hash(word.slice(-3)),
    prefix3: hash(word.slice(0, 3)),
    shape: SHAPES.indexOf(token.shape),
  };
  hashes.set(token, made);
  return made;
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value;
}

function mix(seed: number, a: number, b = 0): number {
  let value = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ a;
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d) ^ b;
  value = Math.imul(value ^ (value >>> 13), 0x297a2d39);
  return (value ^ (value >>> 16)) & (BUCKETS - 1);
}

/** Writes the features of a token into `out`; `tag` is the label of what it follows. */
export function featuresAt(
  tokens: readonly Token[],
  { at, tag }: { readonly at: number; readonly tag: number },
  out: Int32Array,
): void {
  const own = hashed(tokens[at]);
  const before = hashed(tokens[at - 1]);
  const before2 = hashed(tokens[at - 2]);
  const before3 = hashed(tokens[at - 3]);
  const after = hashed(tokens[at + 1]);
  const after2 = hashed(tokens[at + 2]);
  const first = tokens[at]?.first === true ? 1 : 0;
  const last = tokens[at + 1]?.first === false ? 0 : 1;
  const place = own.shape * 4 + first * 2 + last;
  const values = [
    mix(1, own.word),
    mix(2, own.suffix3, own.shape),
    mix(3, own.suffix2, own.shape),
    mix(4, own.prefix3, own.shape),
    mix(5, own.word, tag),
    mix(6, own.word, before.word),
    mix(7, own.word, after.word),
    mix(8, own.suffix3, after.suffix3),
    mix(9, place),
    mix(10, before.word),
    mix(11, before2.word),
    mix(12, before3.word),
    mix(13, after.word),
    mix(14, after2.word),
    mix(15, before.word, own.shape),
    mix(16, after.word, own.shape),
    mix(17, tag, own.shape),
    mix(18, tag, before.word),
    mix(19, before.shape * 8 + own.shape, after.shape),
    mix(20, before2.word, before.word),
    mix(21, after.suffix3, after.shape),
    mix(22, before.suffix3, before.shape),
    mix(23, after.shape * 8 + after2.shape, own.shape),
    mix(24, tag, after.word),
    mix(25, before.word, after.word),
    mix(26, after.word, after2.word),
    mix(27, tag * 8 + before.shape, place),
  ];
  out.set(values);
}
