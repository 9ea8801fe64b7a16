/** OpenAI's function calls from before there were tools, as tools and back. */
import type {
  ChatCompletionRequest,
  ChatMessage,
  PublicChatCompletionRequest,
  PublicMessage,
} from '@mcp/contracts';

/** A request of the public wire as the platform asks for it; whether its answer calls functions instead of tools. */
export function fromPublicChat(given: PublicChatCompletionRequest): {
  readonly request: ChatCompletionRequest;
  readonly functions: boolean;
} {
  const { functions, function_call, messages, modalities: _text, ...rest } = given;
  const request = { ...rest, messages: toMessages(messages) };
  if (functions === undefined) return { request, functions: false };
  return {
    functions: true,
    request: {
      ...request,
      tools: functions.map((one) => ({ type: 'function', function: one })),
      // The format has room for one call.
      parallel_tool_calls: false,
      ...(function_call === undefined ? {} : { tool_choice: choiceOf(function_call) }),
    },
  };
}

type Call = NonNullable<PublicChatCompletionRequest['function_call']>;

function choiceOf(call: Call): NonNullable<ChatCompletionRequest['tool_choice']> {
  return typeof call === 'string' ? call : { type: 'function', function: { name: call.name } };
}

/** A function's result belongs to its last call: the format has names where tools have ids. */
function toMessages(messages: readonly PublicMessage[]): ChatMessage[] {
  const calls = new Map<string, string>();
  return messages.map((message, at): ChatMessage => {
    if (message.role === 'function')
      return {
        role: 'tool',
        tool_call_id: calls.get(message.name) ?? '',
        content: message.content ?? '',
      };
    if (message.role !== 'assistant' || !('function_call' in message)) return message;
    const { function_call, ...rest } = message;
    if (function_call == null) return rest;
    const id = `call_${at}`;
    calls.set(function_call.name, id);
    return { ...rest, tool_calls: [{ id, type: 'function', function: function_call }] };
  });
}
