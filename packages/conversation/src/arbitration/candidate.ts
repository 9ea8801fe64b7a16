import type { FinishReason } from '@mcp/contracts';

/** One of the answers to decide between. */
export interface Candidate {
  readonly participant: string;
  readonly model: string;
  readonly message_id: string;
  /** How many answers of the same participant came before it: of equals the earlier stands. */
  readonly before?: number;
  readonly text: string;
  readonly finish: FinishReason;
  /** Risk in [0, 1]. */
  readonly risk: number;
  /** Embedding of the text, or undefined when none was available. */
  readonly vector: readonly number[] | undefined;
  /** The judge's probability that the answer is sound, where one was asked. */
  readonly judged?: number | undefined;
}
