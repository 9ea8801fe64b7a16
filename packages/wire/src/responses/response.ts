import type { FinishReason, LogprobToken, ResponsesRequest, Usage } from '@mcp/contracts';

/** A response object, as OpenAI's reference has it. */
export type ResponseObject = Readonly<Record<string, unknown>>;

/** What is known of a response before its model says anything. */
export interface ResponseHead {
  readonly id: string;
  readonly request: ResponsesRequest;
  /** Whether it will be kept. */
  readonly store: boolean;
}

/** An item of a response that is being made. */
export interface OutputItem {
  readonly kind: 'message' | 'reasoning' | 'call';
  readonly id: string;
  readonly at: number;
  /** Of a call. */
  readonly call_id: string;
  readonly name: string;
  /** What it says, or the arguments of a call. */
  text: string;
  readonly logprobs: LogprobToken[];
  status: 'in_progress' | 'completed' | 'incomplete';
}

/** An item of the output as the wire has it. */
export function encodeItem(item: OutputItem): Record<string, unknown> {
  const { id, status, text } = item;
  switch (item.kind) {
    case 'message':
      return {
        id,
        type: 'message',
        status,
        role: 'assistant',
        content: isEmpty(item) ? [] : [encodeText(item)],
      };
    case 'reasoning':
      return { id, type: 'reasoning', summary: isEmpty(item) ? [] : [{ type: 'summary_text', text }] };
    case 'call':
      return { id, type: 'function_call', status, arguments: text, call_id: item.call_id, name: item.name };
    default:
      return item.kind satisfies never;
  }
}

/** One that has just begun: it has no part yet. */
function isEmpty({ status, text }: OutputItem): boolean {
  return status === 'in_progress' && text === '';
}

export function encodeText({ text, logprobs }: Pick<OutputItem, 'text' | 'logprobs'>): object {
  return { type: 'output_text', text, annotations: [], logprobs: encodeLogprobs(logprobs) };
}

export function encodeLogprobs(logprobs: readonly LogprobToken[]): object[] {
  return logprobs.map(({ token, logprob, bytes, top_logprobs }) => ({
    token,
    logprob,
    bytes: bytes ?? [],
    top_logprobs: top_logprobs.map((one) => ({ ...one, bytes: one.bytes ?? [] })),
  }));
}

/** What a response says of the request it answers. */
export function echoOf({ id, request, store }: ResponseHead): Record<string, unknown> {
  const { tools, text, reasoning } = request;
  return {
    id,
    object: 'response',
    background: false,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: request.max_tool_calls ?? null,
    metadata: request.metadata ?? {},
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: request.previous_response_id ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    reasoning: { effort: reasoning?.effort ?? null, summary: reasoning?.summary ?? null },
    safety_identifier: request.safety_identifier ?? null,
    service_tier: request.service_tier ?? 'default',
    store,
    temperature: request.temperature ?? null,
    text: {
      format: text?.format ?? { type: 'text' },
      ...(text?.verbosity == null ? {} : { verbosity: text.verbosity }),
    },
    tool_choice: request.tool_choice ?? 'auto',
    tools: (tools ?? []).map(({ type, name, description, parameters, strict }) => ({
      type,
      name,
      description: description ?? null,
      parameters: parameters ?? null,
      strict: strict ?? null,
    })),
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? null,
    truncation: request.truncation ?? 'disabled',
    user: request.user ?? null,
  };
}

/** Why a response is not whole, in OpenAI's words; undefined when it is. One cut for any other reason is one of limited length. */
export function incompleteReason({ unified }: FinishReason): string | undefined {
  switch (unified) {
    case 'stop':
    case 'tool_calls':
    case 'other':
      return undefined;
    case 'content_filter':
      return 'content_filter';
    case 'length':
    case 'cancelled':
    case 'error':
      return 'max_output_tokens';
    default:
      return unified satisfies never;
  }
}

export function responseUsage(usage: Usage | undefined): object | null {
  if (usage === undefined) return null;
  return {
    input_tokens: usage.input_tokens,
    input_tokens_details: { cached_tokens: usage.cached_input_tokens ?? 0, cache_write_tokens: 0 },
    output_tokens: usage.output_tokens,
    output_tokens_details: { reasoning_tokens: usage.reasoning_tokens ?? 0 },
    total_tokens: usage.input_tokens + usage.output_tokens,
  };
}
