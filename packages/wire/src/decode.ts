import {
  type FinishReason,
  LogprobToken,
  type ModelEvent,
  PlatformError,
  type Usage,
  WireUsage,
} from '@mcp/contracts';
import { createParser } from 'eventsource-parser';
import { z } from 'zod';
import { errorFromBody } from './errors.ts';
import { readFinish } from './openai-chat.ts';

/** Characters one SSE event may have before the stream is given up. */
const MAX_EVENT_CHARS = 8 * 1024 * 1024;

const Logprobs = z.object({ content: z.array(LogprobToken).nullish() }).nullish();
const CallDelta = z.object({
  index: z.number().int().nonnegative().default(0),
  id: z.string().nullish(),
  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
});
const Delta = z.object({
  content: z.string().nullish(),
  refusal: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  /** What some servers call it (OpenRouter, vLLM from 0.12). */
  reasoning: z.string().nullish(),
  tool_calls: z.array(CallDelta).nullish(),
});
const Head = {
  id: z.string().default(''),
  model: z.string().default(''),
  created: z.number().default(0),
  system_fingerprint: z.string().nullish(),
};
const Chunk = z.object({
  ...Head,
  choices: z
    .array(
      z.object({
        index: z.number().int().nonnegative().default(0),
        delta: Delta.nullish(),
        logprobs: Logprobs,
        finish_reason: z.string().nullish(),
      }),
    )
    .default([]),
  usage: WireUsage.nullish(),
});
const Whole = z.object({
  ...Head,
  choices: z.array(
    z.object({
      index: z.number().int().nonnegative().default(0),
      message: Delta,
      logprobs: Logprobs,
      finish_reason: z.string().nullish(),
    }),
  ),
  usage: WireUsage.nullish(),
});

/** Events of a `chat.completion` object. Throws `upstream_failed` when it is none. */
export function decodeChatCompletion(json: unknown): ModelEvent[] {
  const parsed = Whole.safeParse(json);
  if (!parsed.success)
    throw (
      errorFromBody(json) ??
      new PlatformError(
        'upstream_failed',
        'The model server answered with something that is not a chat completion.',
        { cause: parsed.error },
      )
    );
  const body = parsed.data;
  const events: ModelEvent[] = [start(body)];
  for (const choice of body.choices) {
    events.push(...deltaEvents(choice.index, choice.message, choice.logprobs));
    events.push({
      type: 'finish',
      choice: choice.index,
      reason:
        choice.finish_reason == null ? { unified: 'other', raw: null } : readFinish(choice.finish_reason),
    });
  }
  if (body.usage != null) events.push({ type: 'usage', usage: readUsage(body.usage) });
  return events;
}

/**
 * Events of an SSE body of `chat.completion.chunk`s. An error object in the stream is thrown as PlatformError;
 * a stream that ends before its finish reason is `upstream_interrupted`.
 */
export async function* decodeChatStream(body: AsyncIterable<Uint8Array>): AsyncIterable<ModelEvent> {
  const queue: ModelEvent[] = [];
  const state: StreamState = { started: false, finished: false, ended: false, size: 0 };
  const parser = createParser({ onEvent: (event) => onData(event.data, state, queue) });
  const decoder = new TextDecoder();
  for await (const bytes of body) {
    const text = decoder.decode(bytes, { stream: true });
    state.size += text.length;
    if (state.size > MAX_EVENT_CHARS)
      throw new PlatformError('upstream_failed', 'The model server sent an event beyond its bound.');
    parser.feed(text);
    for (const event of queue) yield event;
    queue.length = 0;
    if (state.ended) break;
  }
  if (!state.finished && !state.ended)
    throw new PlatformError(
      'upstream_interrupted',
      'The model server broke off in the middle of its answer. Try again.',
    );
}

interface StreamState {
  started: boolean;
  finished: boolean;
  ended: boolean;
  /** Characters since the last complete event. */
  size: number;
}

function onData(data: string, state: StreamState, queue: ModelEvent[]): void {
  state.size = 0;
  if (data === '[DONE]') {
    state.ended = true;
    return;
  }
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch (cause) {
    throw new PlatformError('upstream_failed', 'The model server sent a chunk that is not JSON.', { cause });
  }
  const failure = errorFromBody(json);
  if (failure !== undefined) throw failure;
  const parsed = Chunk.safeParse(json);
  if (!parsed.success)
    throw new PlatformError('upstream_failed', 'The model server sent a chunk that cannot be read.', {
      cause: parsed.error,
    });
  const chunk = parsed.data;
  if (!state.started) {
    state.started = true;
    queue.push(start(chunk));
  }
  for (const choice of chunk.choices) {
    if (choice.delta != null) queue.push(...deltaEvents(choice.index, choice.delta, choice.logprobs));
    if (choice.finish_reason != null) {
      state.finished = true;
      queue.push({
        type: 'finish',
        choice: choice.index,
        reason: readFinish(choice.finish_reason) satisfies FinishReason,
      });
    }
  }
  if (chunk.usage != null) queue.push({ type: 'usage', usage: readUsage(chunk.usage) });
}

function start(head: {
  id: string;
  model: string;
  created: number;
  system_fingerprint?: string | null | undefined;
}): ModelEvent {
  return {
    type: 'start',
    id: head.id,
    model: head.model,
    backend: head.system_fingerprint ?? 'openai',
    created_s: head.created,
  };
}

function deltaEvents(
  choice: number,
  delta: z.infer<typeof Delta>,
  logprobs: z.infer<typeof Logprobs>,
): ModelEvent[] {
  const events: ModelEvent[] = [];
  const reasoning = delta.reasoning_content ?? delta.reasoning;
  if (reasoning) events.push({ type: 'reasoning', choice, text: reasoning });
  const text = delta.content || delta.refusal || '';
  const tokens = logprobs?.content ?? undefined;
  if (text !== '' || (tokens !== undefined && tokens.length > 0))
    events.push({ type: 'text', choice, text, ...(tokens === undefined ? {} : { logprobs: tokens }) });
  for (const [at, call] of (delta.tool_calls ?? []).entries()) {
    events.push({
      type: 'tool_call',
      choice,
      index: call.index === 0 ? at : call.index,
      ...(call.id ? { id: call.id } : {}),
      ...(call.function?.name ? { name: call.function.name } : {}),
      arguments_delta: call.function?.arguments ?? '',
    });
  }
  return events;
}

function readUsage(usage: WireUsage): Usage {
  const cached = usage.prompt_tokens_details?.cached_tokens;
  const reasoning = usage.completion_tokens_details?.reasoning_tokens;
  return {
    input_tokens: usage.prompt_tokens,
    output_tokens: usage.completion_tokens,
    ...(cached == null ? {} : { cached_input_tokens: cached }),
    ...(reasoning == null ? {} : { reasoning_tokens: reasoning }),
  };
}
