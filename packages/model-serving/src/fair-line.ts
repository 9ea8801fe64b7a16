/** Callers whose turn is remembered; beyond, those whose turn has passed are forgotten. */
const MAX_REMEMBERED = 1000;

interface Entry<T> {
  readonly item: T;
  readonly who: string;
  /** Virtual time at which its turn comes. */
  readonly turn: number;
}

/**
 * A line in which callers take turns (start-time fair queueing: Goyal, Vin, Cheng 1996): whoever waits with many stands
 * behind everyone who waits with fewer, each caller's own requests in the order in which they came.
 */
export class FairLine<T> {
  readonly #entries: Entry<T>[] = [];
  /** When the turn after a caller's last one would come. */
  readonly #next = new Map<string, number>();
  #now = 0;

  get length(): number {
    return this.#entries.length;
  }

  at(index: number): T {
    const entry = this.#entries[index];
    if (entry === undefined) throw new RangeError(`there is no entry ${index}`);
    return entry.item;
  }

  add(who: string, item: T): void {
    const turn = Math.max(this.#now, this.#next.get(who) ?? 0);
    this.#forget();
    this.#next.set(who, turn + 1);
    const before = this.#entries.findLastIndex((entry) => entry.turn <= turn);
    this.#entries.splice(before + 1, 0, { item, who, turn });
  }

  /** Takes one out because its turn has come. */
  serve(index: number): void {
    const [entry] = this.#entries.splice(index, 1);
    if (entry !== undefined) this.#now = Math.max(this.#now, entry.turn);
  }

  /** Takes one out that does not wait any more. */
  remove(item: T): void {
    const index = this.#entries.findIndex((entry) => entry.item === item);
    if (index >= 0) this.#entries.splice(index, 1);
  }

  /** The last that a caller has here, or undefined. */
  lastOf(who: string): T | undefined {
    return this.#entries.findLast((entry) => entry.who === who)?.item;
  }

  /** How many each caller has here, added to `counts`. */
  count(counts: Map<string, number>): void {
    for (const { who } of this.#entries) counts.set(who, (counts.get(who) ?? 0) + 1);
  }

  #forget(): void {
    if (this.#next.size < MAX_REMEMBERED) return;
    for (const [who, turn] of this.#next) if (turn <= this.#now) this.#next.delete(who);
  }
}
