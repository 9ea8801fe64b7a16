/** A token and its neighbours as the numbers of what the classifier weighs. */
import { SHAPES, type Token } from './tokens.ts';

/** Weights that each label has; a power of two. */
export const BUCKETS = 1 << 17;
export const LABELS = ['person', 'location', 'address', 'organisation'] as const;
/** What a token is when it is none of the labels. */
export const NONE = LABELS.length;
/** Those of {@link featuresAt} that name the token itself: without them it is judged by what stands around it. */
export const LEXICAL = 12;
export const FEATURES = 38;

interface Hashed {
  readonly word: number;
  readonly suffix2: number;
  readonly suffix3: number;
  readonly suffix4: number;
  readonly prefix3: number;
  readonly prefix4: number;
  /** How it is written, and whether everybody uses it in small letters. */
  readonly form: number;
}

const FORMS = SHAPES.length * 2 + 1;
const NOTHING: Hashed = {
  word: 1,
  suffix2: 2,
  suffix3: 3,
  suffix4: 4,
  prefix3: 5,
  prefix4: 6,
  form: FORMS - 1,
};
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
    suffix4: hash(word.slice(-4)),
    prefix3: hash(word.slice(0, 3)),
    prefix4: hash(word.slice(0, 4)),
    form: SHAPES.indexOf(token.shape) * 2 + (token.common ? 1 : 0),
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

/** The nearest token that is no mark, from one on. */
function wordFrom(tokens: readonly Token[], at: number, step: 1 | -1): Token | undefined {
  for (let i = at, looked = 0; looked < 4; i += step, looked++)
    if (tokens[i]?.shape !== 'mark') return tokens[i];
  return undefined;
}

/** Writes the features of a token into `out`. */
export function featuresAt(tokens: readonly Token[], at: number, out: Int32Array): void {
  const own = hashed(tokens[at]);
  const before = hashed(tokens[at - 1]);
  const before2 = hashed(tokens[at - 2]);
  const before3 = hashed(tokens[at - 3]);
  const after = hashed(tokens[at + 1]);
  const after2 = hashed(tokens[at + 2]);
  const wordBefore = hashed(wordFrom(tokens, at - 1, -1));
  const wordAfter = hashed(wordFrom(tokens, at + 1, 1));
  const first = tokens[at]?.first === true ? 1 : 0;
  const last = tokens[at + 1]?.first === false ? 0 : 1;
  const place = own.form * 4 + first * 2 + last;
  out.set([
    mix(1, own.word),
    mix(2, own.suffix3, own.form),
    mix(3, own.suffix2, own.form),
    mix(4, own.prefix3, own.form),
    mix(5, own.suffix4, own.form),
    mix(6, own.prefix4, own.form),
    mix(7, own.word, own.form),
    mix(8, own.form),
    mix(9, own.word, before.word),
    mix(10, own.word, after.word),
    mix(11, own.suffix3, after.suffix3),
    mix(12, place),
    mix(13, before.word),
    mix(14, before2.word),
    mix(15, before3.word),
    mix(16, after.word),
    mix(17, after2.word),
    mix(18, before.word, own.form),
    mix(19, after.word, own.form),
    mix(20, before.form * FORMS + own.form, after.form),
    mix(21, before2.word, before.word),
    mix(22, after.suffix3, after.form),
    mix(23, before.suffix3, before.form),
    mix(24, after.form * FORMS + after2.form, own.form),
    mix(25, before2.form * FORMS + before.form, own.form),
    mix(26, before.word, after.word),
    mix(27, after.word, after2.word),
    mix(28, wordBefore.word, own.form),
    mix(29, wordAfter.word, own.form),
    mix(30, wordBefore.suffix3, wordBefore.form),
    mix(31, wordAfter.suffix3, wordAfter.form),
    mix(32, wordBefore.form * FORMS + own.form, wordAfter.form),
    mix(33, before.word, place),
    mix(34, after.word, place),
    mix(35, before2.word, own.form),
    mix(36, after2.word, own.form),
    mix(37, before.form * FORMS + after.form, place),
    mix(38, before2.form * FORMS + before.form, after.form * FORMS + after2.form),
  ]);
}
