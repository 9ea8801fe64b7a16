/** Callers whose turn is remembered; beyond, those whose turn has passed are forgotten. */
const MAX_REMEMBERED = 1000;
/** What a second of waiting is worth in seconds of work: nobody's long request waits behind short ones for ever. */
const AGEING = 0.1;
/** Part of its pace in weighted fair queueing at which virtual time runs at least: newcomers stand in front, but not for ever. */
const PACE = 0.1;

/** How much of the model one entry takes, and which share of it its caller has. */
export interface Share {
  readonly tokens: number;
  /** A caller of weight 2 gets twice the tokens of one of weight 1, as long as both wait. */
  readonly weight: number;
  /** Entries of one kind are expected to work for as long; of one caller's entries the shortest goes first. */
  readonly kind: number;
  /** When it came. */
  readonly since_ms: number;
}

interface Entry<T> extends Share {
  readonly item: T;
}

/** A caller that waits, with what it has here. */
interface Caller<T> {
  readonly who: string;
  /** Virtual time at which its turn comes. */
  turn: number;
  readonly entries: Entry<T>[];
}

/**
 * A line in which callers take turns by what they use (start-time fair queueing: Goyal, Vin, Cheng 1996): each entry
 * begins where its caller's last one ended in virtual time, which runs by tokens over weight. So whoever waits with
 * much stands behind everyone who waits with less; but not for ever, for virtual time never stands still. Which of its
 * own entries a caller's turn is for is settled when it comes: the one that is expected to be done first (shortest job
 * first: Smith 1956), less a tenth of its wait.
 */
export class FairLine<T> {
  readonly #callers = new Map<string, Caller<T>>();
  /** When the turn after a caller's last one would come, of those that do not wait. */
  readonly #next = new Map<string, number>();
  readonly #workOf: (kind: number) => number;
  #now = 0;
  #tokens = 0;
  #length = 0;

  /** `workOf` says for how long a kind is expected to work just now, in milliseconds. */
  constructor(workOf: (kind: number) => number) {
    this.#workOf = workOf;
  }

  get length(): number {
    return this.#length;
  }

  /** Tokens of all that wait. */
  get tokens(): number {
    return this.#tokens;
  }

  /** All that wait, whose turn comes first in front, as their turns are now. */
  *inTurn(): Generator<T> {
    const callers = ascending([...this.#callers.values()], ({ turn }) => turn);
    for (const { entries } of callers) {
      const ranked = ascending(entries, ({ kind, since_ms }) => this.#workOf(kind) + AGEING * since_ms);
      for (const { item } of ranked) yield item;
    }
  }

  /** Tokens of those that a caller's next entry would stand behind. */
  ahead(who: string, kind: number): number {
    const work_ms = this.#workOf(kind);
    const own = this.#callers.get(who);
    const shorter = own?.entries.filter((entry) => this.#workOf(entry.kind) <= work_ms) ?? [];
    const turn = shorter.reduce((at, one) => at + one.tokens / one.weight, own?.turn ?? this.#turnOf(who));
    let sum = shorter.reduce((all, { tokens }) => all + tokens, 0);
    for (const caller of this.#callers.values()) {
      if (caller === own) continue;
      let at = caller.turn;
      for (const { tokens, weight } of caller.entries) {
        if (at > turn) break;
        sum += tokens;
        at += tokens / weight;
      }
    }
    return sum;
  }

  add(who: string, item: T, share: Share): void {
    let caller = this.#callers.get(who);
    if (caller === undefined) {
      caller = { who, turn: this.#turnOf(who), entries: [] };
      this.#next.delete(who);
      this.#callers.set(who, caller);
    }
    caller.entries.push({ ...share, item });
    this.#tokens += share.tokens;
    this.#length++;
  }

  /** Takes one out because its turn has come. */
  serve(who: string, item: T): void {
    const caller = this.#callers.get(who);
    const entry = this.#take(caller, item);
    if (caller === undefined || entry === undefined) return;
    const weights = entry.weight + this.#weightBeside(caller);
    this.#now = Math.max(this.#now + (PACE * entry.tokens) / weights, caller.turn);
    caller.turn += entry.tokens / entry.weight;
    // Behind those who have the same turn and wait already.
    this.#callers.delete(caller.who);
    if (caller.entries.length > 0) this.#callers.set(caller.who, caller);
    else this.#remember(caller);
  }

  /** Takes one out that does not wait any more. */
  remove(who: string, item: T): void {
    const caller = this.#callers.get(who);
    if (this.#take(caller, item) === undefined || caller === undefined || caller.entries.length > 0) return;
    this.#callers.delete(who);
    this.#remember(caller);
  }

  /** The last that a caller has here, or undefined. */
  lastOf(who: string): T | undefined {
    return this.#callers.get(who)?.entries.at(-1)?.item;
  }

  /** How many each caller has here, added to `counts`. */
  count(counts: Map<string, number>): void {
    for (const { who, entries } of this.#callers.values())
      counts.set(who, (counts.get(who) ?? 0) + entries.length);
  }

  #take(caller: Caller<T> | undefined, item: T): Entry<T> | undefined {
    const index = caller?.entries.findIndex((entry) => entry.item === item) ?? -1;
    const [entry] = index < 0 ? [] : (caller?.entries.splice(index, 1) ?? []);
    if (entry === undefined) return undefined;
    this.#length--;
    // An empty line has none left over, whatever fractions were added up.
    this.#tokens = this.#length === 0 ? 0 : this.#tokens - entry.tokens;
    return entry;
  }

  /** Of the other callers that wait. */
  #weightBeside(caller: Caller<T>): number {
    let sum = 0;
    for (const other of this.#callers.values()) if (other !== caller) sum += other.entries[0]?.weight ?? 0;
    return sum;
  }

  #turnOf(who: string): number {
    return Math.max(this.#now, this.#next.get(who) ?? 0);
  }

  #remember({ who, turn }: Caller<T>): void {
    this.#next.set(who, turn);
    if (this.#next.size <= MAX_REMEMBERED) return;
    for (const [one, at] of this.#next) if (at <= this.#now) this.#next.delete(one);
  }
}

/** The smallest first, of equal ones the earlier; the others are sorted only when they are asked for. */
function* ascending<T extends object>(items: readonly T[], keyOf: (item: T) => number): Generator<T> {
  const [first] = items;
  if (first === undefined) return;
  let least = first;
  for (const item of items) if (keyOf(item) < keyOf(least)) least = item;
  yield least;
  yield* items.filter((item) => item !== least).sort((a, b) => keyOf(a) - keyOf(b));
}
