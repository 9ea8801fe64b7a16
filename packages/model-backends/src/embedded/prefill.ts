import type { LlamaContextSequence, Token } from 'node-llama-cpp';

/** How long the model may read without looking up, in ms: what an abort has to wait for at most. */
const PIECE_MS = 60;
const MIN_PIECE = 8;
const MAX_PIECE = 128;
/** Weight of the newest measurement. */
const EMA = 0.3;

/**
 * Chooses how many tokens of a prompt to read at once, from how fast the last ones were read. A prompt read in one go
 * cannot be aborted (10 s for 2,500 tokens on one core) and holds up everyone who shares the weights.
 */
export class ReadingPace {
  #tokens_per_ms = MIN_PIECE / PIECE_MS;

  piece(): number {
    return Math.min(MAX_PIECE, Math.max(MIN_PIECE, Math.round(this.#tokens_per_ms * PIECE_MS)));
  }

  took(tokens: number, duration_ms: number): void {
    if (duration_ms > 0) this.#tokens_per_ms += EMA * (tokens / duration_ms - this.#tokens_per_ms);
  }
}

/** Brings a sequence to all tokens of a prompt but the last, keeping what it has of them. Throws the signal's reason. */
export async function prefill(
  sequence: LlamaContextSequence,
  prompt: readonly Token[],
  { pace, signal }: { readonly pace: ReadingPace; readonly signal: AbortSignal },
): Promise<void> {
  const all = prompt.slice(0, -1);
  await sequence.adaptStateToTokens(all, false);
  while (sequence.nextTokenIndex < all.length) {
    signal.throwIfAborted();
    const from = sequence.nextTokenIndex;
    const piece = all.slice(from, from + pace.piece());
    const started_ms = performance.now();
    await sequence.evaluateWithoutGeneratingNewTokens(piece);
    pace.took(piece.length, performance.now() - started_ms);
  }
  signal.throwIfAborted();
}
