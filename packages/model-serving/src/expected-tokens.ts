/** How many tokens a request will take, before a model has said so. */
import { type ChatCompletionRequest, textOf, type Usage } from '@mcp/contracts';

/** Weight of the newest answer in the moving averages. */
const EMA = 0.1;
/** Until a model has answered: what a chat answer has in the median of public traces (Azure LLM inference trace 2023). */
const FIRST_OUTPUT = 129;
/** Until a model has said how many tokens a text had: characters per token of English text. */
const FIRST_CHARS_PER_TOKEN = 4;
/** What a picture counts for: as many characters as a few hundred tokens have. */
const PICTURE = ' '.repeat(3000);

/**
 * Tokens that requests to one model are expected to take: its input by the characters per token that the model was
 * seen to have, its output by a moving average of what it wrote, at most what the request allows. An estimate that
 * costs no tokenizer: it orders the queue and predicts waits, it never refuses for length.
 */
export class ExpectedTokens {
  #output = FIRST_OUTPUT;
  #chars_per_token = FIRST_CHARS_PER_TOKEN;

  /** Tokens of input and output together, at least 1. */
  of(request: ChatCompletionRequest): number {
    const limit = request.max_completion_tokens ?? request.max_tokens ?? Number.POSITIVE_INFINITY;
    const output = Math.min(limit, this.#output) * (request.n ?? 1);
    return Math.max(1, charsOf(request) / this.#chars_per_token + output);
  }

  /** Tokens of texts that are read and not answered. */
  ofTexts(input: string | readonly string[]): number {
    const texts = typeof input === 'string' ? [input] : input;
    return Math.max(1, texts.reduce((sum, text) => sum + text.length, 0) / this.#chars_per_token);
  }

  /** Learns from what a request took in the end. */
  learn(request: ChatCompletionRequest, { input_tokens, output_tokens }: Usage): void {
    this.#output += EMA * (output_tokens / (request.n ?? 1) - this.#output);
    const chars = charsOf(request);
    if (input_tokens === 0 || chars === 0) return;
    // Templates and tools add tokens that no message has; a bound keeps one odd request from ruining the estimate.
    const seen = Math.min(16, Math.max(0.5, chars / input_tokens));
    this.#chars_per_token += EMA * (seen - this.#chars_per_token);
  }
}

function charsOf({ messages }: ChatCompletionRequest): number {
  let chars = 0;
  for (const { content } of messages)
    chars +=
      typeof content === 'string' ? content.length : textOf(content, { picture: () => PICTURE }).length;
  return chars;
}
