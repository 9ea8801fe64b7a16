/** How many tokens a request will take, before a model has said so. */
import { type ChatCompletionRequest, textOf, type Usage } from '@mcp/contracts';
import { Averages } from './averages.ts';

/** Weight of the newest answer in the moving average of characters per token. */
const EMA = 0.1;
/** Until a model has answered: what a chat answer has in the median of public traces (Azure LLM inference trace 2023). */
const FIRST_OUTPUT = 129;
/** Until a model has said how many tokens a text had: characters per token of English text. */
const FIRST_CHARS_PER_TOKEN = 4;
/** What a picture counts for: as many characters as a few hundred tokens have. */
const PICTURE = ' '.repeat(3000);

/** What is expected of one request. */
export interface Expected {
  /** Input and output together, at least 1. */
  readonly tokens: number;
  /** Requests with an input and a limit of about the same length are of one kind: what they took says what it will take. */
  readonly kind: number;
}

/**
 * Tokens that requests to one model are expected to take: its input by the characters per token that the model was
 * seen to have, its output by a moving average of what it wrote to requests of that kind, at most what the request
 * allows. An estimate that costs no tokenizer: it orders the queue and predicts waits, it never refuses for length.
 */
export class ExpectedTokens {
  readonly #output = new Averages(FIRST_OUTPUT);
  #chars_per_token = FIRST_CHARS_PER_TOKEN;

  of(request: ChatCompletionRequest): Expected {
    const chars = charsOf(request);
    const limit = limitOf(request);
    const kind = kindOf(chars, limit);
    const output = Math.min(limit, this.#output.of(kind)) * (request.n ?? 1);
    return { tokens: Math.max(1, chars / this.#chars_per_token + output), kind };
  }

  /** Of texts that are read and not answered. */
  ofTexts(input: string | readonly string[]): Expected {
    const texts = typeof input === 'string' ? [input] : input;
    const chars = texts.reduce((sum, text) => sum + text.length, 0);
    return { tokens: Math.max(1, chars / this.#chars_per_token), kind: kindOf(chars, 0) };
  }

  /** Learns from what a request took in the end. */
  learn(request: ChatCompletionRequest, { input_tokens, output_tokens }: Usage): void {
    const chars = charsOf(request);
    this.#output.learn(kindOf(chars, limitOf(request)), output_tokens / (request.n ?? 1));
    if (input_tokens === 0 || chars === 0) return;
    // Templates and tools add tokens that no message has; a bound keeps one odd request from ruining the estimate.
    const seen = Math.min(16, Math.max(0.5, chars / input_tokens));
    this.#chars_per_token += EMA * (seen - this.#chars_per_token);
  }
}

function limitOf(request: ChatCompletionRequest): number {
  return request.max_completion_tokens ?? request.max_tokens ?? Number.POSITIVE_INFINITY;
}

/** Lengths by powers of two, 0 to 31 each. */
function kindOf(chars: number, limit: number): number {
  return 32 * magnitude(chars) + magnitude(limit);
}

function magnitude(length: number): number {
  return length === Number.POSITIVE_INFINITY ? 31 : Math.min(30, Math.floor(Math.log2(length + 1)));
}

function charsOf({ messages }: ChatCompletionRequest): number {
  let chars = 0;
  for (const { content } of messages)
    chars +=
      typeof content === 'string' ? content.length : textOf(content, { picture: () => PICTURE }).length;
  return chars;
}
