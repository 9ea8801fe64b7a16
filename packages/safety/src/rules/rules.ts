/** The fast stage: phrases that are looked for in one pass, in time that grows with the length of a text alone. */
import type { SafetyCategory, Severity } from '../categories.ts';
import { Automaton, idOf, ROW_BITS, type State, tells } from './automaton.ts';
import { compilePhrases } from './pattern.ts';
import { PHRASES } from './phrases.ts';
import { PASSED, STOP, symbolOfAscii, symbolsOf } from './symbols.ts';

/** Between the symbols and {@link PASSED}: the character is worked out by its code point. */
const OTHER_SCRIPT = 30;
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
  /** Where it is in the automaton's table. */
  #id: number;
  /** The state itself where it is not in the table. */
  #state: State;
  #holds = false;
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
    this.#id = automaton.start.id;
  }

  /** Where the text begins that may be part of a phrase that is held; all before it is none. */
  get held_from(): number {
    return this.#holds ? this.#held_from : this.read;
  }

  push(text: string): void {
    const { table } = this.#automaton;
    let id = this.#id;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      const symbol = code < 128 && this.#half === undefined ? symbolOfAscii(code) : OTHER_SCRIPT;
      if (symbol < OTHER_SCRIPT) {
        // Most characters are read by this line alone.
        const step = id < 0 ? 0 : (table[(id << ROW_BITS) | symbol] ?? 0);
        if (step !== 0 && !tells(step) && !this.#holds) {
          id = idOf(step);
        } else {
          this.#id = id;
          this.#step(symbol);
          id = this.#id;
        }
      } else if (symbol === OTHER_SCRIPT) {
        this.#id = id;
        this.#beyondAscii(code);
        id = this.#id;
        continue;
      }
      this.read++;
    }
    this.#id = id;
  }

  /** The text has no more to it. */
  end(): void {
    this.#step(STOP);
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
    const automaton = this.#automaton;
    const id = this.#id;
    const step = id < 0 ? 0 : (automaton.table[(id << ROW_BITS) | symbol] ?? 0);
    const before = id < 0 ? this.#state : automaton.at(id);
    const state = step === 0 ? automaton.next(before, symbol) : automaton.at(idOf(step));
    this.#state = state;
    this.#id = state.id;
    if (!this.#holds && state.holds) this.#held_from = this.read;
    this.#holds = state.holds;
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
