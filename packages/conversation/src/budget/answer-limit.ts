/** Ends an answer at a sentence before it outgrows its room. */
import { sentenceEnds } from './cut.ts';

interface AnswerRoom {
  /** Tokens that the answer may have. */
  readonly room_tokens: number;
  /** Tokens that a character is taken for. */
  readonly tokens_per_char: number;
}

/** Near the end of the room, of this share of it and at least so many tokens, only whole sentences are said. */
const WINDOW_SHARE = 0.2;
const MIN_WINDOW_TOKENS = 32;
/** In so many characters the end of a sentence is looked for. */
const TAIL_CHARS = 16;
const ENDED = /[.!?…。！？]["'”’)\]]*$/u;

/**
 * Watches what an answer takes while it is written. Far from its limit text passes at once; near it whole sentences
 * do; and when the room that is left will not hold another one, as long as those before, the answer is over.
 */
export class AnswerLimit {
  readonly #room: number;
  readonly #window: number;
  readonly #tokens_per_char: number;
  #pieces = 0;
  #chars = 0;
  #said = '';
  #held = '';
  #over = false;

  constructor({ room_tokens, tokens_per_char }: AnswerRoom) {
    this.#room = room_tokens;
    this.#window = Math.min(room_tokens, Math.max(MIN_WINDOW_TOKENS, Math.ceil(room_tokens * WINDOW_SHARE)));
    this.#tokens_per_char = tokens_per_char;
  }

  /** Nothing more is to be written. */
  get over(): boolean {
    return this.#over;
  }

  /** Tokens written so far: at least one for each piece, else by characters. */
  get written_tokens(): number {
    return Math.max(this.#pieces, Math.ceil(this.#chars * this.#tokens_per_char));
  }

  /** Something was written, hidden reasoning included. Then what of it may be said. */
  take(written: string, shown: string): string {
    this.#pieces++;
    this.#chars += written.length;
    this.#held += shown;
    const left = this.#room - this.written_tokens;
    if (left > this.#window) return this.#say(this.#held.length);
    const said = this.#say(sentenceEnds(this.#held).at(-1) ?? 0);
    const between = this.#held.trim() === '' && this.#atSentence();
    this.#over = left <= 0 || (between && left < this.#sentenceTokens());
    return said;
  }

  /** Everything else, when the model ended by itself. */
  rest(): string {
    return this.#say(this.#held.length);
  }

  /** What is said of the rest when the answer was cut short: nothing after a sentence, else the whole words. */
  restOfCut(): string {
    if (ENDED.test(this.#held.slice(-TAIL_CHARS).trimEnd())) return this.rest();
    if (this.#atSentence()) return '';
    let size = this.#held.length;
    while (size > 0 && !/\s/.test(this.#held[size - 1] ?? '')) size--;
    return this.#say(size);
  }

  #say(size: number): string {
    const said = this.#held.slice(0, size);
    this.#held = this.#held.slice(said.length);
    this.#said += said;
    return said;
  }

  #atSentence(): boolean {
    const tail = this.#said.slice(-TAIL_CHARS);
    return this.#said === '' || sentenceEnds(tail).at(-1) === tail.length;
  }

  /** Mean length of the sentences so far. */
  #sentenceTokens(): number {
    const sentences = Math.max(1, sentenceEnds(this.#said).length);
    return (this.#said.length / sentences) * this.#tokens_per_char;
  }
}
