import type { BatchTerms, QueueClass } from '@mcp/contracts';
import { FairLine, type Share } from './fair-line.ts';

/** So long after the last interactive inference batch work may have every place. */
const RESERVE_MS = 60_000;

/** One that waits, as the lines know it. */
interface Waiting {
  readonly who: string;
  readonly class: QueueClass;
}

/**
 * The two lines of one model: interactive inferences go first, and batch ones when none waits and enough places are
 * free, or when batch has had less than its share of the tokens that were begun while it waited.
 */
export class TwoLines<T extends Waiting> {
  readonly #terms: BatchTerms;
  readonly #lines: Readonly<Record<QueueClass, FairLine<T>>>;
  /** Tokens that batch is behind its share; less than nothing where it had more, by one inference for each place at most. */
  #owed = 0;
  #interactive_ms = Number.NEGATIVE_INFINITY;

  /** `workOf` says for how long a kind of inference is expected to work just now. */
  constructor(terms: BatchTerms, workOf: (kind: number) => number) {
    this.#terms = terms;
    this.#lines = { interactive: new FairLine(workOf), batch: new FairLine(workOf) };
  }

  lengthOf(cls: QueueClass): number {
    return this.#lines[cls].length;
  }

  get length(): number {
    return this.#lines.interactive.length + this.#lines.batch.length;
  }

  get tokens(): number {
    return this.#lines.interactive.tokens + this.#lines.batch.tokens;
  }

  add(item: T, share: Share): void {
    this.#lines[item.class].add(item.who, item, share);
  }

  serve(item: T): void {
    this.#lines[item.class].serve(item.who, item);
  }

  remove(item: T): void {
    this.#lines[item.class].remove(item.who, item);
  }

  /** The last that a caller has here: of its batch work first. */
  lastOf(who: string): T | undefined {
    return this.#lines.batch.lastOf(who) ?? this.#lines.interactive.lastOf(who);
  }

  count(counts: Map<string, number>): void {
    for (const line of Object.values(this.#lines)) line.count(counts);
  }

  /** All that wait, in the order in which they would be begun. */
  *inTurn(tokensOf: (item: T) => number): Generator<T> {
    const { interactive, batch } = this.#lines;
    let first: T | undefined;
    for (const item of batch.inTurn()) {
      if (this.#owed > 0 && this.#owed >= tokensOf(item)) first = item;
      break;
    }
    if (first !== undefined) yield first;
    yield* interactive.inTurn();
    for (const item of batch.inTurn()) if (item !== first) yield item;
  }

  /** Whether one of a class may begin where so many places are and so many of them free. */
  mayBegin(cls: QueueClass, tokens: number, at: { places: number; free: number; now_ms: number }): boolean {
    if (cls === 'interactive' || at.now_ms - this.#interactive_ms > RESERVE_MS) return true;
    if (this.#owed > 0 && this.#owed >= tokens) return true;
    return at.free > Math.floor(at.places * this.#terms.reserve);
  }

  /** An inference begins, perhaps one that did not wait. */
  begun(cls: QueueClass, tokens: number, at: { mean_tokens: number; places: number; now_ms: number }): void {
    if (cls === 'interactive') this.#interactive_ms = at.now_ms;
    const { min_share } = this.#terms;
    const { batch } = this.#lines;
    const change = cls === 'batch' ? (min_share - 1) * tokens : batch.length > 0 ? min_share * tokens : 0;
    // Nobody is owed more than it waits with: nothing, where it does not wait.
    this.#owed = Math.max(-at.mean_tokens * at.places, Math.min(batch.tokens, this.#owed + change));
  }

  /** Tokens that are likely to be begun before one more. */
  ahead({ who, class: cls, tokens, kind }: Waiting & Pick<Share, 'tokens' | 'kind'>): number {
    const { interactive, batch } = this.#lines;
    const { min_share } = this.#terms;
    const before = this.#lines[cls].ahead(who, kind);
    if (cls === 'interactive') return before + Math.min(batch.tokens, (before * min_share) / (1 - min_share));
    const last = interactive.tokens + before;
    return min_share === 0 ? last : Math.min(last, (before + tokens) / min_share - tokens);
  }
}
