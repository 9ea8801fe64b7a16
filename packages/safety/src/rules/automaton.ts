/** All phrases at once, one step per character: a deterministic automaton that is worked out as texts need it. */
import { type Nfa, passes } from './pattern.ts';
import { SEPARATOR, STOP } from './symbols.ts';

/** States that are kept; beyond them each is worked out again. */
const MAX_STATES = 16_384;

/** How far phrases have come in a text. */
export interface State {
  /** Its place in the table; -1: beyond the bound, it is not kept. */
  readonly id: number;
  /** States of the phrases' automaton, without those where each phrase begins. */
  readonly alive: readonly number[];
  /** Whether a word may begin here. */
  readonly boundary: boolean;
  /** Phrases that were complete before the separator that led here. */
  readonly found: readonly number[];
  /** Whether what came last may be the beginning of a phrase that is held. */
  readonly holds: boolean;
}

/** Symbols of one row of the table, as a power of two. */
export const ROW_BITS = 5;
/** What the table says of a step: the place of the next state, and whether something is found or held there. */
export const tells = (step: number): boolean => (step & 1) === 1;
export const idOf = (step: number): number => (step >> 1) - 2;
const stepTo = ({ id, holds, found }: State): number => ((id + 2) << 1) | (holds || found.length > 0 ? 1 : 0);

const NONE: readonly number[] = [];

export class Automaton {
  readonly #nfa: Nfa;
  readonly #held: ReadonlySet<number>;
  readonly #beginnings: readonly number[];
  /** By symbol, where phrases have come that begin with it; the same for every word, so worked out once. */
  readonly #begun = new Map<number, readonly number[]>();
  readonly #known = new Map<string, State>();
  readonly #states: State[] = [];
  /** By state and symbol, the step that it makes; 0 where it was not worked out. One table, for it is read for each character. */
  readonly table = new Int32Array(MAX_STATES << ROW_BITS);
  /** Where a text begins. */
  readonly start: State;

  /** `held`: phrases of which not even the beginning may go on before it is known that the rest does not follow. */
  constructor(nfa: Nfa, held: (phrase: number) => boolean) {
    this.#nfa = nfa;
    this.#held = heldStates(nfa, held);
    this.#beginnings = this.#closure([nfa.start]);
    this.start = this.#state({ alive: NONE, boundary: true, found: NONE });
  }

  /** A state of the table. */
  at(id: number): State {
    return this.#states[id] ?? this.start;
  }

  /** The state after one more symbol. */
  next(state: State, symbol: number): State {
    const next = this.#after(state, symbol);
    if (state.id >= 0 && next.id >= 0) this.table[(state.id << ROW_BITS) | symbol] = stepTo(next);
    return next;
  }

  #after(state: State, symbol: number): State {
    // Several separators are one.
    const separates = symbol === SEPARATOR || symbol === STOP;
    if (separates && state.boundary) return this.#state({ alive: state.alive, boundary: true, found: NONE });
    const reached = this.#reached(state.alive, symbol);
    const begun = state.boundary ? this.#begunWith(symbol) : NONE;
    const closed = reached.length === 0 ? begun : this.#closure([...reached, ...begun], symbol === STOP);
    return this.#state({
      alive: closed.filter((one) => (this.#nfa.edges[one]?.length ?? 0) > 0),
      boundary: separates,
      found: closed.flatMap((one) => this.#nfa.finals.get(one) ?? []),
    });
  }

  #reached(from: readonly number[], symbol: number): number[] {
    const reached: number[] = [];
    for (const one of from)
      for (const [edge, to] of this.#nfa.edges[one] ?? []) if (passes(edge, symbol)) reached.push(to);
    return reached;
  }

  #begunWith(symbol: number): readonly number[] {
    const known = this.#begun.get(symbol);
    if (known !== undefined) return known;
    const begun = this.#closure(this.#reached(this.#beginnings, symbol));
    this.#begun.set(symbol, begun);
    return begun;
  }

  #state(of: Pick<State, 'alive' | 'boundary' | 'found'>): State {
    const key = `${of.boundary ? 'b' : 'w'}${of.alive.join()};${of.found.join()}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const id = this.#states.length < MAX_STATES ? this.#states.length : -1;
    const state = { ...of, id, holds: of.alive.some((one) => this.#held.has(one)) };
    if (id < 0) return state;
    this.#known.set(key, state);
    this.#states.push(state);
    return state;
  }

  #closure(from: readonly number[], stops = false): number[] {
    const seen = new Set(from);
    for (const one of seen)
      for (const to of this.#nfa.free[one] ?? []) if (!stops || !this.#nfa.gaps.has(to)) seen.add(to);
    return [...seen].sort((a, b) => a - b);
  }
}

/** States from which a held phrase can still be reached. */
function heldStates(nfa: Nfa, held: (phrase: number) => boolean): Set<number> {
  const back = new Map<number, number[]>();
  const link = (from: number, to: number) => {
    const known = back.get(to);
    if (known === undefined) back.set(to, [from]);
    else known.push(from);
  };
  for (const [from, edges] of nfa.edges.entries()) for (const [, to] of edges) link(from, to);
  for (const [from, free] of nfa.free.entries()) for (const to of free) link(from, to);
  const reach = new Set([...nfa.finals].flatMap(([state, phrase]) => (held(phrase) ? [state] : [])));
  for (const one of reach) for (const from of back.get(one) ?? []) reach.add(from);
  return reach;
}
