import { type ChatCompletionRequest, type ChatMessage, PlatformError } from '@mcp/contracts';
import { maxTokens, stops, textOf } from '../text.ts';

/** Throws `unsupported_parameter` for what Ollama's API has no word for. */
export function refuseUnsupported(request: ChatCompletionRequest): void {
  if (request.logprobs === true)
    throw new PlatformError(
      'unsupported_parameter',
      'Ollama gives no log-probabilities through this API. Remove logprobs.',
      { param: 'logprobs' },
    );
  if (request.tool_choice !== undefined && request.tool_choice !== 'auto' && request.tool_choice !== 'none')
    throw new PlatformError(
      'unsupported_parameter',
      'Ollama decides itself whether to call a tool. Use tool_choice auto or none.',
      { param: 'tool_choice' },
    );
}

/** The body of `/api/chat` for one choice. */
export function chatBody(request: ChatCompletionRequest, choice: number): object {
  const format = request.response_format;
  const limit = maxTokens(request);
  const given = {
    temperature: request.temperature,
    top_p: request.top_p,
    top_k: request.top_k,
    min_p: request.min_p,
    presence_penalty: request.presence_penalty,
    frequency_penalty: request.frequency_penalty,
  };
  return {
    model: request.model,
    stream: true,
    messages: request.messages.map(toOllama),
    ...(request.tools === undefined || request.tool_choice === 'none' ? {} : { tools: request.tools }),
    ...(format === undefined || format.type === 'text'
      ? {}
      : { format: format.type === 'json_object' ? 'json' : (format.json_schema.schema ?? 'json') }),
    options: {
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value != null)),
      ...(request.seed == null ? {} : { seed: request.seed + choice }),
      ...(limit === undefined ? {} : { num_predict: limit }),
      ...(stops(request.stop).length === 0 ? {} : { stop: stops(request.stop) }),
    },
  };
}

function toOllama(message: ChatMessage): object {
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: textOf(message) };
    case 'user':
      return { role: 'user', content: textOf(message) };
    case 'assistant':
      return {
        role: 'assistant',
        content: textOf(message),
        ...(message.tool_calls === undefined
          ? {}
          : {
              tool_calls: message.tool_calls.map((call) => ({
                function: { name: call.function.name, arguments: parseArguments(call.function.arguments) },
              })),
            }),
      };
    case 'tool':
      return { role: 'tool', content: textOf(message) };
    default:
      return message satisfies never;
  }
}

function parseArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
