import { type ChatMessage, textOf } from '@mcp/contracts';
import { redactPii } from '../pii/index.ts';
import { Pseudonyms } from '../pii/pseudonyms.ts';

/** The same messages with the personal data in questions and in results of tools redacted, the same value by the same name. */
export function redactedMessages(messages: readonly ChatMessage[]): ChatMessage[] {
  const pseudonyms = new Pseudonyms();
  return messages.map((message) => redactMessage(message, (text) => redactPii(text, pseudonyms)));
}

function redactMessage(message: ChatMessage, redact: (text: string) => string): ChatMessage {
  switch (message.role) {
    case 'user':
      return typeof message.content === 'string'
        ? { ...message, content: redact(message.content) }
        : {
            ...message,
            content: message.content.map((part) =>
              part.type === 'text' ? { ...part, text: redact(part.text) } : part,
            ),
          };
    case 'tool':
      return { ...message, content: redact(textOf(message.content, { picture: () => '' })) };
    case 'system':
    case 'developer':
    case 'assistant':
      return message;
    default:
      return message satisfies never;
  }
}
