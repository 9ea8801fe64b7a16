/** A chat completion as a request to Anthropic's Messages API: the direction of a client, for a server elsewhere. */
import {
  type ChatCompletionRequest,
  type ChatMessage,
  jsonOf,
  PlatformError,
  textOf as textOfContent,
} from '@mcp/contracts';
import { type Block, inTurns } from '../turns.ts';

/** The API wants a limit; so much where the caller names none. */
const ANSWER_TOKENS = 4096;

/** The body of `POST /v1/messages`. Throws `unsupported_parameter` for what the API has no word for. */
export function toAnthropic(
  request: ChatCompletionRequest,
): Readonly<Record<string, unknown>> & { readonly max_tokens: number } {
  refuseUnsupported(request);
  const { temperature, top_p, top_k, stop, tools = [], safety_identifier, user } = request;
  const system = systemOf(request.messages);
  const user_id = safety_identifier ?? user;
  return {
    model: request.model,
    max_tokens: request.max_completion_tokens ?? request.max_tokens ?? ANSWER_TOKENS,
    messages: inTurns(request.messages, turnOf).map(({ role, blocks }) => ({ role, content: blocks })),
    ...(system === '' ? {} : { system }),
    ...(request.stream === true ? { stream: true } : {}),
    // It ends at 1, where OpenAI's ends at 2.
    ...(temperature == null ? {} : { temperature: Math.min(1, temperature) }),
    ...(top_p == null ? {} : { top_p }),
    ...(top_k == null ? {} : { top_k }),
    ...(stop == null ? {} : { stop_sequences: typeof stop === 'string' ? [stop] : stop }),
    ...(user_id == null ? {} : { metadata: { user_id } }),
    ...(tools.length === 0 ? {} : { tools: tools.map(toTool), ...choiceOf(request) }),
    ...outputOf(request),
  };
}

function refuseUnsupported({ n, logprobs, response_format }: ChatCompletionRequest): void {
  const refuse = (param: string, message: string) =>
    new PlatformError('unsupported_parameter', message, { param });
  if ((n ?? 1) > 1) throw refuse('n', 'Anthropic writes one answer at a time. Ask n times.');
  if (logprobs === true) throw refuse('logprobs', 'Anthropic gives no log-probabilities. Remove logprobs.');
  if (response_format?.type === 'json_object')
    throw refuse(
      'response_format',
      'Anthropic writes JSON by a schema alone. Use response_format json_schema.',
    );
}

const textOf = (content: ChatMessage['content']) =>
  textOfContent(content ?? '', { between: '', picture: () => '' });

function systemOf(messages: readonly ChatMessage[]): string {
  return messages
    .filter(({ role }) => role === 'system' || role === 'developer')
    .map(({ content }) => textOf(content))
    .join('\n\n');
}

/** Results of tools are the user's. */
function turnOf(message: ChatMessage): { role: 'user' | 'assistant'; blocks: Block[] } | undefined {
  switch (message.role) {
    case 'system':
    case 'developer':
      return undefined;
    case 'user':
      return { role: 'user', blocks: partsOf(message.content) };
    case 'tool':
      return {
        role: 'user',
        blocks: [
          {
            type: 'tool_result',
            tool_use_id: message.tool_call_id,
            content: textOf(message.content),
          },
        ],
      };
    case 'assistant': {
      const text = textOf(message.content) + (message.refusal ?? '');
      const calls = (message.tool_calls ?? []).map(({ id, function: { name, arguments: given } }) => ({
        type: 'tool_use',
        id,
        name,
        input: jsonOf(given) ?? {},
      }));
      return { role: 'assistant', blocks: [...(text === '' ? [] : [{ type: 'text', text }]), ...calls] };
    }
    default:
      return message satisfies never;
  }
}

function partsOf(content: Extract<ChatMessage, { role: 'user' }>['content']): Block[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return content.flatMap((part): Block[] => {
    if (part.type === 'text') return part.text === '' ? [] : [{ type: 'text', text: part.text }];
    const { url } = part.image_url;
    const [, media_type, data] = /^data:(image\/[\w.+-]+);base64,(.+)$/.exec(url) ?? [];
    const source = media_type === undefined ? { type: 'url', url } : { type: 'base64', media_type, data };
    return [{ type: 'image', source }];
  });
}

type Tool = NonNullable<ChatCompletionRequest['tools']>[number];

function toTool({ function: { name, description, parameters, strict } }: Tool): object {
  return {
    name,
    ...(description === undefined ? {} : { description }),
    input_schema: parameters ?? { type: 'object', properties: {} },
    ...(strict == null ? {} : { strict }),
  };
}

function choiceOf({ tool_choice, parallel_tool_calls }: ChatCompletionRequest): object {
  const one = parallel_tool_calls === false ? { disable_parallel_tool_use: true } : {};
  if (typeof tool_choice === 'object')
    return { tool_choice: { type: 'tool', name: tool_choice.function.name, ...one } };
  switch (tool_choice) {
    case 'none':
      return { tool_choice: { type: 'none' } };
    case 'required':
      return { tool_choice: { type: 'any', ...one } };
    case 'auto':
    case undefined:
      return parallel_tool_calls === false ? { tool_choice: { type: 'auto', ...one } } : {};
    default:
      return tool_choice satisfies never;
  }
}

/** `output_config`: the schema that the answer is held to, and how much effort it is worth. */
function outputOf({ response_format, reasoning_effort }: ChatCompletionRequest): object {
  const schema = response_format?.type === 'json_schema' ? response_format.json_schema.schema : undefined;
  const config = {
    ...(schema === undefined ? {} : { format: { type: 'json_schema', schema } }),
    ...(reasoning_effort == null ? {} : { effort: reasoning_effort }),
  };
  return Object.keys(config).length === 0 ? {} : { output_config: config };
}
