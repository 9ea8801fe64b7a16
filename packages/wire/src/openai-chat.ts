import type { FinishReason, LogprobToken, ModelEvent, StreamResumed, ToolCall, Usage } from '@mcp/contracts';

/** A whole generation, gathered from its events. */
export interface Completion {
  readonly id: string;
  readonly model: string;
  readonly backend: string;
  readonly created_s: number;
  /** The model that answered, where `model` is an alias. */
  readonly served_by?: string;
  /** Fields of the request that the backend made no use of. */
  readonly ignored?: readonly string[];
  /** Models that broke off, and who went on. */
  readonly resumed?: readonly StreamResumed[];
  readonly choices: readonly CompletionChoice[];
  readonly usage: Usage | undefined;
}

interface CompletionChoice {
  readonly index: number;
  readonly text: string;
  readonly reasoning: string;
  readonly tool_calls: readonly ToolCall[];
  readonly logprobs: readonly LogprobToken[];
  readonly finish: FinishReason;
}

interface Building {
  text: string;
  reasoning: string;
  calls: Map<number, { id: string; name: string; args: string }>;
  logprobs: LogprobToken[];
  finish: FinishReason;
}

const CUT: FinishReason = { unified: 'other', raw: null };

/** Gathers events into a completion. Throws what the source throws. */
export async function collect(events: AsyncIterable<ModelEvent>): Promise<Completion> {
  let head: Omit<Completion, 'choices' | 'usage' | 'resumed'> = {
    id: '',
    model: '',
    backend: '',
    created_s: 0,
  };
  let usage: Usage | undefined;
  const resumed: StreamResumed[] = [];
  const choices = new Map<number, Building>();
  const choice = (index: number): Building => {
    let one = choices.get(index);
    if (one === undefined) {
      one = { text: '', reasoning: '', calls: new Map(), logprobs: [], finish: CUT };
      choices.set(index, one);
    }
    return one;
  };
  for await (const event of events) {
    switch (event.type) {
      case 'start':
        head = headOf(event);
        break;
      case 'text': {
        const one = choice(event.choice);
        one.text += event.text;
        if (event.logprobs !== undefined) one.logprobs.push(...event.logprobs);
        break;
      }
      case 'reasoning':
        choice(event.choice).reasoning += event.text;
        break;
      case 'tool_call': {
        const { calls } = choice(event.choice);
        const call = calls.get(event.index) ?? { id: '', name: '', args: '' };
        calls.set(event.index, {
          id: event.id ?? call.id,
          name: event.name ?? call.name,
          args: call.args + event.arguments_delta,
        });
        break;
      }
      case 'stream_resumed': {
        const { from, to, code } = event;
        resumed.push({ from, to, code });
        break;
      }
      case 'finish':
        choice(event.choice).finish = event.reason;
        break;
      case 'usage':
        usage = event.usage;
        break;
      default:
        event satisfies never;
    }
  }
  return {
    ...head,
    ...(resumed.length === 0 ? {} : { resumed }),
    usage,
    choices: [...choices].sort(([a], [b]) => a - b).map(([index, one]) => finished(index, one)),
  };
}

function headOf({
  type: _type,
  ...head
}: Extract<ModelEvent, { type: 'start' }>): Omit<Completion, 'choices' | 'usage'> {
  return head;
}

function finished(index: number, one: Building): CompletionChoice {
  const tool_calls = [...one.calls]
    .sort(([a], [b]) => a - b)
    .map(([, call]) => ({
      id: call.id,
      type: 'function' as const,
      function: { name: call.name, arguments: call.args },
    }));
  return {
    index,
    text: one.text,
    reasoning: one.reasoning,
    tool_calls,
    logprobs: one.logprobs,
    finish: one.finish,
  };
}

/** OpenAI knows fewer reasons than we do: an answer that was cut for any other reason is one of limited length. */
export function wireFinish(reason: FinishReason): string {
  switch (reason.unified) {
    case 'stop':
    case 'length':
    case 'tool_calls':
    case 'content_filter':
      return reason.unified;
    case 'cancelled':
    case 'error':
      return 'length';
    case 'other':
      return 'stop';
    default:
      return reason.unified satisfies never;
  }
}

/** True when the wire's word says less than the reason: then `mcp_finish` beside it carries the whole. */
export function losesFinish(reason: FinishReason): boolean {
  const word = wireFinish(reason);
  return reason.unified !== word || reason.raw !== word;
}

/** A finish reason of the wire, with the raw word kept. */
export function readFinish(raw: string): FinishReason {
  switch (raw) {
    case 'stop':
    case 'length':
    case 'content_filter':
    case 'tool_calls':
      return { unified: raw, raw };
    case 'function_call':
      return { unified: 'tool_calls', raw };
    case 'eos':
    case 'end_turn':
    case 'stop_sequence':
      return { unified: 'stop', raw };
    case 'max_tokens':
      return { unified: 'length', raw };
    case 'abort':
    case 'cancelled':
      return { unified: 'cancelled', raw };
    default:
      return { unified: 'other', raw };
  }
}

/** Usage as OpenAI writes it. */
export function wireUsage(usage: Usage): Record<string, unknown> {
  return {
    prompt_tokens: usage.input_tokens,
    completion_tokens: usage.output_tokens,
    total_tokens: usage.input_tokens + usage.output_tokens,
    ...(usage.cached_input_tokens === undefined
      ? {}
      : { prompt_tokens_details: { cached_tokens: usage.cached_input_tokens } }),
    ...(usage.reasoning_tokens === undefined
      ? {}
      : { completion_tokens_details: { reasoning_tokens: usage.reasoning_tokens } }),
  };
}

export interface ChatOptions {
  /** The request asked for functions: a call of a tool is told in the format from before there were tools. */
  readonly functions?: boolean;
}

/** The word for why a choice ended, in the format that was asked for. */
export function chatFinish(reason: FinishReason, { functions = false }: ChatOptions): string {
  const word = wireFinish(reason);
  return functions && word === 'tool_calls' ? 'function_call' : word;
}

/** The `chat.completion` object of a finished generation. */
export function encodeChatCompletion(
  completion: Completion,
  options: ChatOptions = {},
): Record<string, unknown> {
  return {
    id: completion.id,
    object: 'chat.completion',
    created: completion.created_s,
    model: completion.model,
    choices: completion.choices.map((choice) => ({
      index: choice.index,
      message: {
        role: 'assistant',
        content: choice.text === '' && choice.tool_calls.length > 0 ? null : choice.text,
        refusal: null,
        ...(choice.reasoning === '' ? {} : { reasoning_content: choice.reasoning }),
        ...callsOf(choice.tool_calls, options),
      },
      logprobs: choice.logprobs.length === 0 ? null : { content: choice.logprobs, refusal: null },
      finish_reason: chatFinish(choice.finish, options),
      ...(losesFinish(choice.finish) ? { mcp_finish: choice.finish } : {}),
    })),
    ...(completion.usage === undefined ? {} : { usage: wireUsage(completion.usage) }),
    system_fingerprint: completion.backend,
    ...(completion.resumed === undefined ? {} : { mcp_resumed: completion.resumed }),
    ...(completion.served_by === undefined ? {} : { mcp_model: completion.served_by }),
    ...(completion.ignored === undefined ? {} : { mcp_ignored: completion.ignored }),
  };
}

function callsOf(calls: readonly ToolCall[], { functions = false }: ChatOptions): object {
  const [first] = calls;
  if (first === undefined) return {};
  return functions ? { function_call: first.function } : { tool_calls: calls };
}
