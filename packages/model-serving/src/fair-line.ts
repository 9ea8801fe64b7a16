/** Callers whose turn is remembered; beyond, those whose turn has passed are forgotten. */
const MAX_REMEMBERED = 1000;

interface Entry<T> {
  readonly item: T;
  readonly who: string;
  /** Tokens that it is expected to take. */
  readonly tokens: number;
  /** Virtual time at which its turn comes. */
  readonly turn: number;
}

/** How much of the model one entry takes, and which share of it its caller has. */
export interface Share {
  readonly tokens: number;
  /** A caller of weight 2 gets twice the tokens of one of weight 1, as long as both wait. */
  readonly weight: number;
}

/**
 * A line in which callers take turns by what they use (start-time fair queueing: Goyal, Vin, Cheng 1996): each entry
 * begins where its caller's last one ended in virtual time, which runs by tokens over weight. So whoever waits with
 * much stands behind everyone who waits with less, each caller's own entries in the order in which they came.
 */
export class FairLine<T> {
  readonly #entries: Entry<T>[] = [];
  /** When the turn after a caller's last one would come. */
  readonly #next = new Map<string, number>();
  #now = 0;
  #tokens = 0;

  get length(): number {
    return this.#entries.length;
  }

  /** Tokens of all that wait. */
  get tokens(): number {
    return this.#tokens;
  }

  at(index: number): T {
    const entry = this.#entries[index];
    if (entry === undefined) throw new RangeError(`there is no entry ${index}`);
    return entry.item;
  }

  /** Tokens of those that a caller's next entry would stand behind. */
  ahead(who: string): number {
    const turn = this.#turnOf(who);
    let sum = 0;
    for (const entry of this.#entries) {
      if (entry.turn > turn) break;
      sum += entry.tokens;
    }
    return sum;
  }

  add(who: string, item: T, { tokens, weight }: Share): void {
    const turn = this.#turnOf(who);
    this.#forget();
    this.#next.set(who, turn + tokens / weight);
    const before = this.#entries.findLastIndex((entry) => entry.turn <= turn);
    this.#entries.splice(before + 1, 0, { item, who, tokens, turn });
    this.#tokens += tokens;
  }

  /** Takes one out because its turn has come. */
  serve(index: number): void {
    const entry = this.#take(index);
    if (entry !== undefined) this.#now = Math.max(this.#now, entry.turn);
  }

  /** Takes one out that does not wait any more. */
  remove(item: T): void {
    const index = this.#entries.findIndex((entry) => entry.item === item);
    if (index >= 0) this.#take(index);
  }

  /** The last that a caller has here, or undefined. */
  lastOf(who: string): T | undefined {
    return this.#entries.findLast((entry) => entry.who === who)?.item;
  }

  /** How many each caller has here, added to `counts`. */
  count(counts: Map<string, number>): void {
    for (const { who } of this.#entries) counts.set(who, (counts.get(who) ?? 0) + 1);
  }

  #take(index: number): Entry<T> | undefined {
    const [entry] = this.#entries.splice(index, 1);
    // An empty line has none left over, whatever fractions were added up.
    this.#tokens = this.#entries.length === 0 ? 0 : this.#tokens - (entry?.tokens ?? 0);
    return entry;
  }

  #turnOf(who: string): number {
    return Math.max(this.#now, this.#next.get(who) ?? 0);
  }

  #forget(): void {
    if (this.#next.size < MAX_REMEMBERED) return;
    for (const [who, turn] of this.#next) if (turn <= this.#now) this.#next.delete(who);
  }
}
