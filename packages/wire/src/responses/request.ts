import {
  type ChatCompletionRequest,
  type ChatMessage,
  PlatformError,
  type ResponseItem,
  type ResponsesRequest,
  type ResponseTokensRequest,
  textOf as textOfContent,
} from '@mcp/contracts';
import { boundedMessages } from '../message-bounds.ts';
import { type ItemPrefix, itemId } from './ids.ts';

/** An item that says something itself. */
export type SaidItem = Exclude<ResponseItem, { type: 'item_reference' }>;

/** An item in a list of them. */
interface ListedItem {
  readonly id: string;
  readonly type: SaidItem['type'];
}

/** What is said to a model: by earlier responses, and by this request, its references replaced by what they name. */
export interface Said {
  readonly earlier: readonly SaidItem[];
  readonly items: readonly SaidItem[];
}

/** The items of a request; a text is a message of the user. */
export function inputItems(input: ResponsesRequest['input']): ResponseItem[] {
  if (typeof input !== 'string') return input ?? [];
  return input === '' ? [] : [{ type: 'message', role: 'user', content: input }];
}

/** Items of a request as they are listed: each with an id. */
export function withIds(items: readonly SaidItem[], response_id: string): ListedItem[] {
  return items.map((item, at) => ({
    ...item,
    id: item.id ?? itemId(PREFIXES[item.type], { response_id, of: 'i', at }),
    ...(item.type === 'message' ? { content: partsOf(item) } : {}),
    ...(item.type === 'reasoning' ? {} : { status: item.status ?? 'completed' }),
  }));
}

function partsOf({ role, content }: MessageItem): readonly object[] {
  if (typeof content !== 'string') return content;
  const text = { text: content };
  return [
    role === 'assistant'
      ? { type: 'output_text', ...text, annotations: [] }
      : { type: 'input_text', ...text },
  ];
}

const PREFIXES: Readonly<Record<SaidItem['type'], ItemPrefix>> = {
  message: 'msg',
  reasoning: 'rs',
  function_call: 'fc',
  function_call_output: 'fco',
};

/** A request as the chat completion it asks for. Throws `invalid_request`, `context_length_exceeded`. */
export function fromResponses(request: ResponsesRequest, said: Said): ChatCompletionRequest {
  const { model, temperature, top_p, max_output_tokens } = request;
  return {
    model,
    messages: responseMessages(request, said),
    ...(request.stream == null ? {} : { stream: request.stream }),
    ...(max_output_tokens == null ? {} : { max_completion_tokens: max_output_tokens }),
    ...(temperature == null ? {} : { temperature }),
    ...(top_p == null ? {} : { top_p }),
    ...logprobsOf(request),
    ...formatOf(request),
    ...toolsOf(request),
    ...(request.reasoning?.effort == null ? {} : { reasoning_effort: request.reasoning.effort }),
    ...(request.user == null ? {} : { user: request.user }),
    ...(request.safety_identifier == null ? {} : { safety_identifier: request.safety_identifier }),
    ...(request.prompt_cache_key == null ? {} : { prompt_cache_key: request.prompt_cache_key }),
    ...(request.service_tier == null ? {} : { service_tier: request.service_tier }),
  };
}

function logprobsOf({
  include,
  top_logprobs,
}: ResponsesRequest): Pick<ChatCompletionRequest, 'logprobs' | 'top_logprobs'> {
  const top = top_logprobs ?? 0;
  if (top === 0 && include?.includes('message.output_text.logprobs') !== true) return {};
  return { logprobs: true, ...(top === 0 ? {} : { top_logprobs: top }) };
}

function formatOf({ text }: ResponsesRequest): Pick<ChatCompletionRequest, 'response_format' | 'verbosity'> {
  const verbosity = text?.verbosity == null ? {} : { verbosity: text.verbosity };
  const { format } = text ?? {};
  if (format == null || format.type === 'text') return verbosity;
  if (format.type === 'json_object') return { response_format: format, ...verbosity };
  const { name, schema, strict, description } = format;
  return {
    response_format: {
      type: 'json_schema',
      json_schema: { name, schema, strict, ...(description == null ? {} : { description }) },
    },
    ...verbosity,
  };
}

/** `allowed_tools` are the only ones that the model is told of. */
function toolsOf({
  tools,
  tool_choice,
  parallel_tool_calls,
}: ResponsesRequest): Pick<ChatCompletionRequest, 'tools' | 'tool_choice' | 'parallel_tool_calls'> {
  if (tools == null || tools.length === 0) return {};
  const allowed =
    typeof tool_choice === 'object' && tool_choice?.type === 'allowed_tools'
      ? new Set(tool_choice.tools.map(({ name }) => name))
      : undefined;
  return {
    tools: tools.filter(({ name }) => allowed?.has(name) !== false).map(toTool),
    ...(tool_choice == null ? {} : { tool_choice: choiceOf(tool_choice) }),
    ...(parallel_tool_calls == null ? {} : { parallel_tool_calls }),
  };
}

type Tool = NonNullable<ResponsesRequest['tools']>[number];

function toTool({
  name,
  description,
  parameters,
  strict,
}: Tool): NonNullable<ChatCompletionRequest['tools']>[number] {
  return {
    type: 'function',
    function: {
      name,
      ...(description == null ? {} : { description }),
      ...(parameters == null ? {} : { parameters }),
      ...(strict == null ? {} : { strict }),
    },
  };
}

function choiceOf(
  choice: NonNullable<ResponsesRequest['tool_choice']>,
): NonNullable<ChatCompletionRequest['tool_choice']> {
  if (typeof choice === 'string') return choice;
  return choice.type === 'allowed_tools'
    ? choice.mode
    : { type: 'function', function: { name: choice.name } };
}

/** The messages of a request: its instructions first, which count for it alone, then what was said. */
export function responseMessages(request: ResponseTokensRequest, { earlier, items }: Said): ChatMessage[] {
  const { instructions } = request;
  const messages = new Messages();
  if (instructions != null && instructions !== '') messages.add({ role: 'system', content: instructions });
  for (const item of [...earlier, ...items]) messages.take(item);
  return messages.whole();
}

type Part = Exclude<Extract<ChatMessage, { role: 'user' }>['content'], string>[number];
type MessageItem = Extract<SaidItem, { type: 'message' }>;
type CallItem = Extract<SaidItem, { type: 'function_call' }>;
type OutputItem = Extract<SaidItem, { type: 'function_call_output' }>;

/** Puts items together to messages: what a model says and calls at once is one, pictures of results follow as the user's. */
class Messages {
  readonly #messages: ChatMessage[] = [];
  readonly #calls = new Set<string>();
  #said: { texts: string[]; calls: CallItem[] } = { texts: [], calls: [] };
  #pictures: Part[] = [];

  add(message: ChatMessage): void {
    this.#messages.push(message);
  }

  take(item: SaidItem): void {
    switch (item.type) {
      case 'message':
        this.#message(item);
        return;
      case 'function_call':
        this.#endResults();
        this.#said.calls.push(item);
        this.#calls.add(item.call_id);
        return;
      case 'function_call_output':
        this.#result(item);
        return;
      case 'reasoning':
        return;
      default:
        item satisfies never;
    }
  }

  whole(): ChatMessage[] {
    this.#endAnswer();
    this.#endResults();
    return boundedMessages(this.#messages, 'input');
  }

  #message({ role, content }: MessageItem): void {
    this.#endResults();
    if (role === 'assistant') {
      if (this.#said.calls.length === 0) this.#endAnswer();
      this.#said.texts.push(textOf(content));
      return;
    }
    this.#endAnswer();
    if (role === 'user')
      this.add({
        role,
        content: typeof content === 'string' || content.length === 0 ? textOf(content) : content.map(toPart),
      });
    else this.add({ role, content: textOf(content) });
  }

  #result({ call_id, output }: OutputItem): void {
    this.#endAnswer();
    if (!this.#calls.has(call_id))
      throw new PlatformError(
        'invalid_request',
        `input: no tool call found for function call output with call_id ${call_id.slice(0, 80)}. Send its function_call before it, or the previous_response_id of the response that has it.`,
        { param: 'input' },
      );
    this.add({ role: 'tool', tool_call_id: call_id, content: textOf(output) });
    if (typeof output !== 'string')
      this.#pictures.push(...output.filter(({ type }) => type === 'input_image').map(toPart));
  }

  #endAnswer(): void {
    const { texts, calls } = this.#said;
    this.#said = { texts: [], calls: [] };
    const text = texts.join('\n');
    if (text === '' && calls.length === 0) return;
    this.add({
      role: 'assistant',
      content: text === '' ? null : text,
      ...(calls.length === 0 ? {} : { tool_calls: calls.map(toCall) }),
    });
  }

  #endResults(): void {
    if (this.#pictures.length === 0) return;
    this.add({ role: 'user', content: this.#pictures });
    this.#pictures = [];
  }
}

function toCall({
  call_id,
  name,
  arguments: given,
}: CallItem): NonNullable<Extract<ChatMessage, { role: 'assistant' }>['tool_calls']>[number] {
  return { id: call_id, type: 'function', function: { name, arguments: given } };
}

type Content = MessageItem['content'];
type ContentPart = Exclude<Content, string>[number];

/** Pictures have no text. */
function textOf(content: Content): string {
  return textOfContent(content, { picture: () => '' });
}

function toPart(part: ContentPart): Part {
  if (part.type !== 'input_image') return { type: 'text', text: textOf([part]) };
  const { image_url: url, detail } = part;
  return {
    type: 'image_url',
    image_url: { url, ...(detail == null ? {} : { detail: detail === 'original' ? 'high' : detail }) },
  };
}
