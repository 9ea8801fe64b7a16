/** All phrases at once, one step per character: a deterministic automaton that is worked out as texts need it. */
import { type Nfa, passes } from './pattern.ts';
import { SEPARATOR, STOP } from './symbols.ts';

/** States that are kept; beyond them each is worked out again. */
const MAX_STATES = 16_384;

/** How far phrases have come in a text. */
export interface State {
  /** States of the phrases' automaton, without those where each phrase begins. */
  readonly alive: readonly number[];
  /** Whether a word may begin here. */
  readonly boundary: boolean;
  /** Phrases that were complete before the separator that led here. */
  readonly found: readonly number[];
  /** Whether what came last may be the beginning of a phrase that is held. */
  readonly holds: boolean;
  /** By symbol, as far as it was worked out. */
  readonly next: (State | undefined)[];
}

const NONE: readonly number[] = [];

export class Automaton {
  readonly #nfa: Nfa;
  readonly #held: ReadonlySet<number>;
  readonly #beginnings: readonly number[];
  readonly #states = new Map<string, State>();
  /** Where a text begins. */
  readonly start: State;

  /** `held`: phrases of which not even the beginning may go on before it is known that the rest does not follow. */
  constructor(nfa: Nfa, held: (phrase: number) => boolean) {
    this.#nfa = nfa;
    this.#held = heldStates(nfa, held);
    this.#beginnings = this.#closure([nfa.start]);
    this.start = this.#state({ alive: NONE, boundary: true, found: NONE });
  }

  /** The state after one more symbol. */
  step(state: State, symbol: number): State {
    return state.next[symbol] ?? this.#workOut(state, symbol);
  }

  #workOut(state: State, symbol: number): State {
    const next = this.#after(state, symbol);
    state.next[symbol] = next;
    return next;
  }

  #after(state: State, symbol: number): State {
    // Several separators are one.
    const separates = symbol === SEPARATOR || symbol === STOP;
    if (separates && state.boundary) return this.#state({ alive: state.alive, boundary: true, found: NONE });
    const before = state.boundary ? [...state.alive, ...this.#beginnings] : state.alive;
    const reached = before.flatMap((one) =>
      (this.#nfa.edges[one] ?? []).flatMap(([edge, to]) => (passes(edge, symbol) ? [to] : [])),
    );
    const closed = this.#closure(reached, symbol === STOP);
    return this.#state({
      alive: closed.filter((one) => (this.#nfa.edges[one]?.length ?? 0) > 0),
      boundary: separates,
      found: closed.flatMap((one) => this.#nfa.finals.get(one) ?? []),
    });
  }

  #state(of: Pick<State, 'alive' | 'boundary' | 'found'>): State {
    const key = `${of.boundary ? 'b' : 'w'}${of.alive.join()};${of.found.join()}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const state = { ...of, holds: of.alive.some((one) => this.#held.has(one)), next: [] };
    if (this.#states.size < MAX_STATES) this.#states.set(key, state);
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
