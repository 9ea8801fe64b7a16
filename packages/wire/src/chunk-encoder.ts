import type { ModelEvent } from '@mcp/contracts';
import { type ChatOptions, chatFinish, losesFinish, wireUsage } from './openai-chat.ts';
import { resumedComment } from './resumed.ts';

export const DONE_FRAME = 'data: [DONE]\n\n';

export interface ChunkOptions extends ChatOptions {
  /** OpenAI's `stream_options.include_usage`: a last chunk without choices carries the usage. */
  readonly include_usage: boolean;
}

/**
 * Turns events into SSE frames of OpenAI's `chat.completion.chunk`: the role first, `delta.content`,
 * `delta.reasoning_content`, `delta.tool_calls`, one finish reason per choice. One encoder per stream; the caller sends
 * {@link DONE_FRAME} after the last event. The part of a frame that never changes is built once: this runs for every token.
 */
export function chatChunkEncoder(options: ChunkOptions): (event: ModelEvent) => string {
  let head = '';
  let tail = '';
  const begun = new Set<number>();
  const frame = (choice: number, delta: string, { finish = 'null', logprobs = '' } = {}) =>
    `${head}"choices":[{"index":${choice},"delta":{${delta}}${logprobs},"finish_reason":${finish}}]${tail}`;
  const opened = (choice: number): string => {
    if (begun.has(choice)) return '';
    begun.add(choice);
    return frame(choice, '"role":"assistant","content":""');
  };
  return (event) => {
    switch (event.type) {
      case 'start':
        head = `data: {"id":${JSON.stringify(event.id)},"object":"chat.completion.chunk","created":${event.created_s},"model":${JSON.stringify(event.model)},"system_fingerprint":${JSON.stringify(event.backend)},`;
        tail = `${options.include_usage ? ',"usage":null' : ''}}\n\n`;
        if (event.ignored === undefined && event.served_by === undefined) return opened(0);
        return opened(0).replace('"choices":', () => `${extrasOf(event)}"choices":`);
      case 'text': {
        const logprobs =
          event.logprobs === undefined
            ? ''
            : `,"logprobs":${JSON.stringify({ content: event.logprobs, refusal: null })}`;
        return (
          opened(event.choice) + frame(event.choice, `"content":${JSON.stringify(event.text)}`, { logprobs })
        );
      }
      case 'reasoning':
        return (
          opened(event.choice) + frame(event.choice, `"reasoning_content":${JSON.stringify(event.text)}`)
        );
      case 'tool_call': {
        const begin = event.id === undefined ? '' : `"id":${JSON.stringify(event.id)},"type":"function",`;
        const name = event.name === undefined ? '' : `"name":${JSON.stringify(event.name)},`;
        const call = `{${name}"arguments":${JSON.stringify(event.arguments_delta)}}`;
        if (options.functions === true)
          return (
            opened(event.choice) + (event.index === 0 ? frame(event.choice, `"function_call":${call}`) : '')
          );
        return (
          opened(event.choice) +
          frame(event.choice, `"tool_calls":[{"index":${event.index},${begin}"function":${call}}]`)
        );
      }
      case 'stream_resumed':
        return resumedComment(event);
      case 'finish':
        return (
          opened(event.choice) +
          frame(event.choice, '', {
            finish: `"${chatFinish(event.reason, options)}"${losesFinish(event.reason) ? `,"mcp_finish":${JSON.stringify(event.reason)}` : ''}`,
          })
        );
      case 'usage':
        return options.include_usage
          ? `${head}"choices":[],"usage":${JSON.stringify(wireUsage(event.usage))}}\n\n`
          : '';
      default:
        return event satisfies never;
    }
  };
}

/** What we say in the first frame beside what OpenAI does. */
function extrasOf({ ignored, served_by }: Extract<ModelEvent, { type: 'start' }>): string {
  return [
    ignored === undefined ? '' : `"mcp_ignored":${JSON.stringify(ignored)},`,
    served_by === undefined ? '' : `"mcp_model":${JSON.stringify(served_by)},`,
  ].join('');
}
