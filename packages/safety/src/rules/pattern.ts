/**
 * Phrases as a nondeterministic automaton. Their grammar: letters; a space between words; `(one|other)`; `?` after a
 * letter or a group; `*` after a group for none to three of it; `_` for up to twelve more letters; `~` for up to
 * three words of any kind in the same sentence; `.` at the end where the sentence, or the text, has to end there too.
 */
import { DefinitionError } from '@mcp/contracts';
import { OTHER, SEPARATOR, STOP, symbolOfAscii } from './symbols.ts';

const MOST_REPEATED = 3;
const MORE_LETTERS = 12;
const GAP_WORDS = 3;
const GAP_LETTERS = 14;
/** Any letter or digit. */
const ANY = -1;
/** Between two words of one sentence. */
const WITHIN = -2;

/** States with their edges; an edge without a symbol is taken for nothing. */
export interface Nfa {
  /** By state: symbol (or one of the two above) and where it leads. */
  readonly edges: readonly (readonly (readonly [number, number])[])[];
  readonly free: readonly (readonly number[])[];
  readonly start: number;
  /** By final state, the index of its phrase. */
  readonly finals: ReadonlyMap<number, number>;
  /** States that the end of a sentence does not lead to. */
  readonly gaps: ReadonlySet<number>;
}

class Builder {
  readonly edges: [number, number][][] = [];
  readonly free: number[][] = [];
  readonly gaps = new Set<number>();

  state(): number {
    this.edges.push([]);
    return this.free.push([]) - 1;
  }

  edge(from: number, symbol: number): number {
    const to = this.state();
    this.edges[from]?.push([symbol, to]);
    return to;
  }

  join(from: number, to: number): number {
    this.free[from]?.push(to);
    return to;
  }
}

/** One automaton for all phrases. Each begins where a word begins, and ends where one ends. */
export function compilePhrases(phrases: readonly string[]): Nfa {
  const builder = new Builder();
  const start = builder.state();
  const finals = new Map<number, number>();
  for (const [index, phrase] of phrases.entries()) {
    const stops = phrase.endsWith('.');
    const parser = new Parser(builder, stops ? phrase.slice(0, -1) : phrase);
    finals.set(builder.edge(parser.whole(start), stops ? STOP : SEPARATOR), index);
  }
  return { edges: builder.edges, free: builder.free, start, finals, gaps: builder.gaps };
}

class Parser {
  readonly #builder: Builder;
  readonly #phrase: string;
  #at = 0;

  constructor(builder: Builder, phrase: string) {
    this.#builder = builder;
    this.#phrase = phrase;
  }

  whole(from: number): number {
    const end = this.#alternatives(from);
    if (this.#at < this.#phrase.length) throw this.#fault(`has ')' without '('`);
    return end;
  }

  #alternatives(from: number): number {
    const end = this.#builder.state();
    this.#builder.join(this.#sequence(from), end);
    while (this.#phrase[this.#at] === '|') {
      this.#at++;
      this.#builder.join(this.#sequence(this.#builder.join(from, this.#builder.state())), end);
    }
    return end;
  }

  #sequence(from: number): number {
    let state = from;
    for (;;) {
      const char = this.#phrase[this.#at];
      if (char === undefined || char === ')' || char === '|') return state;
      // A loop must not lead back into what others begin with.
      const before = this.#builder.join(state, this.#builder.state());
      state = this.#piece(before, char);
      if (this.#phrase[this.#at] === '?') {
        this.#at++;
        const after = this.#builder.state();
        this.#builder.join(state, after);
        this.#builder.join(before, after);
        state = after;
      }
    }
  }

  #piece(from: number, char: string): number {
    this.#at++;
    if (char === '(') return this.#group(from);
    if (char === '_') return this.#letters(from, MORE_LETTERS);
    if (char === '~') return this.#gap(from);
    if (char === ' ') return this.#builder.edge(from, SEPARATOR);
    if (char < 'a' || char > 'z') throw this.#fault(`has '${char}', which is no small letter`);
    return this.#builder.edge(from, symbolOfAscii(char.charCodeAt(0)));
  }

  #group(from: number): number {
    const begin = this.#at;
    let state = from;
    const end = this.#builder.state();
    for (let times = 1; ; times++) {
      this.#at = begin;
      const after = this.#alternatives(state);
      if (this.#phrase[this.#at++] !== ')') throw this.#fault(`has '(' without ')'`);
      if (this.#phrase[this.#at] !== '*') return after;
      this.#builder.join(state, end);
      this.#builder.join(after, end);
      state = after;
      if (times === MOST_REPEATED) break;
    }
    this.#at++;
    return end;
  }

  /** None to `most` letters. */
  #letters(from: number, most: number): number {
    const end = this.#builder.state();
    let state = this.#builder.join(from, this.#builder.state());
    this.#builder.join(state, end);
    for (let i = 0; i < most; i++) {
      state = this.#builder.edge(state, ANY);
      this.#builder.join(state, end);
    }
    return end;
  }

  /** None to three words; the space that stands after `~` in the phrase is theirs. */
  #gap(from: number): number {
    if (this.#phrase[this.#at++] !== ' ') throw this.#fault(`needs a space after '~'`);
    const end = this.#builder.state();
    let state = this.#builder.join(from, this.#builder.state());
    this.#builder.gaps.add(state);
    this.#builder.join(state, end);
    for (let i = 0; i < GAP_WORDS; i++) {
      const word = this.#letters(this.#builder.edge(state, ANY), GAP_LETTERS - 1);
      state = this.#builder.edge(word, WITHIN);
      this.#builder.join(state, end);
    }
    return end;
  }

  #fault(what: string): DefinitionError {
    return new DefinitionError('The table of phrases', [
      `'${this.#phrase}' ${what} at ${this.#at}: see the grammar in pattern.ts`,
    ]);
  }
}

/** Whether an edge may be taken. */
export function passes(edge: number, symbol: number): boolean {
  if (edge === symbol) return true;
  if (edge === ANY) return symbol !== SEPARATOR && symbol <= OTHER;
  return edge === WITHIN ? symbol === SEPARATOR : edge === SEPARATOR && symbol === STOP;
}
