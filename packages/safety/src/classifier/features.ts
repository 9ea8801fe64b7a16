/**
 * A text as what the classifier weighs, in one pass that allocates nothing: words by their first letters, pairs of words
 * that stand side by side, and pairs with one between them. Letters are read as the rules read them (`symbols.ts`), so
 * that look-alikes and digits for letters are the same words.
 */
import { OTHER, PASSED, SEPARATOR, STOP, symbolOfAscii, symbolsOf } from '../rules/symbols.ts';

/** Weights that a model has; a power of two. */
export const BUCKETS = 1 << 18;
const MASK = BUCKETS - 1;
/** Characters of one window; a longer text is read in windows that overlap. */
export const WINDOW_CHARS = 1200;
const STEP_CHARS = 900;
/** Windows that are read: the first, and the last ones. */
const MAX_WINDOWS = 16;
/** Letters of a word that count: its endings do not. */
const STEM_LETTERS = 6;
const SEEDS = { word: 0x9e3779b9, pair: 0x85ebca6b, apart: 0x1234567, start: 1 } as const;
/** A word of digits alone, whatever they are. */
const NUMBER = 48;
/** From here on scripts write no blanks between words: each character is one. */
const FIRST_IDEOGRAPH = 0x2e80;

/** Features that say nothing are added to those of a text: few words are little evidence. */
const PRIOR_FEATURES = 12;

/** What the sum of so many weights is multiplied by, so that long texts count as much as short ones. */
export function normOf(features_read: number): number {
  return 1 / Math.sqrt(features_read + PRIOR_FEATURES);
}

/** The features of the window that was read last; what follows on their number is of others before. */
export const features = new Int32Array(3 * (WINDOW_CHARS + 1));
/** When each bucket was last seen, so that each counts once without anything to clear. */
/** The weights of a linear model, one for each bucket: the byte times its size times the scale. */
export function valuesOf(weights: Int8Array, scale: number): Float32Array {
  return Float32Array.from(weights, (one) => one * Math.abs(one) * scale);
}

/** What a linear model says of the window that was read last, in [0, 1]; it may have fewer buckets, a power of two. */
export function scoreOf(values: Float32Array, bias: number, features_read: number): number {
  const mask = values.length - 1;
  let sum = 0;
  for (let i = 0; i < features_read; i++) sum += values[(features[i] ?? 0) & mask] ?? 0;
  return 1 / (1 + Math.exp(-(bias + sum * normOf(features_read))));
}

const seen = new Uint32Array(BUCKETS);
let generation = 0;
let count = 0;
let before = 0;
let before_that = 0;

/** Where the windows of a text begin; what lies between the first and the last ones of a very long text is not read. */
export function windowStarts(text: string): number[] {
  if (text.length <= WINDOW_CHARS) return [0];
  const windows = Math.ceil((text.length - WINDOW_CHARS) / STEP_CHARS) + 1;
  const all = Array.from({ length: Math.min(windows, MAX_WINDOWS) }, (_, at) =>
    at === 0 || windows <= MAX_WINDOWS ? at : windows - MAX_WINDOWS + at,
  );
  return all.map((at) => at * STEP_CHARS);
}

/** Reads the part of a text, at most a window, into {@link features}, each once. Returns how many there are. */
export function readWindow(text: string, from: number, to = text.length): number {
  const end = Math.min(to, from + WINDOW_CHARS);
  generation = (generation + 1) >>> 0;
  count = 0;
  before = SEEDS.start;
  before_that = SEEDS.start;
  let word: number = SEEDS.word;
  let length = 0;
  let digits = 0;
  for (let i = from; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code < 128) {
      const symbol = symbolOfAscii(code);
      if (symbol === PASSED) continue;
      if (symbol === SEPARATOR || symbol === STOP) {
        if (length > 0) endWord(digits === length ? mix(SEEDS.word, NUMBER) : word);
        word = SEEDS.word;
        length = 0;
        digits = 0;
        continue;
      }
      if (code >= 48 && code <= 57) digits++;
      if (length < STEM_LETTERS) word = mix(word, symbol);
      length++;
      continue;
    }
    const point = text.codePointAt(i) ?? code;
    if (point > 0xffff) i++;
    for (const symbol of symbolsOf(point)) {
      const separates = symbol === SEPARATOR || symbol === STOP;
      if (!separates) {
        if (length < STEM_LETTERS) word = mix(word, symbol === OTHER ? point : symbol);
        length++;
      }
      if (length > 0 && (separates || (symbol === OTHER && point >= FIRST_IDEOGRAPH))) {
        endWord(word);
        word = SEEDS.word;
        length = 0;
        digits = 0;
      }
    }
  }
  if (length > 0) endWord(digits === length ? mix(SEEDS.word, NUMBER) : word);
  return count;
}

function endWord(word: number): void {
  add(word);
  add(mix(mix(SEEDS.pair, before), word));
  add(mix(mix(SEEDS.apart, before_that), word));
  before_that = before;
  before = word;
}

function add(hash: number): void {
  const bucket = (hash ^ (hash >>> 15)) & MASK;
  if (seen[bucket] === generation) return;
  seen[bucket] = generation;
  features[count++] = bucket;
}

function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value, 0x01000193);
  return mixed ^ (mixed >>> 13);
}
