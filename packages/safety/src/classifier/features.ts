/** A text as the hashed n-grams that the classifier weighs: words, pairs of words, and runs of three to five characters. */

/** Weights that a model has; a power of two. */
export const BUCKETS = 1 << 18;
const MASK = BUCKETS - 1;
/** Characters of one window; a longer text is read in windows that overlap. */
export const WINDOW_CHARS = 1200;
const STEP_CHARS = 900;
/** Windows that are read: the first, and the last ones. */
const MAX_WINDOWS = 16;
const NGRAMS = { shortest: 3, longest: 5 } as const;
/** Keeps words apart from runs of characters with the same hash. */
const SEEDS = { chars: 0x811c9dc5, word: 0x9e3779b9, pair: 0x85ebca6b } as const;
const BLANK = 32;

/** When each bucket was last seen, so that each counts once without anything to clear. */
const seen = new Uint32Array(BUCKETS);
let generation = 0;

/** Where the windows of a text begin; what lies between the first and the last ones of a very long text is not read. */
export function windowStarts(text: string): number[] {
  if (text.length <= WINDOW_CHARS) return [0];
  const count = Math.ceil((text.length - WINDOW_CHARS) / STEP_CHARS) + 1;
  const all = Array.from({ length: Math.min(count, MAX_WINDOWS) }, (_, at) =>
    at === 0 || count <= MAX_WINDOWS ? at : count - MAX_WINDOWS + at,
  );
  return all.map((at) => at * STEP_CHARS);
}

export function windowsOf(text: string): string[] {
  return windowStarts(text).map((at) => text.slice(at, at + WINDOW_CHARS));
}

/** Each bucket that a window has a feature in, once. Returns how many there are. */
export function eachFeature(window: string, visit: (bucket: number) => void): number {
  const text = folded(window);
  generation = (generation + 1) >>> 0;
  let count = 0;
  const add = (hash: number) => {
    const bucket = (hash ^ (hash >>> 15)) & MASK;
    if (seen[bucket] === generation) return;
    seen[bucket] = generation;
    count++;
    visit(bucket);
  };
  let word: number = SEEDS.word;
  let before: number = SEEDS.word;
  for (let i = 0; i < text.length; i++) {
    const code = text[i] ?? BLANK;
    if (code !== BLANK) word = mix(word, code);
    else if (word !== SEEDS.word) {
      add(word);
      add(mix(mix(SEEDS.pair, before), word));
      before = word;
      word = SEEDS.word;
    }
    let run: number = SEEDS.chars;
    for (let length = 1; length <= NGRAMS.longest && i + length <= text.length; length++) {
      run = mix(run, text[i + length - 1] ?? BLANK);
      if (length >= NGRAMS.shortest) add(run);
    }
  }
  return count;
}

function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value, 0x01000193);
  return mixed ^ (mixed >>> 13);
}

/** Small letters, one digit for all, one blank between words and at both ends; accents and widths folded away. */
function folded(window: string): Uint16Array {
  const plain = window.normalize('NFKC').toLowerCase();
  const out = new Uint16Array(plain.length + 2);
  out[0] = BLANK;
  let at = 1;
  for (let i = 0; i < plain.length; i++) {
    let code = plain.charCodeAt(i);
    if (code >= 48 && code <= 57) code = 48;
    if (code <= BLANK || code === 0xa0 || (code >= 0x2000 && code <= 0x200f)) code = BLANK;
    if (code === BLANK && out[at - 1] === BLANK) continue;
    out[at++] = code;
  }
  if (out[at - 1] !== BLANK) out[at++] = BLANK;
  return out.subarray(0, at);
}
