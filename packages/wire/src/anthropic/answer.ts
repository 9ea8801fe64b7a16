/** What Anthropic's Messages API answers, whole or streamed, as events. */
import { type FinishReason, type ModelEvent, PlatformError, type Usage } from '@mcp/contracts';
import { z } from 'zod';
import { decodeSse, type EventReader } from '../decode-stream.ts';
import { errorFromBody, parseUpstream } from '../errors.ts';

const tokens = z.number().int().nonnegative().nullish();
const WireUsage = z.object({
  input_tokens: tokens,
  output_tokens: tokens,
  cache_creation_input_tokens: tokens,
  cache_read_input_tokens: tokens,
});
type WireUsage = z.infer<typeof WireUsage>;

const MAX_BLOCKS = 1024;
const index = z.number().int().min(0).max(MAX_BLOCKS);
/** Other blocks, as those of tools that run at Anthropic, are passed over. */
const Block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  thinking: z.string().optional(),
  id: z.string().optional(),
  name: z.string().optional(),
  input: z.unknown().optional(),
});
const Head = z.object({ id: z.string(), model: z.string() });
const Message = Head.extend({
  type: z.literal('message'),
  content: z.array(Block).max(MAX_BLOCKS),
  stop_reason: z.string().nullish(),
  usage: WireUsage,
});
const Event = z.discriminatedUnion('type', [
  z.object({ type: z.literal('message_start'), message: Head.extend({ usage: WireUsage.nullish() }) }),
  z.object({ type: z.literal('content_block_start'), index, content_block: Block }),
  z.object({
    type: z.literal('content_block_delta'),
    index,
    delta: z.looseObject({
      type: z.string(),
      text: z.string().optional(),
      thinking: z.string().optional(),
      partial_json: z.string().optional(),
    }),
  }),
  z.object({ type: z.literal('content_block_stop'), index }),
  z.object({
    type: z.literal('message_delta'),
    delta: z.object({ stop_reason: z.string().nullish() }),
    usage: WireUsage.nullish(),
  }),
  z.object({ type: z.literal('message_stop') }),
]);
type Event = z.infer<typeof Event>;
/** Kinds of events to come are passed over, as Anthropic asks of its clients. */
const Other = z.object({ type: z.string() });
const KNOWN = new Set<string>(Event.options.map(({ shape }) => shape.type.value));

/** Events of a `message` object. Throws `upstream_failed` when it is none, and the error of an error body. */
export function decodeAnthropicMessage(json: unknown): ModelEvent[] {
  const reader = new AnthropicReader();
  const { content, stop_reason, usage, ...message } = parseUpstream(Message, json, 'a message');
  reader.take({ type: 'message_start', message: { ...message, usage } });
  for (const [at, block] of content.entries()) {
    reader.take({ type: 'content_block_start', index: at, content_block: block });
    if (block.type !== 'tool_use') continue;
    const delta = { type: 'input_json_delta', partial_json: JSON.stringify(block.input ?? {}) };
    reader.take({ type: 'content_block_delta', index: at, delta });
  }
  reader.take({ type: 'message_delta', delta: { stop_reason } });
  reader.end();
  return reader.events;
}

/** Events of a streamed answer; see {@link decodeSse}. */
export function decodeAnthropicStream(body: AsyncIterable<Uint8Array>): AsyncIterable<ModelEvent> {
  return decodeSse(body, new AnthropicReader());
}

class AnthropicReader implements EventReader {
  readonly events: ModelEvent[] = [];
  ended = false;
  #finish: FinishReason | undefined;
  #usage: WireUsage = {};
  /** Calls by the block in which they come. */
  readonly #calls = new Map<number, { readonly index: number; written: boolean }>();

  get complete(): boolean {
    return this.#finish !== undefined;
  }

  read(json: unknown): void {
    const failure = errorFromBody(json);
    if (failure !== undefined) throw failure;
    const { data: any, error } = Other.safeParse(json);
    if (any !== undefined && !KNOWN.has(any.type)) return;
    const event = Event.safeParse(json);
    if (event.data === undefined)
      throw new PlatformError('upstream_failed', 'The model server sent an event that cannot be read.', {
        cause: error ?? event.error,
      });
    this.take(event.data);
    if (event.data.type === 'message_stop') this.end();
  }

  take(event: Event): void {
    switch (event.type) {
      case 'message_start': {
        const { id, model, usage } = event.message;
        const created_s = Math.floor(Date.now() / 1000);
        this.events.push({ type: 'start', id, model, backend: 'anthropic', created_s });
        this.#usage = { ...usage };
        return;
      }
      case 'content_block_start':
        this.#block(event.index, event.content_block);
        return;
      case 'content_block_delta':
        this.#delta(event.index, event.delta);
        return;
      case 'content_block_stop':
        this.#blockEnd(event.index);
        return;
      case 'message_delta': {
        if (event.delta.stop_reason != null) this.#finish = finishOf(event.delta.stop_reason);
        // These are the counts so far, not what comes on top.
        const given = Object.entries(event.usage ?? {}).filter(([, count]) => count != null);
        this.#usage = { ...this.#usage, ...Object.fromEntries(given) };
        return;
      }
      case 'message_stop':
        return;
      default:
        event satisfies never;
    }
  }

  end(): void {
    const reason = this.#finish ?? { unified: 'other' as const, raw: null };
    this.events.push({ type: 'finish', choice: 0, reason }, { type: 'usage', usage: usageOf(this.#usage) });
    this.ended = true;
  }

  #block(at: number, block: z.infer<typeof Block>): void {
    if (block.type === 'text' && block.text) this.events.push({ type: 'text', choice: 0, text: block.text });
    if (block.type === 'thinking' && block.thinking)
      this.events.push({ type: 'reasoning', choice: 0, text: block.thinking });
    if (block.type !== 'tool_use') return;
    const index = this.#calls.size;
    this.#calls.set(at, { index, written: false });
    const { id = `call_${index}`, name = '' } = block;
    this.events.push({ type: 'tool_call', choice: 0, index, id, name, arguments_delta: '' });
  }

  #delta(
    at: number,
    { text, thinking, partial_json }: Extract<Event, { delta: { type: string } }>['delta'],
  ): void {
    if (text) this.events.push({ type: 'text', choice: 0, text });
    if (thinking) this.events.push({ type: 'reasoning', choice: 0, text: thinking });
    const call = this.#calls.get(at);
    if (call === undefined || !partial_json) return;
    call.written = true;
    this.events.push({ type: 'tool_call', choice: 0, index: call.index, arguments_delta: partial_json });
  }

  /** A call without arguments streams none: it is one with an empty object. */
  #blockEnd(at: number): void {
    const call = this.#calls.get(at);
    if (call === undefined || call.written) return;
    call.written = true;
    this.events.push({ type: 'tool_call', choice: 0, index: call.index, arguments_delta: '{}' });
  }
}

function finishOf(raw: string): FinishReason {
  switch (raw) {
    case 'end_turn':
    case 'stop_sequence':
      return { unified: 'stop', raw };
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return { unified: 'length', raw };
    case 'tool_use':
      return { unified: 'tool_calls', raw };
    case 'refusal':
      return { unified: 'content_filter', raw };
    default:
      return { unified: 'other', raw };
  }
}

/** Anthropic counts beside one another what was read, what was cached and what came from the cache. */
function usageOf(usage: WireUsage): Usage {
  const cached = usage.cache_read_input_tokens ?? 0;
  return {
    input_tokens: (usage.input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0) + cached,
    output_tokens: usage.output_tokens ?? 0,
    ...(cached === 0 ? {} : { cached_input_tokens: cached }),
  };
}
