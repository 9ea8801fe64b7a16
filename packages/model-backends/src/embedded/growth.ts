/** The smallest context that is made: what a short question and its answer need. */
export const MIN_CONTEXT = 2048;

/** A context that there is. */
export interface Held {
  readonly tokens: number;
  readonly free: boolean;
  /** Tokens of the prompt that it has read already. */
  readonly shared: number;
}

export interface Need {
  /** Tokens of the prompt and the longest answer. */
  readonly wanted: number;
  /** Tokens of the prompt and an answer worth having. */
  readonly least: number;
}

export interface Bounds {
  readonly max_context: number;
  /** Contexts at most. */
  readonly max_held: number;
  /** Bytes that may still be taken. */
  readonly spare_bytes: number;
  bytesOf(tokens: number): number;
}

export type Move =
  | { readonly type: 'use'; readonly at: number }
  /** Make one of so many tokens, after these free ones were given up. */
  | { readonly type: 'make'; readonly tokens: number; readonly drop: readonly number[] }
  /** Others have to end first. */
  | { readonly type: 'wait' }
  /** There is not the memory for it, whoever ends. */
  | { readonly type: 'refuse' };

/**
 * Where a generation is to take place. A free context that is large enough is used, the one that has read most of the
 * prompt. Otherwise one is made, a power of two of tokens: in the place of free ones that are too small, or beside those
 * at work, as large as is wanted or as memory allows. Pure.
 */
export function nextMove(held: readonly Held[], need: Need, bounds: Bounds): Move {
  const free = held.flatMap((one, at) => (one.free ? [{ ...one, at }] : []));
  const fitting = free
    .filter(({ tokens }) => tokens >= Math.min(need.wanted, bounds.max_context))
    .sort((a, b) => b.shared - a.shared || a.tokens - b.tokens)[0];
  if (fitting !== undefined) return { type: 'use', at: fitting.at };
  const drop = free.map(({ at }) => at);
  const freed = free.reduce((sum, { tokens }) => sum + bounds.bytesOf(tokens), 0);
  const affords = (tokens: number) => bounds.bytesOf(tokens) <= bounds.spare_bytes + freed;
  const busy = held.length - free.length;
  const size = busy < bounds.max_held ? sizes(need, bounds).find(affords) : undefined;
  const largest = [...free].sort((a, b) => b.tokens - a.tokens)[0];
  if (largest !== undefined && largest.tokens >= need.least && (size === undefined || size <= largest.tokens))
    return { type: 'use', at: largest.at };
  if (size !== undefined) return { type: 'make', tokens: size, drop };
  return busy > 0 ? { type: 'wait' } : { type: 'refuse' };
}

/** Sizes that will do, the wanted one first. */
function sizes({ wanted, least }: Need, { max_context }: Bounds): number[] {
  const out: number[] = [];
  for (let tokens = contextSize(wanted, max_context); ; tokens = Math.ceil(tokens / 2)) {
    out.push(tokens);
    const next = Math.ceil(tokens / 2);
    if (next < Math.min(MIN_CONTEXT, max_context) || next < least || next === tokens) return out;
  }
}

/** A power of two that holds so many tokens, within what the model may have. */
export function contextSize(tokens: number, max_context: number): number {
  return Math.min(max_context, 2 ** Math.ceil(Math.log2(Math.max(MIN_CONTEXT, tokens))));
}
