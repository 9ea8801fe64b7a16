import { type FinishReason, jsonOf, type Usage } from '@mcp/contracts';
import type { Completion } from '../openai-chat.ts';

export interface AnthropicOptions {
  /** Whether the client asked to be told what the model thinks. */
  readonly thinking: boolean;
}

/** The `message` object of a finished generation. */
export function encodeAnthropicMessage(
  completion: Completion,
  options: AnthropicOptions,
): Record<string, unknown> {
  const [choice] = completion.choices;
  const thinking = options.thinking ? (choice?.reasoning ?? '') : '';
  const calls = choice?.tool_calls ?? [];
  const text = choice?.text ?? '';
  return {
    ...emptyMessage(completion),
    content: [
      ...(thinking === '' ? [] : [{ type: 'thinking', thinking, signature: '' }]),
      ...(text === '' && calls.length > 0 ? [] : [{ type: 'text', text }]),
      ...calls.map(({ id, function: { name, arguments: given } }) => ({
        type: 'tool_use',
        id,
        name,
        input: inputOf(given),
      })),
    ],
    stop_reason: stopReason(choice?.finish ?? { unified: 'other', raw: null }),
    usage: anthropicUsage(completion.usage),
  };
}

/** A message that has not said anything yet. */
export function emptyMessage({ id, model }: Pick<Completion, 'id' | 'model'>): Record<string, unknown> {
  return {
    id: `msg_${id.replace(/^chatcmpl-/, '')}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: anthropicUsage(undefined),
  };
}

/** Arguments that a model wrote as no object are given as a text, for the client to see. */
function inputOf(given: string): object {
  return given.trim() === '' ? {} : (objectIn(given) ?? { arguments: given });
}

/** The object that a text of JSON holds; undefined where it is not whole, or something else. */
export function objectIn(json: string): object | undefined {
  // The cheap answer for most of what is still being written.
  return json.trimStart().startsWith('{') ? (jsonOf(json) as object | undefined) : undefined;
}

/** Anthropic's word for why a generation ended; one that was cut for any other reason is one of limited length. */
export function stopReason({ unified }: FinishReason): string {
  switch (unified) {
    case 'stop':
    case 'other':
      return 'end_turn';
    case 'length':
    case 'cancelled':
    case 'error':
      return 'max_tokens';
    case 'tool_calls':
      return 'tool_use';
    case 'content_filter':
      return 'refusal';
    default:
      return unified satisfies never;
  }
}

/** Usage as Anthropic counts: what came from a cache stands beside the input, not in it. */
export function anthropicUsage(usage: Usage | undefined): Record<string, number> {
  const cached = usage?.cached_input_tokens ?? 0;
  return {
    input_tokens: Math.max(0, (usage?.input_tokens ?? 0) - cached),
    output_tokens: usage?.output_tokens ?? 0,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cached,
  };
}
