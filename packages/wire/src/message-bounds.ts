import { type ChatMessage, PlatformError } from '@mcp/contracts';

/** Messages that a chat completion may have. */
const MAX_MESSAGES = 2048;

/**
 * Messages that were made of another format's, which has its own bounds. Throws `invalid_request` where nothing of it is
 * said to the model, `context_length_exceeded` where it came to more than a model takes.
 */
export function boundedMessages(messages: ChatMessage[], param: 'input' | 'messages'): ChatMessage[] {
  const { length } = messages;
  if (length === 0)
    throw new PlatformError(
      'invalid_request',
      `${param}: has nothing that a model could answer. Add a message.`,
      { param },
    );
  if (length > MAX_MESSAGES)
    throw new PlatformError(
      'context_length_exceeded',
      `${param}: with what was said before there are ${length} messages; a model takes ${MAX_MESSAGES}. Begin anew with what matters of them.`,
      { param },
    );
  return messages;
}
