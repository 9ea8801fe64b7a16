import { type ChatMessage, PlatformError, textOf as textOfContent } from '@mcp/contracts';

/** The text of a message. Throws `unsupported_parameter` for content that is not text. */
export function textOf({ content }: ChatMessage): string {
  return textOfContent(content, {
    between: '',
    picture() {
      throw new PlatformError(
        'unsupported_parameter',
        'This model reads text only. Remove the image_url parts or choose a model that sees.',
        { param: 'messages' },
      );
    },
  });
}

/** What the last message begins of the answer; undefined where the answer is a new one. */
export function begunAnswer(messages: readonly ChatMessage[]): string | undefined {
  const last = messages.at(-1);
  if (last?.role !== 'assistant' || (last.tool_calls ?? []).length > 0) return undefined;
  const text = textOf(last);
  return text === '' ? undefined : text;
}

/** How many tokens the caller lets the model write, or undefined when it did not say. */
export function maxTokens(request: {
  max_tokens?: number | null | undefined;
  max_completion_tokens?: number | null | undefined;
}): number | undefined {
  return request.max_completion_tokens ?? request.max_tokens ?? undefined;
}

/** Stop strings as a list. */
export function stops(stop: string | readonly string[] | null | undefined): readonly string[] {
  if (stop == null) return [];
  return (typeof stop === 'string' ? [stop] : stop).filter((text) => text !== '');
}

/** Whether a body that is no JSON began as some, or not at all: its server broke off. */
export function isCut(text: string): boolean {
  return /^\s*([[{]|$)/.test(text);
}
