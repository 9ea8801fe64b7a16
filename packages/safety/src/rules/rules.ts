/** The fast stage: phrases that are looked for in one pass, in time that grows with the length of a text alone. */
import type { SafetyCategory, Severity } from '../categories.ts';
import { Automaton, type State } from './automaton.ts';
import { compilePhrases } from './pattern.ts';
import { PHRASES } from './phrases.ts';
import { PASSED, SEPARATOR, symbolOfAscii, symbolsOf } from './symbols.ts';

/** Characters of a text that are looked at. */
export const MAX_CHARS = 200_000;

export interface Rule {
  readonly category: SafetyCategory;
  readonly severity: Severity;
}

const TABLE = PHRASES.flatMap(({ category, severity, phrases }) =>
  phrases.map((phrase) => ({ phrase, rule: { category, severity } satisfies Rule })),
);

/** The rule of a phrase that was found. */
export function ruleOf(phrase: number): Rule {
  const row = TABLE[phrase];
  if (row === undefined) throw new RangeError(`there is no phrase ${phrase}`);
  return row.rule;
}

let compiled: ReturnType<typeof compilePhrases> | undefined;

/** The phrases, of which those of `held` are held back where they begin. Building it takes some milliseconds. */
export function phraseAutomaton(held: (phrase: number) => boolean): Automaton {
  compiled ??= compilePhrases(TABLE.map(({ phrase }) => phrase));
  return new Automaton(compiled, held);
}

/** Reads a text that comes in pieces. */
export class Reader {
  readonly #automaton: Automaton;
  readonly #onFound: (phrases: readonly number[], at: number) => void;
  #state: State;
  /** Code units that were read, in all pieces. */
  read = 0;
  /** The first half of a character that a piece ended in. */
  #half: number | undefined;
  #held_from = 0;

  /** `onFound` is told which phrases are complete, and before which code unit they end. */
  constructor(automaton: Automaton, onFound: (phrases: readonly number[], at: number) => void) {
    this.#automaton = automaton;
    this.#onFound = onFound;
    this.#state = automaton.start;
  }

  /** Where the text begins that may be part of a phrase that is held; all before it is none. */
  get held_from(): number {
    return this.#state.holds ? this.#held_from : this.read;
  }

  push(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < 128 && this.#half === undefined) {
        const symbol = symbolOfAscii(code);
        if (symbol !== PASSED) this.#step(symbol);
        this.read++;
      } else this.#beyondAscii(code);
    }
  }

  /** The text has no more to it. */
  end(): void {
    this.#step(SEPARATOR);
  }

  #beyondAscii(code: number): void {
    const half = this.#half;
    this.#half = code >= 0xd800 && code < 0xdc00 ? code : undefined;
    if (this.#half === undefined) {
      const whole = half !== undefined && code >= 0xdc00 && code < 0xe000;
      const point = whole ? 0x10000 + ((half - 0xd800) << 10) + (code - 0xdc00) : code;
      for (const symbol of symbolsOf(point)) this.#step(symbol);
    }
    this.read++;
  }

  #step(symbol: number): void {
    const before = this.#state;
    const state = this.#automaton.step(before, symbol);
    this.#state = state;
    if (!before.holds && state.holds) this.#held_from = this.read;
    if (state.found.length > 0) this.#onFound(state.found, this.read);
  }
}

let all: Automaton | undefined;

/** The phrases that a text has, by their number. */
export function phrasesIn(text: string): ReadonlySet<number> {
  all ??= phraseAutomaton(() => false);
  const found = new Set<number>();
  const reader = new Reader(all, (phrases) => {
    for (const phrase of phrases) found.add(phrase);
  });
  reader.push(text.length > MAX_CHARS ? text.slice(0, MAX_CHARS) : text);
  reader.end();
  return found;
}

/** The rules that a text breaks. */
export function rulesIn(text: string): readonly Rule[] {
  return [...phrasesIn(text)].sort((a, b) => a - b).map(ruleOf);
}
