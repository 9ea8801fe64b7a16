import { type ChatCompletionRequest, type ChatMessage, PlatformError, type Tool } from '@mcp/contracts';
import {
  type ChatHistoryItem,
  type ChatWrapper,
  type Llama,
  type LlamaGrammar,
  type LlamaModel,
  type Token,
  TokenBias,
} from 'node-llama-cpp';
import { maxTokens, textOf } from '../text.ts';
import { type CallPlan, callPlanOf, shownTools } from './calls/plan.ts';
import type { CallSyntax } from './calls/syntax.ts';
import { grammarOf } from './grammar.ts';
import { toHistory } from './history.ts';
import type { Sampling } from './sampler.ts';

/** How a request is answered: everything is checked here, before the model is touched. */
export interface Plan {
  readonly history: ChatHistoryItem[];
  readonly prompt: Token[];
  readonly max_tokens: number;
  readonly sampling: Sampling;
  readonly bias: TokenBias | undefined;
  readonly mode:
    | { readonly type: 'text'; readonly grammar: LlamaGrammar | undefined }
    /** Functions may be called, or have to be. */
    | { readonly type: 'calls'; readonly calls: CallPlan; readonly syntax: CallSyntax }
    | { readonly type: 'logprobs'; readonly top: number };
}

export interface PlanContext {
  readonly id: string;
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly wrapper: ChatWrapper;
  /** How the model is shown functions and calls them. */
  readonly syntax: CallSyntax;
  readonly max_context: number;
}

/** A token has at most about this many characters: longer texts need no counting to be too long. */
const MAX_CHARS_PER_TOKEN = 64;

/** Checks a request and prepares it. Throws `context_length_exceeded`, `unsupported_parameter`, `invalid_request`. */
export async function planOf(request: ChatCompletionRequest, context: PlanContext): Promise<Plan> {
  if (charsOf(request.messages) > context.max_context * MAX_CHARS_PER_TOKEN)
    throw tooLong(context, `more than ${context.max_context}`);
  const tools = shownTools(request);
  refuseCombinations(request, tools.length > 0);
  // A grammar holds an answer from its first word.
  const goes_on = (request.response_format ?? { type: 'text' }).type === 'text';
  const history = toHistory(request.messages, { syntax: context.syntax, tools, goes_on });
  const mode = await modeOf(request, { context, tools });
  const prompt = promptTokens(context, history);
  const room = context.max_context - prompt.length;
  if (room < 1) throw tooLong(context, String(prompt.length));
  return {
    history,
    prompt,
    max_tokens: Math.min(maxTokens(request) ?? room, room),
    sampling: samplingOf(request),
    bias: biasOf(request, context.model),
    mode,
  };
}

/** The prompt in the model's own template. Throws `invalid_request` where the template refuses the order of roles. */
function promptTokens(
  context: Pick<PlanContext, 'model' | 'wrapper' | 'id'>,
  history: ChatHistoryItem[],
): Token[] {
  try {
    return context.wrapper
      .generateContextState({ chatHistory: history })
      .contextText.tokenize(context.model.tokenizer);
  } catch (cause) {
    throw new PlatformError(
      'invalid_request',
      `The chat template of ${context.id} cannot take these messages in this order. Begin with system or user, and let user and assistant alternate.`,
      { param: 'messages', cause },
    );
  }
}

/** The exact count is not worth its time for what is far too long: then an estimate, and `exact` is false. */
export function countMessages(
  context: Omit<PlanContext, 'llama'>,
  messages: readonly ChatMessage[],
): { tokens: number; exact: boolean; max_context: number } {
  const { max_context } = context;
  const chars = charsOf(messages);
  if (chars > max_context * MAX_CHARS_PER_TOKEN)
    return { tokens: Math.ceil(chars / 4), exact: false, max_context };
  return {
    tokens: promptTokens(context, toHistory(messages, { syntax: context.syntax, tools: [], goes_on: true }))
      .length,
    exact: true,
    max_context,
  };
}

function charsOf(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, message) => {
    const calls = message.role === 'assistant' ? (message.tool_calls ?? []) : [];
    return (
      sum + textOf(message).length + calls.reduce((all, call) => all + call.function.arguments.length, 0)
    );
  }, 0);
}

async function modeOf(
  request: ChatCompletionRequest,
  { context, tools }: { readonly context: PlanContext; readonly tools: readonly Tool[] },
): Promise<Plan['mode']> {
  if (tools.length > 0)
    return {
      type: 'calls',
      calls: await callPlanOf(request, { llama: context.llama, tools }),
      syntax: context.syntax,
    };
  if (request.logprobs === true) return { type: 'logprobs', top: request.top_logprobs ?? 0 };
  const format = request.response_format;
  if (format === undefined || format.type === 'text') return { type: 'text', grammar: undefined };
  if (format.type === 'json_object' || format.json_schema.schema === undefined)
    return { type: 'text', grammar: await context.llama.getGrammarFor('json') };
  return {
    type: 'text',
    grammar: await grammarOf(context.llama, format.json_schema.schema, {
      param: 'response_format',
      strict: format.json_schema.strict === true,
    }),
  };
}

function refuseCombinations(request: ChatCompletionRequest, tools: boolean): void {
  const json = request.response_format !== undefined && request.response_format.type !== 'text';
  if (json && tools) throw unsupported('response_format', 'together with tools');
  if (request.logprobs !== true) return;
  if (tools) throw unsupported('logprobs', 'together with tools');
  if (json) throw unsupported('logprobs', 'together with response_format');
  if (request.logit_bias != null) throw unsupported('logit_bias', 'together with logprobs');
}

/** Without options of its own a request gets what keeps small models from repeating themselves. */
function samplingOf(request: ChatCompletionRequest): Sampling {
  return {
    // A nucleus of nothing leaves the likeliest token.
    temperature: request.top_p === 0 ? 0 : (request.temperature ?? 0.7),
    top_p: request.top_p === 0 ? 1 : (request.top_p ?? 0.95),
    top_k: request.top_k ?? 40,
    min_p: request.min_p ?? 0,
    frequency_penalty: request.frequency_penalty ?? 0,
    presence_penalty: request.presence_penalty ?? 0,
    seed: request.seed ?? Math.floor(Math.random() * 2 ** 31),
  };
}

function biasOf(request: ChatCompletionRequest, model: LlamaModel): TokenBias | undefined {
  if (request.logit_bias == null) return undefined;
  const bias = TokenBias.for(model);
  for (const [key, value] of Object.entries(request.logit_bias)) {
    const token = Number(key);
    if (!Number.isInteger(token) || token < 0)
      throw new PlatformError(
        'invalid_request',
        `logit_bias: '${key.slice(0, 40)}' is not a token id. Use ids of the model's own vocabulary as keys.`,
        { param: 'logit_bias' },
      );
    bias.set(token as Token, value <= -100 ? 'never' : { logit: value });
  }
  return bias;
}

function tooLong(context: PlanContext, tokens: string): PlatformError {
  return new PlatformError(
    'context_length_exceeded',
    `The messages have ${tokens} tokens; ${context.id} holds ${context.max_context} with its answer. Shorten them.`,
    { param: 'messages' },
  );
}

function unsupported(param: string, how: string): PlatformError {
  return new PlatformError(
    'unsupported_parameter',
    `The embedded models do not support ${param} ${how}. Remove it or use another backend.`,
    { param },
  );
}
