import type { ModelEvent } from '@mcp/contracts';

/** One event holds no more characters than this: what is put together stays small enough to send and to show. */
export const MAX_MERGED_CHARS = 16 * 1024;

/**
 * Two neighbours of a stream as one event that says the same, or undefined where they must stay apart: another choice,
 * kind or tool call, the beginning of a call, or too much for one event.
 */
export function mergeEvents(a: ModelEvent, b: ModelEvent): ModelEvent | undefined {
  switch (a.type) {
    case 'text': {
      if (b.type !== 'text' || b.choice !== a.choice || tooLong(a.text, b.text)) return undefined;
      const text = a.text + b.text;
      if (a.logprobs === undefined && b.logprobs === undefined) return { ...a, text };
      if (a.logprobs === undefined || b.logprobs === undefined) return undefined;
      return { ...a, text, logprobs: [...a.logprobs, ...b.logprobs] };
    }
    case 'reasoning':
      if (b.type !== 'reasoning' || b.choice !== a.choice || tooLong(a.text, b.text)) return undefined;
      return { ...a, text: a.text + b.text };
    case 'tool_call': {
      if (b.type !== 'tool_call' || b.choice !== a.choice || b.index !== a.index) return undefined;
      if (b.id !== undefined || b.name !== undefined) return undefined;
      if (tooLong(a.arguments_delta, b.arguments_delta)) return undefined;
      return { ...a, arguments_delta: a.arguments_delta + b.arguments_delta };
    }
    case 'start':
    case 'stream_resumed':
    case 'finish':
    case 'usage':
      return undefined;
    default:
      return a satisfies never;
  }
}

function tooLong(a: string, b: string): boolean {
  return a.length + b.length > MAX_MERGED_CHARS;
}
