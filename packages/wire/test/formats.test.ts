import {
  AnthropicMessagesRequest,
  CompletionRequest,
  FORMATS,
  PublicChatCompletionRequest,
  ResponsesRequest,
} from '@mcp/contracts';
import { describe, expect, it } from 'vitest';

/** Fields that ask for no feature: what it is about, what is kept of it, and what a format has of its own. */
const BESIDE: Readonly<Record<keyof typeof FORMATS, readonly string[]>> = {
  chat: ['model', 'messages', 'store', 'functions', 'function_call'],
  functions: ['model', 'messages', 'store', 'parallel_tool_calls'],
  completions: ['model', 'prompt', 'suffix', 'echo'],
  responses: [
    ...['model', 'input', 'instructions', 'previous_response_id', 'truncation', 'store', 'metadata'],
    // What is refused but where it asks for nothing.
    ...['background', 'conversation', 'prompt', 'context_management', 'moderation', 'max_tool_calls'],
  ],
  messages: [
    ...['model', 'messages', 'system', 'thinking'],
    // What is refused but where it asks for nothing.
    ...['inference_geo', 'container', 'mcp_servers'],
  ],
};
const SCHEMAS = {
  chat: PublicChatCompletionRequest,
  functions: PublicChatCompletionRequest,
  completions: CompletionRequest,
  responses: ResponsesRequest,
  messages: AnthropicMessagesRequest,
} as const;
/** Parts of a message, not fields of a request. */
const PARTS = ['image_url', 'image', 'input_image'];

describe.each(Object.keys(FORMATS) as (keyof typeof FORMATS)[])('the table of %s', (format) => {
  const named = Object.values(FORMATS[format].names).flatMap((name) => name ?? []);
  const shape: Readonly<Record<string, { safeParse(value: unknown): { data?: unknown; success: boolean } }>> =
    SCHEMAS[format].shape;

  it('names fields that its schema has', () => {
    for (const name of named.filter((one) => !PARTS.includes(one)))
      expect(Object.keys(shape)).toContain(name.split('.')[0]);
  });

  it('names every field that its schema makes something of', () => {
    const roots = new Set(named.map((name) => name.split('.')[0]));
    const taken = Object.entries(shape)
      // What is ignored takes anything and leaves nothing.
      .filter(([, schema]) => {
        const parsed = schema.safeParse(Symbol.iterator);
        return !(parsed.success && parsed.data === undefined);
      })
      .map(([name]) => name);
    const other =
      format === 'chat' || format === 'functions'
        ? // Text alone is what modalities may ask for: it asks for nothing.
          ['tools', 'tool_choice', 'functions', 'function_call', 'modalities']
        : [];
    expect(
      taken.filter((name) => !roots.has(name) && !BESIDE[format].includes(name) && !other.includes(name)),
    ).toEqual([]);
  });
});
