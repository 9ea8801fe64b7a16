/** What Converse and ConverseStream answer, as events. */
import { randomUUID } from 'node:crypto';
import { type FinishReason, jsonOf, type ModelEvent, PlatformError, type Usage } from '@mcp/contracts';
import { upstreamError } from '@mcp/wire';
import { z } from 'zod';
import { readAnswer } from '../read-answer.ts';
import { type Frame, framesOf } from './frames.ts';

const MAX_BLOCKS = 1024;
const index = z.number().int().min(0).max(MAX_BLOCKS);
const tokens = z.number().int().nonnegative().nullish();
const WireUsage = z.object({
  inputTokens: tokens,
  outputTokens: tokens,
  cacheReadInputTokens: tokens,
  cacheWriteInputTokens: tokens,
});
const ToolUse = z.object({ toolUseId: z.string(), name: z.string(), input: z.unknown().optional() });
const reasoning = z.looseObject({ reasoningText: z.object({ text: z.string() }).optional() }).optional();
const Whole = z.object({
  output: z.object({
    message: z.object({
      content: z
        .array(
          z.looseObject({
            text: z.string().optional(),
            toolUse: ToolUse.optional(),
            reasoningContent: reasoning,
          }),
        )
        .max(MAX_BLOCKS),
    }),
  }),
  stopReason: z.string(),
  usage: WireUsage,
});
/** Events by their name; others are passed over. */
const EVENTS = {
  contentBlockStart: z.object({
    contentBlockIndex: index,
    start: z.looseObject({ toolUse: ToolUse.optional() }).optional(),
  }),
  contentBlockDelta: z.object({
    contentBlockIndex: index,
    delta: z.looseObject({
      text: z.string().optional(),
      toolUse: z.object({ input: z.string() }).optional(),
      reasoningContent: z.looseObject({ text: z.string().optional() }).optional(),
    }),
  }),
  messageStop: z.object({ stopReason: z.string() }),
  metadata: z.object({ usage: WireUsage }),
};
/** The status that an exception within a stream stands for. */
const STATUS: Readonly<Record<string, number>> = {
  throttlingException: 429,
  serviceUnavailableException: 503,
  validationException: 400,
  modelTimeoutException: 408,
};

function start(): ModelEvent {
  const id = `chatcmpl-${randomUUID()}`;
  return { type: 'start', id, model: '', backend: 'bedrock', created_s: Math.floor(Date.now() / 1000) };
}

/** Events of a whole answer. */
export function eventsOf(json: unknown): ModelEvent[] {
  const { output, stopReason, usage } = parse(Whole, json);
  let calls = 0;
  const said = output.message.content.flatMap(({ text, toolUse, reasoningContent }): ModelEvent[] => {
    const thought = reasoningContent?.reasoningText?.text;
    if (thought) return [{ type: 'reasoning', choice: 0, text: thought }];
    if (text) return [{ type: 'text', choice: 0, text }];
    if (toolUse === undefined) return [];
    const { toolUseId: id, name, input = {} } = toolUse;
    const arguments_delta = JSON.stringify(input);
    return [{ type: 'tool_call', choice: 0, index: calls++, id, name, arguments_delta }];
  });
  return [start(), ...said, finish(stopReason), { type: 'usage', usage: usageOf(usage) }];
}

/** Events of a streamed answer, the usage last. */
export async function* streamed(source: AsyncIterable<Uint8Array>): AsyncIterable<ModelEvent> {
  const calls = new Map<number, number>();
  let end: ModelEvent | undefined;
  let usage: Usage | undefined;
  yield start();
  for await (const frame of framesOf(source)) {
    const { name, json } = read(frame);
    switch (name) {
      case 'contentBlockStart': {
        const { contentBlockIndex: at, start: begun } = parse(EVENTS[name], json);
        if (begun?.toolUse === undefined) break;
        const { toolUseId: id, name: tool } = begun.toolUse;
        calls.set(at, calls.size);
        yield { type: 'tool_call', choice: 0, index: calls.size - 1, id, name: tool, arguments_delta: '' };
        break;
      }
      case 'contentBlockDelta': {
        const { contentBlockIndex: at, delta } = parse(EVENTS[name], json);
        const call = calls.get(at);
        if (delta.text) yield { type: 'text', choice: 0, text: delta.text };
        if (delta.reasoningContent?.text)
          yield { type: 'reasoning', choice: 0, text: delta.reasoningContent.text };
        if (call !== undefined && delta.toolUse)
          yield { type: 'tool_call', choice: 0, index: call, arguments_delta: delta.toolUse.input };
        break;
      }
      case 'messageStop':
        end = finish(parse(EVENTS[name], json).stopReason);
        break;
      case 'metadata':
        usage = usageOf(parse(EVENTS[name], json).usage);
        break;
      case undefined:
        break;
      default:
        name satisfies never;
    }
  }
  if (end === undefined)
    throw new PlatformError(
      'upstream_interrupted',
      'Bedrock broke off in the middle of its answer. Try again.',
    );
  yield end;
  if (usage !== undefined) yield { type: 'usage', usage };
}

/** A frame's event. Throws the error of an exception. */
function read({ headers, body }: Frame): { name: keyof typeof EVENTS | undefined; json: unknown } {
  const json = jsonOf(body);
  const exception = headers[':exception-type'];
  if (exception !== undefined || headers[':message-type'] === 'error') {
    const { data } = z.object({ message: z.string() }).safeParse(json);
    const message = data?.message ?? headers[':error-message'] ?? 'Bedrock ended its answer with an error.';
    throw upstreamError({ message, status: STATUS[exception ?? ''] ?? 502 });
  }
  if (json === undefined)
    throw new PlatformError('upstream_failed', 'Bedrock sent an event that cannot be read.');
  const name = headers[':event-type'] ?? '';
  return { name: Object.hasOwn(EVENTS, name) ? (name as keyof typeof EVENTS) : undefined, json };
}

function parse<S extends z.ZodType>(schema: S, json: unknown): z.output<S> {
  return readAnswer(schema, json, 'Bedrock sent an answer that cannot be read.');
}

function finish(raw: string): ModelEvent {
  return { type: 'finish', choice: 0, reason: reasonOf(raw) };
}

function reasonOf(raw: string): FinishReason {
  switch (raw) {
    case 'end_turn':
    case 'stop_sequence':
      return { unified: 'stop', raw };
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return { unified: 'length', raw };
    case 'tool_use':
      return { unified: 'tool_calls', raw };
    case 'guardrail_intervened':
    case 'content_filtered':
      return { unified: 'content_filter', raw };
    case 'malformed_model_output':
    case 'malformed_tool_use':
      return { unified: 'error', raw };
    default:
      return { unified: 'other', raw };
  }
}

/** What was cached is counted beside the input. */
function usageOf(usage: z.infer<typeof WireUsage>): Usage {
  const cached = usage.cacheReadInputTokens ?? 0;
  return {
    input_tokens: (usage.inputTokens ?? 0) + (usage.cacheWriteInputTokens ?? 0) + cached,
    output_tokens: usage.outputTokens ?? 0,
    ...(cached === 0 ? {} : { cached_input_tokens: cached }),
  };
}
