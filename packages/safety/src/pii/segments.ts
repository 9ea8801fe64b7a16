/**
 * Cuts a text where nothing that is looked for goes on: after a word in small letters that stands inside no name,
 * address, date or number. Where the cuts are follows from the text before them alone, so that a text is cut in the same
 * places in whatever pieces it comes: what a stream finds is what is found in the whole.
 */
import { ABBREVIATIONS, INNER_WORDS } from './inner-words.ts';
import { isCommon } from './names/word-filters.ts';

/** Characters that wait at most for such a word. */
export const MAX_SEGMENT_CHARS = 512;
/** A token or a private key that is not whole yet waits longer. */
const MAX_OPEN_CHARS = 16_384;
/** How far it has grown when it is looked at again. */
const STEP_CHARS = 1024;

const SPACE = 32;
/** From here on scripts write no blanks between words. */
const FIRST_IDEOGRAPH = 0x3041;

/**
 * Where to cut a segment that has grown to its most characters; none of what is found may go on over it. Undefined: it
 * begins with something that is not whole yet.
 */
type Cut = (segment: string) => number | undefined;

export class Segmenter {
  readonly #cut: Cut;
  #waiting = '';
  /** Up to where what waits has been looked through. */
  #read = 0;
  #most = MAX_SEGMENT_CHARS;

  constructor(cut: Cut) {
    this.#cut = cut;
  }

  /** Characters that wait. */
  get held(): number {
    return this.#waiting.length;
  }

  /** The segments that are complete. */
  *push(text: string): Generator<string> {
    this.#waiting += text;
    for (;;) {
      const end = this.#end();
      if (end === undefined) return;
      const segment = this.#waiting.slice(0, end);
      this.#waiting = this.#waiting.slice(end);
      this.#read = 0;
      this.#most = MAX_SEGMENT_CHARS;
      yield segment;
    }
  }

  /** What is left when the text has no more to it. */
  end(): string {
    const rest = this.#waiting;
    this.#waiting = '';
    this.#read = 0;
    return rest;
  }

  #end(): number | undefined {
    const text = this.#waiting;
    const until = Math.min(text.length, this.#most);
    for (let i = this.#read; i < until; i++) {
      const code = text.charCodeAt(i);
      if (code === SPACE || (code >= 9 && code <= 13)) {
        if (endsQuietly(text, i)) return i + 1;
      } else if (code >= FIRST_IDEOGRAPH && code < 0xd800) return i + 1;
    }
    this.#read = until;
    if (text.length < this.#most) return undefined;
    const cut = this.#cut(text.slice(0, this.#most));
    if (cut !== undefined) return cut;
    if (this.#most >= MAX_OPEN_CHARS) return this.#most;
    this.#most += STEP_CHARS;
    return this.#end();
  }
}

/** Whether a word in small letters that everybody uses ends before a blank, with a mark or two after it at most. */
function endsQuietly(text: string, blank: number): boolean {
  let end = blank;
  while (end > 0 && blank - end < 2 && isMark(text.charCodeAt(end - 1))) end--;
  let start = end;
  while (start > 0 && isSmall(text.charCodeAt(start - 1))) start--;
  if (end - start < 2 || end - start > 40) return false;
  if (start > 0 && !isOpening(text.charCodeAt(start - 1))) return false;
  const word = text.slice(start, end);
  if (!isCommon(word)) return false;
  if (end === blank) return !INNER_WORDS.has(word);
  return text[end] !== '.' || !ABBREVIATIONS.has(word);
}

/** `, . ; ! ?` and closing brackets and quotes; a colon is followed by what it announces. */
function isMark(code: number): boolean {
  return (
    code === 44 ||
    code === 46 ||
    code === 59 ||
    code === 33 ||
    code === 63 ||
    code === 41 ||
    code === 34 ||
    code === 39
  );
}

function isSmall(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 0xdf && code <= 0xff && code !== 0xf7);
}

function isOpening(code: number): boolean {
  return code === SPACE || (code >= 9 && code <= 13) || code === 40 || code === 34 || code === 39;
}
