/** How unsure models are of their tokens. */

/** Tokens whose probabilities count at once while an answer comes. */
const LIVE_TOKENS = 64;

/** A token that a model gave one in eleven is as unsure as counts. */
const MOST_SURPRISAL = 2.4;

/** Mean surprisal (-log p) of tokens, of {@link MOST_SURPRISAL}; 0 where there are none. */
export function tokenVolatility(logprobs: readonly number[]): number {
  if (logprobs.length === 0) return 0;
  const mean = logprobs.reduce((sum, logprob) => sum + Math.min(20, -logprob), 0) / logprobs.length;
  return Math.min(1, Math.max(0, mean / MOST_SURPRISAL));
}

/** The volatility of the last tokens of an answer that comes. */
export class LiveVolatility {
  readonly #recent: number[] = [];

  /** Too few tokens say nothing. */
  push(tokens: readonly { readonly logprob: number }[]): number {
    this.#recent.push(...tokens.map(({ logprob }) => logprob));
    this.#recent.splice(0, this.#recent.length - LIVE_TOKENS);
    return this.#recent.length < LIVE_TOKENS ? 0 : tokenVolatility(this.#recent);
  }
}
