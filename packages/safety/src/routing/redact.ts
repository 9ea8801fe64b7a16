import { type ChatMessage, textOf } from '@mcp/contracts';
import { redactPii } from '../pii.ts';

/** The same messages with the personal data in questions and in results of tools redacted. */
export function redactedMessages(messages: readonly ChatMessage[]): ChatMessage[] {
  return messages.map(redactMessage);
}

function redactMessage(message: ChatMessage): ChatMessage {
  switch (message.role) {
    case 'user':
      return typeof message.content === 'string'
        ? { ...message, content: redactPii(message.content) }
        : {
            ...message,
            content: message.content.map((part) =>
              part.type === 'text' ? { ...part, text: redactPii(part.text) } : part,
            ),
          };
    case 'tool':
      return { ...message, content: redactPii(textOf(message.content, { picture: () => '' })) };
    case 'system':
    case 'developer':
    case 'assistant':
      return message;
    default:
      return message satisfies never;
  }
}
