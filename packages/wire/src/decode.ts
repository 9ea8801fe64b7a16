import {
  FinishReason,
  type LogprobToken,
  type ModelEvent,
  PlatformError,
  StreamResumed,
  type Usage,
  WireUsage,
} from '@mcp/contracts';
import { z } from 'zod';
import { errorFromBody, parseUpstream } from './errors.ts';
import { readFinish } from './openai-chat.ts';

/** JSON knows no -Infinity: servers write null or leave it out. */
const LEAST_LOGPROB = -9999;
const MAX_CALLS = 128;
const MAX_CHOICES = 128;

const bytes = z
  .array(z.number().int())
  .nullish()
  .transform((value) => value ?? null);
const logprob = z
  .number()
  .nullish()
  .transform((value) => value ?? LEAST_LOGPROB);
/** As {@link LogprobToken}, with what some servers leave out. */
const LooseLogprob = z.object({
  token: z.string(),
  logprob,
  bytes,
  top_logprobs: z
    .array(z.object({ token: z.string(), logprob, bytes }))
    .nullish()
    .transform((value) => value ?? []),
});
const Logprobs = z.object({ content: z.array(LooseLogprob).nullish() }).nullish();
const CallDelta = z.object({
  index: z.number().int().min(0).max(MAX_CALLS).nullish(),
  id: z.string().nullish(),
  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
});
const Delta = z.object({
  content: z.string().nullish(),
  refusal: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  /** What some servers call it (OpenRouter, vLLM from 0.12). */
  reasoning: z.string().nullish().catch(undefined),
  tool_calls: z.array(CallDelta).max(MAX_CALLS).nullish(),
});
const Head = {
  id: z.string().nullish(),
  model: z.string().nullish(),
  created: z.number().nullish(),
  system_fingerprint: z.string().nullish().catch(undefined),
  /** Ours: the model that answered for an alias; fields of the request that the backend made no use of. */
  mcp_model: z.string().max(200).optional().catch(undefined),
  mcp_ignored: z.array(z.string().max(64)).max(64).optional().catch(undefined),
};
const Choice = {
  index: z.number().int().min(0).max(MAX_CHOICES).default(0),
  logprobs: Logprobs,
  finish_reason: z.string().nullish(),
  /** Ours: the reason as the backend gave it, where the wire's word says less. */
  mcp_finish: FinishReason.optional().catch(undefined),
};
/** Not every server says the sum, and nobody reads it. */
const LooseUsage = WireUsage.omit({ total_tokens: true }).extend({
  /** DeepSeek's word for what it had in its cache. */
  prompt_cache_hit_tokens: z.number().int().nonnegative().nullish(),
});
type LooseUsage = z.infer<typeof LooseUsage>;
const Chunk = z.object({
  ...Head,
  choices: z.array(z.object({ ...Choice, delta: Delta.nullish() })).nullish(),
  usage: LooseUsage.nullish(),
});
const Whole = z.object({
  ...Head,
  /** Ours: models that broke off, and who went on. */
  mcp_resumed: z.array(StreamResumed).max(16).optional().catch(undefined),
  choices: z.array(z.object({ ...Choice, message: Delta })).min(1),
  usage: LooseUsage.nullish(),
});

/** Events of a `chat.completion` object. Throws `upstream_failed` when it is none, and the error of an error body. */
export function decodeChatCompletion(json: unknown): ModelEvent[] {
  const { choices, usage, mcp_resumed = [], ...head } = parseUpstream(Whole, json, 'a chat completion');
  const events: ModelEvent[] = [startEvent(head)];
  for (const one of mcp_resumed) events.push({ type: 'stream_resumed', ...one });
  for (const { index, message, ...choice } of choices) {
    pushDelta(events, { index, delta: message, logprobs: choice.logprobs }, new Set());
    events.push({
      type: 'finish',
      choice: index,
      reason: finishOf(choice) ?? { unified: 'other', raw: null },
    });
  }
  if (usage != null) events.push({ type: 'usage', usage: readUsage(usage) });
  return events;
}

/** Follows the chunks of one stream: who has begun, who has finished, the last usage. */
export class ChunkReader {
  /** Its last event is `[DONE]`, which is no JSON. */
  readonly ended = false;
  /** Events read and not yet taken. */
  readonly events: ModelEvent[] = [];
  /** Choices that have begun; true once they have finished. */
  readonly #choices = new Map<number, boolean>();
  readonly #calls = new Set<string>();
  #started = false;
  #usage: Usage | undefined;

  /** Takes one `chat.completion.chunk`. Throws the error of an error body, `upstream_failed` for anything else. */
  read(json: unknown): void {
    const failure = errorFromBody(json);
    if (failure !== undefined) throw failure;
    const parsed = Chunk.safeParse(json);
    if (!parsed.success)
      throw new PlatformError('upstream_failed', 'The model server sent a chunk that cannot be read.', {
        cause: parsed.error,
      });
    const { choices, usage, ...head } = parsed.data;
    if (!this.#started) {
      this.#started = true;
      this.events.push(startEvent(head));
    }
    for (const { index, delta, logprobs, ...choice } of choices ?? []) {
      if (!this.#choices.has(index)) this.#choices.set(index, false);
      if (delta != null) pushDelta(this.events, { index, delta, logprobs }, this.#calls);
      const reason = finishOf(choice);
      if (reason === undefined || this.#choices.get(index) === true) continue;
      this.#choices.set(index, true);
      this.events.push({ type: 'finish', choice: index, reason });
    }
    // Some servers report it with every chunk: the last one counts.
    if (usage != null) this.#usage = readUsage(usage);
  }

  /** True when every choice that has begun has finished. */
  get complete(): boolean {
    return this.#choices.size > 0 && [...this.#choices.values()].every((finished) => finished);
  }

  /**
   * Closes the stream: choices without a reason end as `other`, the usage comes last. Throws `upstream_interrupted` when
   * none has begun.
   */
  end(): void {
    if (this.#choices.size === 0)
      throw new PlatformError(
        'upstream_interrupted',
        'The model server ended its answer before it had begun. Try again.',
      );
    for (const [choice, finished] of this.#choices)
      if (!finished) this.events.push({ type: 'finish', choice, reason: { unified: 'other', raw: null } });
    if (this.#usage !== undefined) this.events.push({ type: 'usage', usage: this.#usage });
  }
}

function startEvent(head: z.infer<z.ZodObject<typeof Head>>): ModelEvent {
  return {
    type: 'start',
    id: head.id ?? '',
    model: head.model ?? '',
    backend: head.system_fingerprint ?? 'openai',
    created_s: head.created ?? 0,
    ...(head.mcp_model === undefined ? {} : { served_by: head.mcp_model }),
    ...(head.mcp_ignored === undefined ? {} : { ignored: head.mcp_ignored }),
  };
}

function finishOf(choice: {
  finish_reason?: string | null | undefined;
  mcp_finish?: FinishReason | undefined;
}): FinishReason | undefined {
  if (choice.mcp_finish !== undefined) return choice.mcp_finish;
  return choice.finish_reason ? readFinish(choice.finish_reason) : undefined;
}

interface Piece {
  readonly index: number;
  readonly delta: z.infer<typeof Delta>;
  readonly logprobs: { content?: LogprobToken[] | null | undefined } | null | undefined;
}

/** `named` holds the tool calls that have begun, so that one without an id gets one, once. */
function pushDelta(
  events: ModelEvent[],
  { index: choice, delta, logprobs }: Piece,
  named: Set<string>,
): void {
  const reasoning = delta.reasoning_content ?? delta.reasoning;
  if (reasoning) events.push({ type: 'reasoning', choice, text: reasoning });
  // A refusal is what the model says instead of an answer; the event stream has one text.
  const text = (delta.content ?? '') + (delta.refusal ?? '');
  const tokens = logprobs?.content;
  if (tokens != null && tokens.length > 0) events.push({ type: 'text', choice, text, logprobs: tokens });
  else if (text !== '') events.push({ type: 'text', choice, text });
  if (delta.tool_calls == null) return;
  for (const [at, call] of delta.tool_calls.entries()) {
    const index = call.index ?? at;
    const key = `${choice}/${index}`;
    const id = call.id || (named.has(key) ? undefined : `call_${choice}_${index}`);
    named.add(key);
    events.push({
      type: 'tool_call',
      choice,
      index,
      ...(id === undefined ? {} : { id }),
      ...(call.function?.name ? { name: call.function.name } : {}),
      arguments_delta: call.function?.arguments ?? '',
    });
  }
}

function readUsage(usage: LooseUsage): Usage {
  const cached = usage.prompt_tokens_details?.cached_tokens ?? usage.prompt_cache_hit_tokens;
  const reasoning = usage.completion_tokens_details?.reasoning_tokens;
  return {
    input_tokens: usage.prompt_tokens,
    output_tokens: usage.completion_tokens,
    ...(cached == null ? {} : { cached_input_tokens: cached }),
    ...(reasoning == null ? {} : { reasoning_tokens: reasoning }),
  };
}
