/** How many tokens a model takes for what is counted by another vocabulary, learnt from what it reports. */
import { type ChatMessage, textOf } from '@mcp/contracts';

/** Real tokens for each counted one, and how much more they may be. */
export interface Calibrated {
  readonly ratio: number;
  /** So much above the ratio it rarely is; the less is known of the text's scripts, the more. */
  readonly spread: number;
}

/** Models that are remembered; the one that was heard of longest ago is forgotten first. */
const MAX_MODELS = 500;

/**
 * What vocabularies take differently: by the first code unit beyond each, the scripts as Unicode has them. Latin
 * letters are in all of them; of other scripts some have whole words, others not even letters.
 */
const BLOCKS = [
  0x250, 0x300, 0x370, 0x400, 0x530, 0x590, 0x600, 0x700, 0x780, 0x900, 0x980, 0xa00, 0xa80, 0xb00, 0xb80,
  0xc00, 0xc80, 0xd00, 0xd80, 0xe00, 0xe80, 0xf00, 0x1000, 0x10a0, 0x1100, 0x1200, 0x1400, 0x1780, 0x1800,
  0x1e00, 0x1f00, 0x2000, 0x2e80, 0x3100, 0xa000, 0xac00, 0xd800, 0xe000, 0x10000,
] as const;
/** Kinds of ASCII, and what is in every text: its messages, and its counted tokens themselves. */
const LETTERS = 0;
const DIGITS = 1;
const SPACES = 2;
const SIGNS = 3;
const FIRST_BLOCK = 4;
const MESSAGES = FIRST_BLOCK + BLOCKS.length;
const COUNTED = MESSAGES + 1;
const KINDS = COUNTED + 1;

/** Of normal errors, 999 in 1,000 are below so many deviations. */
const DEVIATIONS = 3;

/** Standard deviation of what a character of each kind takes more or less than counted, from text to text. */
const VARIES: readonly number[] = Array.from({ length: KINDS }, (_, kind) => {
  if (kind === LETTERS) return 0.02;
  if (kind === DIGITS || kind === SIGNS) return 0.2;
  if (kind === SPACES) return 0.1;
  if (kind === MESSAGES) return 2;
  if (kind === COUNTED) return 0.1;
  return (BLOCKS[kind - FIRST_BLOCK] ?? 0) <= 0x780 ? 0.2 : 0.35;
});

/**
 * The same before anything is known. Of a script that no call has had yet three of them are what no vocabulary of bytes
 * exceeds: a token for each byte.
 */
const UNKNOWN: readonly number[] = VARIES.map((varies, kind) => {
  const beyond = kind < FIRST_BLOCK || kind >= MESSAGES ? undefined : BLOCKS[kind - FIRST_BLOCK];
  if (beyond === undefined) return varies;
  const surrogate = beyond > 0xd800 && beyond <= 0xe000;
  const bytes = beyond <= 0x780 || surrogate ? 2 : 3;
  return bytes / DEVIATIONS;
});

/** What languages of one script differ by, and kinds of text, as a share of what texts do at most. */
const BETWEEN_TEXTS = 0.45;
/** Share of what texts differ by that each call brings back: a model may be another one tomorrow. */
const DRIFT = 0.001;
/** What texts of the same kinds differ by, as a share: at the start, and at least. */
const NOISE = 0.05;
const MIN_NOISE = 0.01;
/** Weight of each new error in the noise. */
const NOISE_WEIGHT = 0.05;
const MIN_RATIO = 0.25;
const MAX_RATIO = 8;

/** What is known of one model. */
interface Known {
  /** Tokens more than counted, for each of its kind. */
  readonly more: Float64Array;
  /** Covariance of those, one row after the other. */
  readonly covariance: Float64Array;
  /** Variance of the noise. */
  noise: number;
}

/**
 * For each model a linear model of what it takes beyond what was counted, by the characters of each script: recursive
 * least squares, which is a Kalman filter of coefficients that drift slowly. It is where a conversation begins that
 * has no reports of its own yet, and what is said of text that is new in one.
 */
export class Calibrations {
  readonly #known = new Map<string, Known>();

  of(model: string, messages: readonly ChatMessage[], counted_tokens: number): Calibrated {
    const text = sharesOf(messages, counted_tokens);
    const { ratio, variance, noise } = predict(this.#known.get(model) ?? unknown(), text.shares);
    const most = Math.min(MAX_RATIO, Math.max(text.bytes_ratio, ratio));
    return { ratio, spread: Math.min(most - ratio, DEVIATIONS * Math.sqrt(variance + noise)) };
  }

  learn(
    model: string,
    messages: readonly ChatMessage[],
    seen: { readonly counted_tokens: number; readonly input_tokens: number },
  ): void {
    if (seen.counted_tokens <= 0 || seen.input_tokens <= 0) return;
    const known = this.#known.get(model) ?? unknown();
    this.#known.delete(model);
    this.#known.set(model, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_MODELS && oldest !== undefined) this.#known.delete(oldest);
    const ratio = boundedRatio(seen.input_tokens / seen.counted_tokens);
    update(known, sharesOf(messages, seen.counted_tokens).shares, ratio - 1);
  }
}

function unknown(): Known {
  const covariance = new Float64Array(KINDS * KINDS);
  for (const [kind, deviation] of UNKNOWN.entries()) covariance[kind * KINDS + kind] = deviation ** 2;
  return { more: new Float64Array(KINDS), covariance, noise: NOISE ** 2 };
}

/** A count that is further off than this is not one of the same text. */
export function boundedRatio(ratio: number): number {
  return Math.min(MAX_RATIO, Math.max(MIN_RATIO, ratio));
}

/** What a text takes, how little is known of that, and what texts like it scatter by. */
function predict({ more, covariance, noise }: Known, shares: Float64Array) {
  const gain = times(covariance, shares);
  // By rounding it may be a little less than nothing.
  const variance = Math.max(0, dot(gain, shares));
  const between = shares.reduce(
    (sum, share, kind) => sum + (share * BETWEEN_TEXTS * (VARIES[kind] ?? 0)) ** 2,
    0,
  );
  return { ratio: boundedRatio(1 + dot(more, shares)), variance, noise: noise + between, gain };
}

/** Takes in that a text took so much more, as a share of what was counted. */
function update(known: Known, shares: Float64Array, took: number): void {
  const { more, covariance } = known;
  const { variance, noise, gain } = predict(known, shares);
  const expected = variance + noise;
  // What is far off counts no more than what is at the edge (Huber 1964): a server may report anything once.
  const edge = DEVIATIONS * Math.sqrt(expected);
  const error = Math.min(edge, Math.max(-edge, took - dot(more, shares)));
  for (let i = 0; i < KINDS; i++) {
    const step = (gain[i] ?? 0) / expected;
    more[i] = (more[i] ?? 0) + step * error;
    for (let j = 0; j < KINDS; j++) {
      const at = i * KINDS + j;
      covariance[at] = (covariance[at] ?? 0) - step * (gain[j] ?? 0);
    }
  }
  forget(covariance);
  const own = known.noise;
  known.noise = Math.max(MIN_NOISE ** 2, own + NOISE_WEIGHT * ((error ** 2 * own) / expected - own));
}

/** What was unknown comes back slowly, never to more than it was. */
function forget(covariance: Float64Array): void {
  for (const [kind, deviation] of UNKNOWN.entries()) {
    const at = kind * KINDS + kind;
    const back = DRIFT * (VARIES[kind] ?? 0) ** 2;
    covariance[at] = Math.min(deviation ** 2, (covariance[at] ?? 0) + back);
  }
}

function times(matrix: Float64Array, vector: Float64Array): Float64Array {
  const out = new Float64Array(KINDS);
  for (let i = 0; i < KINDS; i++) {
    let sum = 0;
    for (let j = 0; j < KINDS; j++) sum += (matrix[i * KINDS + j] ?? 0) * (vector[j] ?? 0);
    out[i] = sum;
  }
  return out;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < KINDS; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

/** What of each kind there is for each counted token, and how many bytes. */
function sharesOf(messages: readonly ChatMessage[], counted_tokens: number) {
  const shares = new Float64Array(KINDS);
  let bytes = 0;
  for (const message of messages) {
    const made = madeOf(message);
    bytes += made.bytes;
    for (let kind = 0; kind < MESSAGES; kind++) shares[kind] = (shares[kind] ?? 0) + (made.kinds[kind] ?? 0);
  }
  const counted = Math.max(1, counted_tokens);
  shares[MESSAGES] = messages.length;
  shares[COUNTED] = counted;
  return { shares: shares.map((count) => count / counted), bytes_ratio: bytes / counted };
}

interface Made {
  /** Characters of each kind. */
  readonly kinds: Float64Array;
  readonly bytes: number;
}

/** Of messages that were looked at: a context is fitted by counting the same ones again and again. */
const seen = new WeakMap<ChatMessage, Made>();

function madeOf(message: ChatMessage): Made {
  const known = seen.get(message);
  if (known !== undefined) return known;
  const kinds = new Float64Array(MESSAGES);
  const text = textOf(message.content, { picture: () => '' });
  let before = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const kind = kindOf(code, before);
    if (kind !== undefined) kinds[kind] = (kinds[kind] ?? 0) + 1;
    before = code;
  }
  const made = { kinds, bytes: Buffer.byteLength(text) };
  seen.set(message, made);
  return made;
}

/** The kind of a code unit; of none is a single space, which goes with its word. */
function kindOf(code: number, before: number): number | undefined {
  if (code >= 0x80) return FIRST_BLOCK + BLOCKS.findIndex((beyond) => code < beyond);
  const lower = code | 0x20;
  if (lower >= 0x61 && lower <= 0x7a) return LETTERS;
  if (code >= 0x30 && code <= 0x39) return DIGITS;
  if (code === 0x20) return before === 0x20 ? SPACES : undefined;
  return code < 0x20 ? SPACES : SIGNS;
}
