import { type ChatCompletionRequest, type ChatMessage, jsonOf, PlatformError } from '@mcp/contracts';
import { inlineImage } from '../images.ts';
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

/** Ollama's own default, and the smallest context asked for. */
const MIN_CONTEXT = 4096;
/** Left for the answer of a request that names no limit. */
const ANSWER_TOKENS = 1024;
/** An estimate on the safe side in most languages: a token has some 4 bytes of English, 3 of one Chinese character. */
const BYTES_PER_TOKEN = 3;
const TOKENS_PER_MESSAGE = 8;

/** Tokens that the request needs with its answer, as a power of two within what the model holds. */
export function contextFor(request: ChatCompletionRequest, max_context: number): number {
  const tools = request.tools === undefined ? 0 : Buffer.byteLength(JSON.stringify(request.tools));
  const prompt = request.messages.reduce(
    (sum, message) =>
      sum + TOKENS_PER_MESSAGE + Math.ceil(Buffer.byteLength(JSON.stringify(message)) / BYTES_PER_TOKEN),
    Math.ceil(tools / BYTES_PER_TOKEN),
  );
  const needed = Math.max(MIN_CONTEXT, prompt + (maxTokens(request) ?? ANSWER_TOKENS));
  return Math.min(max_context, 2 ** Math.ceil(Math.log2(needed)));
}

/** The body of `/api/chat` for one choice. */
export function chatBody(
  request: ChatCompletionRequest,
  { choice, num_ctx }: { readonly choice: number; readonly num_ctx: number },
): object {
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
      num_ctx,
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
      return { role: 'user', ...partsOf(message) };
    case 'assistant':
      return {
        role: 'assistant',
        content: textOf(message),
        ...(message.tool_calls === undefined
          ? {}
          : {
              tool_calls: message.tool_calls.map((call) => ({
                function: { name: call.function.name, arguments: jsonOf(call.function.arguments) ?? {} },
              })),
            }),
      };
    case 'tool':
      return { role: 'tool', content: textOf(message) };
    default:
      return message satisfies never;
  }
}

/** Ollama takes pictures as base64 beside the text, and fetches none. */
function partsOf({ content }: Extract<ChatMessage, { role: 'user' }>): {
  content: string;
  images?: string[];
} {
  if (typeof content === 'string') return { content };
  const images: string[] = [];
  const texts = content.map((part) => {
    if (part.type === 'text') return part.text;
    const { data } = inlineImage(part.image_url.url, 'Ollama');
    images.push(data);
    return '';
  });
  return { content: texts.join(''), ...(images.length === 0 ? {} : { images }) };
}
