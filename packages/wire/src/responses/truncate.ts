import type { ChatMessage } from '@mcp/contracts';

/**
 * The messages that are left when the oldest are dropped until they have at most so many characters: whole turns, from
 * one message of the user to the next, so that no result stands without its call. What the system says stays, and so
 * does the last turn.
 */
export function withoutOldest(messages: readonly ChatMessage[], max_chars: number): ChatMessage[] {
  const sizes = messages.map((message) => JSON.stringify(message).length);
  let chars = sizes.reduce((sum, size) => sum + size, 0);
  const last = messages.findLastIndex(({ role }) => role === 'user');
  const dropped = new Set<number>();
  for (let at = 0; at < last && (chars > max_chars || messages[at]?.role !== 'user'); at++) {
    const begun = dropped.size > 0 || chars > max_chars;
    if (!begun || isSystem(messages[at])) continue;
    dropped.add(at);
    chars -= sizes[at] ?? 0;
  }
  return messages.filter((_, at) => !dropped.has(at));
}

function isSystem(message: ChatMessage | undefined): boolean {
  return message?.role === 'system' || message?.role === 'developer';
}
