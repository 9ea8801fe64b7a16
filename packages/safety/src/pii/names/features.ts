/** A token and its neighbours as the numbers of what the classifier weighs. */
import { MAX_KNOWN_WORDS, SHAPES, type Token } from './tokens.ts';

/** Weights that each label has; a power of two. */
export const BUCKETS = 1 << 17;
export const LABELS = ['person', 'location', 'address', 'organisation'] as const;
/** What a token is when it is none of the labels. */
export const NONE = LABELS.length;
/** Those of {@link featuresAt} that name the token itself: without them it is judged by what stands around it. */
export const LEXICAL = 12;
export const FEATURES = 41;

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
const known = new Map<string, Hashed>();

function hashed(token: Token | undefined): Hashed {
  if (token === undefined) return NOTHING;
  const found = known.get(token.text);
  if (found !== undefined) return found;
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
  if (known.size >= MAX_KNOWN_WORDS) known.clear();
  known.set(token.text, made);
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
  out[0] = mix(1, own.word);
  out[1] = mix(2, own.suffix3, own.form);
  out[2] = mix(3, own.suffix2, own.form);
  out[3] = mix(4, own.prefix3, own.form);
  out[4] = mix(5, own.suffix4, own.form);
  out[5] = mix(6, own.prefix4, own.form);
  out[6] = mix(7, own.word, own.form);
  out[7] = mix(8, own.form);
  out[8] = mix(9, own.word, before.word);
  out[9] = mix(10, own.word, after.word);
  out[10] = mix(11, own.suffix3, after.suffix3);
  out[11] = mix(12, place);
  out[12] = mix(13, before.word);
  out[13] = mix(14, before2.word);
  out[14] = mix(15, before3.word);
  out[15] = mix(16, after.word);
  out[16] = mix(17, after2.word);
  out[17] = mix(18, before.word, own.form);
  out[18] = mix(19, after.word, own.form);
  out[19] = mix(20, before.form * FORMS + own.form, after.form);
  out[20] = mix(21, before2.word, before.word);
  out[21] = mix(22, after.suffix3, after.form);
  out[22] = mix(23, before.suffix3, before.form);
  out[23] = mix(24, after.form * FORMS + after2.form, own.form);
  out[24] = mix(25, before2.form * FORMS + before.form, own.form);
  out[25] = mix(26, before.word, after.word);
  out[26] = mix(27, after.word, after2.word);
  out[27] = mix(28, wordBefore.word, own.form);
  out[28] = mix(29, wordAfter.word, own.form);
  out[29] = mix(30, wordBefore.suffix3, wordBefore.form);
  out[30] = mix(31, wordAfter.suffix3, wordAfter.form);
  out[31] = mix(32, wordBefore.form * FORMS + own.form, wordAfter.form);
  out[32] = mix(33, before.word, place);
  out[33] = mix(34, after.word, place);
  out[34] = mix(35, before2.word, own.form);
  out[35] = mix(36, after2.word, own.form);
  out[36] = mix(37, before.form * FORMS + after.form, place);
  out[37] = mix(38, before2.form * FORMS + before.form, after.form * FORMS + after2.form);
  const left = tokens[at]?.left ?? 32;
  const right = tokens[at]?.right ?? 32;
  out[38] = mix(39, left, own.form);
  out[39] = mix(40, right, own.form);
  out[40] = mix(41, left * 256 + right, before.form);
}
