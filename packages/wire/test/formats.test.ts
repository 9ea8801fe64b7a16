import {
  AnthropicMessagesRequest,
  CompletionRequest,
  FORMATS,
  PublicChatCompletionRequest,
} from '@mcp/contracts';
import { describe, expect, it } from 'vitest';

/** Fields that ask for no feature: what it is about, what is kept of it, and what a format has of its own. */
const BESIDE: Readonly<Record<keyof typeof FORMATS, readonly string[]>> = {
  chat: ['model', 'messages', 'store', 'functions', 'function_call'],
  functions: ['model', 'messages', 'store', 'parallel_tool_calls'],
  completions: ['model', 'prompt', 'suffix', 'echo'],
  messages: ['model', 'messages', 'system', 'thinking'],
};
const SCHEMAS = {
  chat: PublicChatCompletionRequest,
  functions: PublicChatCompletionRequest,
  completions: CompletionRequest,
  messages: AnthropicMessagesRequest,
} as const;
/** Parts of a message, not fields of a request. */
const PARTS = ['image_url', 'image'];

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
        ? ['tools', 'tool_choice', 'functions', 'function_call']
        : [];
    expect(
      taken.filter((name) => !roots.has(name) && !BESIDE[format].includes(name) && !other.includes(name)),
    ).toEqual([]);
  });
});
