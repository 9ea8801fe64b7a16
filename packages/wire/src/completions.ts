/** OpenAI's completions of a prompt, the format before chat completions, over the events of chat models. */
import type {
  ChatCompletionRequest,
  CompletionRequest,
  LogprobToken,
  ModelEvent,
  Usage,
} from '@mcp/contracts';
import { type Completion, wireFinish, wireUsage } from './openai-chat.ts';
import { resumedComment } from './resumed.ts';

/** What OpenAI writes at most where nobody says. */
const DEFAULT_MAX_TOKENS = 16;

/** The chat completions that a request asks for: each prompt is what a user says. */
export function fromCompletion(
  given: CompletionRequest,
  prompts: readonly string[],
): readonly ChatCompletionRequest[] {
  const { prompt: _prompt, suffix: _suffix, echo: _echo, logprobs, max_tokens, ...rest } = given;
  const common = {
    ...rest,
    max_tokens: max_tokens ?? DEFAULT_MAX_TOKENS,
    ...(logprobs == null ? {} : { logprobs: true, top_logprobs: logprobs }),
  };
  return prompts.map((content) => ({ ...common, messages: [{ role: 'user', content }] }));
}

/**
 * The events of several requests as those of one, one request after the other: choices count on, usage is summed up.
 */
export async function* inOneStream(
  requests: readonly ChatCompletionRequest[],
  ask: (request: ChatCompletionRequest) => AsyncIterable<ModelEvent>,
): AsyncGenerator<ModelEvent> {
  let usage: Usage | undefined;
  for (const [at, request] of requests.entries()) {
    const first = at * (request.n ?? 1);
    for await (const event of ask(request))
      switch (event.type) {
        case 'start':
          if (at === 0) yield event;
          break;
        case 'usage':
          usage = sum(usage, event.usage);
          break;
        case 'stream_resumed':
          yield event;
          break;
        case 'text':
        case 'reasoning':
        case 'tool_call':
        case 'finish':
          yield first === 0 ? event : { ...event, choice: event.choice + first };
          break;
        default:
          event satisfies never;
      }
  }
  if (usage !== undefined) yield { type: 'usage', usage };
}

function sum(a: Usage | undefined, b: Usage): Usage {
  if (a === undefined) return b;
  const cached = (a.cached_input_tokens ?? 0) + (b.cached_input_tokens ?? 0);
  const reasoning = (a.reasoning_tokens ?? 0) + (b.reasoning_tokens ?? 0);
  return {
    input_tokens: a.input_tokens + b.input_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    ...(cached === 0 ? {} : { cached_input_tokens: cached }),
    ...(reasoning === 0 ? {} : { reasoning_tokens: reasoning }),
  };
}

export interface CompletionOptions {
  /** Prompts that stand before what was written; none where they are not to be repeated. */
  readonly echoed: readonly string[];
  /** Choices for each prompt. */
  readonly n: number;
}

function echoOf({ echoed, n }: CompletionOptions, choice: number): string {
  return echoed[Math.floor(choice / n)] ?? '';
}

/** The `text_completion` object of a finished generation. What the model thought has no place in it. */
export function encodeCompletion(
  completion: Completion,
  options: CompletionOptions,
): Record<string, unknown> {
  return {
    id: idOf(completion.id),
    object: 'text_completion',
    created: completion.created_s,
    model: completion.model,
    choices: completion.choices.map(({ index, text, logprobs, finish }) => {
      const echo = echoOf(options, index);
      return {
        text: echo + text,
        index,
        logprobs: logprobs.length === 0 ? null : legacyLogprobs(logprobs, echo.length),
        finish_reason: wireFinish(finish),
      };
    }),
    ...(completion.usage === undefined ? {} : { usage: wireUsage(completion.usage) }),
    system_fingerprint: completion.backend,
  };
}

/** Turns events into server-sent events of `text_completion`. One encoder per stream; the caller ends it. */
export function completionEncoder(
  options: CompletionOptions & { readonly include_usage: boolean },
): (event: ModelEvent) => string {
  let head: object = {};
  /** Characters written so far, by choice. */
  const written = new Map<number, number>();
  const frame = (choices: readonly object[], usage: object | null) =>
    `data: ${JSON.stringify({ ...head, choices, ...(options.include_usage ? { usage } : {}) })}\n\n`;
  const choice = (index: number, text: string, more: object = {}) =>
    frame([{ text, index, logprobs: null, finish_reason: null, ...more }], null);
  const begun = (index: number): string => {
    if (written.has(index)) return '';
    const echo = echoOf(options, index);
    written.set(index, echo.length);
    return echo === '' ? '' : choice(index, echo);
  };
  return (event) => {
    switch (event.type) {
      case 'start':
        head = {
          id: idOf(event.id),
          object: 'text_completion',
          created: event.created_s,
          model: event.model,
          system_fingerprint: event.backend,
        };
        return '';
      case 'text': {
        const before = begun(event.choice);
        const at = written.get(event.choice) ?? 0;
        written.set(event.choice, at + event.text.length);
        const logprobs = event.logprobs === undefined ? {} : { logprobs: legacyLogprobs(event.logprobs, at) };
        return before + choice(event.choice, event.text, logprobs);
      }
      case 'finish':
        return begun(event.choice) + choice(event.choice, '', { finish_reason: wireFinish(event.reason) });
      case 'usage':
        return options.include_usage ? frame([], wireUsage(event.usage)) : '';
      case 'stream_resumed':
        return resumedComment(event);
      case 'reasoning':
      case 'tool_call':
        return '';
      default:
        return event satisfies never;
    }
  };
}

function idOf(id: string): string {
  return `cmpl-${id.replace(/^chatcmpl-/, '')}`;
}

/** Log-probabilities as lists side by side; `offset` is where the first token stands in the text. */
function legacyLogprobs(tokens: readonly LogprobToken[], offset: number): object {
  let at = offset;
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ top_logprobs }) =>
      Object.fromEntries(top_logprobs.map(({ token, logprob }) => [token, logprob])),
    ),
    text_offset: tokens.map(({ token }) => {
      const here = at;
      at += token.length;
      return here;
    }),
  };
}
