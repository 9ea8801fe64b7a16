/** Weight of the newest value in a moving average. */
const EMA = 0.1;
/** The average over all counts as so many values of a kind that was seen seldom. */
const PRIOR = 3;
/** Kinds that are told apart; those beyond have the average over all. */
const MAX_KINDS = 1024;

/** Moving averages of one figure by the kind of request; a kind that was seen seldom has about the average over all. */
export class Averages {
  #all: number;
  readonly #kinds = new Map<number, { mean: number; seen: number }>();

  constructor(first: number) {
    this.#all = first;
  }

  of(kind: number): number {
    return this.#kinds.get(kind)?.mean ?? this.#all;
  }

  learn(kind: number, value: number): void {
    let known = this.#kinds.get(kind);
    if (known === undefined && this.#kinds.size < MAX_KINDS) {
      known = { mean: this.#all, seen: PRIOR };
      this.#kinds.set(kind, known);
    }
    this.#all += EMA * (value - this.#all);
    if (known === undefined) return;
    known.mean += Math.max(EMA, 1 / ++known.seen) * (value - known.mean);
  }
}
