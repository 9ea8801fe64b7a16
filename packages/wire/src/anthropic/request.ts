import type {
  AnthropicCountTokensRequest,
  AnthropicMessage,
  AnthropicMessagesRequest,
  ChatCompletionRequest,
  ChatMessage,
} from '@mcp/contracts';
import { boundedMessages } from '../message-bounds.ts';

/** An Anthropic Messages request as the chat completion it asks for. */
export function fromAnthropic(request: AnthropicMessagesRequest): ChatCompletionRequest {
  const { model, stream, max_tokens, temperature, top_p, top_k, tools = [], tool_choice } = request;
  return {
    model,
    messages: anthropicMessages(request),
    max_tokens,
    ...(stream === undefined ? {} : { stream }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(top_p === undefined ? {} : { top_p }),
    ...(top_k === undefined ? {} : { top_k }),
    ...(request.stop_sequences === undefined ? {} : { stop: request.stop_sequences }),
    ...(request.metadata?.user_id == null ? {} : { user: request.metadata.user_id }),
    ...(tools.length === 0 ? {} : { tools: tools.map(toTool) }),
    ...(tool_choice === undefined || tools.length === 0 ? {} : choice(tool_choice)),
    ...formatOf(request),
  };
}

/** A schema has no name here, and OpenAI's wire wants one. */
function formatOf({
  output_config,
}: AnthropicMessagesRequest): Pick<ChatCompletionRequest, 'response_format'> {
  const format = output_config?.format;
  if (format == null) return {};
  return {
    response_format: {
      type: 'json_schema',
      json_schema: { name: 'output', schema: format.schema, strict: true },
    },
  };
}

/** The messages of a request, the system prompt first. Throws `invalid_request`, `context_length_exceeded`. */
export function anthropicMessages({ system, messages }: AnthropicCountTokensRequest): ChatMessage[] {
  const text = system === undefined || typeof system === 'string' ? system : joined(system);
  const said = messages.flatMap(toMessages);
  // A system prompt alone asks for nothing.
  if (said.length === 0) return boundedMessages([], 'messages');
  const first = text === undefined || text === '' ? [] : [{ role: 'system', content: text } as const];
  return boundedMessages([...first, ...said], 'messages');
}

type Tools = NonNullable<AnthropicMessagesRequest['tools']>;
type Choice = NonNullable<AnthropicMessagesRequest['tool_choice']>;

function toTool(tool: Tools[number]): NonNullable<ChatCompletionRequest['tools']>[number] {
  const { name, description, input_schema: parameters, strict } = tool;
  return {
    type: 'function',
    function: {
      name,
      parameters,
      ...(description === undefined ? {} : { description }),
      ...(strict === undefined ? {} : { strict }),
    },
  };
}

function choice(given: Choice): Pick<ChatCompletionRequest, 'tool_choice' | 'parallel_tool_calls'> {
  const one = 'disable_parallel_tool_use' in given && given.disable_parallel_tool_use === true;
  const parallel = one ? { parallel_tool_calls: false } : {};
  switch (given.type) {
    case 'auto':
    case 'none':
      return { tool_choice: given.type, ...parallel };
    case 'any':
      return { tool_choice: 'required', ...parallel };
    case 'tool':
      return { tool_choice: { type: 'function', function: { name: given.name } }, ...parallel };
    default:
      return given satisfies never;
  }
}

function toMessages(message: AnthropicMessage): ChatMessage[] {
  const { role, content } = message;
  if (typeof content === 'string') return [{ role, content }];
  switch (message.role) {
    case 'user':
      return fromUser(message.content as Exclude<typeof message.content, string>);
    case 'assistant':
      return fromAssistant(message.content as Exclude<typeof message.content, string>);
    default:
      return message satisfies never;
  }
}

type UserBlock = Exclude<Extract<AnthropicMessage, { role: 'user' }>['content'], string>[number];
type AssistantBlock = Exclude<Extract<AnthropicMessage, { role: 'assistant' }>['content'], string>[number];
type Part = Exclude<Extract<ChatMessage, { role: 'user' }>['content'], string>[number];

/** Results of tools stand in messages of their own, before what the user says beside them. */
function fromUser(blocks: readonly UserBlock[]): ChatMessage[] {
  const results: ChatMessage[] = [];
  const parts: Part[] = [];
  for (const block of blocks)
    switch (block.type) {
      case 'tool_result': {
        const { texts, images } = resultOf(block.content ?? '');
        const content = block.is_error === true ? `Error: ${texts}` : texts;
        results.push({ role: 'tool', tool_call_id: block.tool_use_id, content });
        parts.push(...images);
        break;
      }
      case 'text':
      case 'image':
        parts.push(toPart(block));
        break;
      default:
        block satisfies never;
    }
  return parts.length === 0 ? results : [...results, { role: 'user', content: parts }];
}

/** A tool's message takes text only: images it gave follow as the user's. */
function resultOf(content: string | readonly Exclude<UserBlock, { type: 'tool_result' }>[]): {
  texts: string;
  images: Part[];
} {
  if (typeof content === 'string') return { texts: content, images: [] };
  return {
    texts: joined(content.filter((block) => block.type === 'text')),
    images: content.filter((block) => block.type === 'image').map(toPart),
  };
}

function toPart(block: Exclude<UserBlock, { type: 'tool_result' }>): Part {
  if (block.type === 'text') return { type: 'text', text: block.text };
  const { source } = block;
  const url = source.type === 'url' ? source.url : `data:${source.media_type};base64,${source.data}`;
  return { type: 'image_url', image_url: { url } };
}

function fromAssistant(blocks: readonly AssistantBlock[]): ChatMessage[] {
  const text = joined(blocks.filter((block) => block.type === 'text'));
  const tool_calls = blocks
    .filter((block) => block.type === 'tool_use')
    .map(({ id, name, input }) => ({
      id,
      type: 'function' as const,
      function: { name, arguments: JSON.stringify(input) },
    }));
  if (text === '' && tool_calls.length === 0) return [];
  return [
    {
      role: 'assistant',
      content: text === '' ? null : text,
      ...(tool_calls.length === 0 ? {} : { tool_calls }),
    },
  ];
}

function joined(blocks: readonly { readonly text: string }[]): string {
  return blocks.map(({ text }) => text).join('\n');
}
