import { type ChatCompletionRequest, type ChatMessage, PlatformError, type Tool } from '@mcp/contracts';
import {
  type ChatHistoryItem,
  type ChatModelFunctions,
  type ChatWrapper,
  type Llama,
  type LlamaGrammar,
  type LlamaModel,
  type Token,
  TokenBias,
} from 'node-llama-cpp';
import { maxTokens } from '../text.ts';
import { toFunctions, toHistory } from './history.ts';
import type { Sampling } from './sampler.ts';
import { toGrammarSchema } from './schema.ts';

/** How a request is answered: everything is checked here, before the model is touched. */
export interface Plan {
  readonly history: ChatHistoryItem[];
  readonly prompt: Token[];
  readonly max_tokens: number;
  readonly sampling: Sampling;
  readonly bias: TokenBias | undefined;
  readonly mode:
    | { readonly type: 'text'; readonly grammar: LlamaGrammar | undefined }
    | { readonly type: 'functions'; readonly functions: ChatModelFunctions }
    /** The answer is one JSON object `{name, arguments}`, held to by the grammar. */
    | { readonly type: 'forced-call'; readonly grammar: LlamaGrammar }
    | { readonly type: 'logprobs'; readonly top: number };
}

export interface PlanContext {
  readonly id: string;
  readonly llama: Llama;
  readonly model: LlamaModel;
  readonly wrapper: ChatWrapper;
  readonly max_context: number;
}

/** A token has at most about this many characters: longer texts need no counting to be too long. */
const MAX_CHARS_PER_TOKEN = 64;

/** Checks a request and prepares it. Throws `context_length_exceeded`, `unsupported_parameter`, `invalid_request`. */
export async function planOf(request: ChatCompletionRequest, context: PlanContext): Promise<Plan> {
  if (charsOf(request.messages) > context.max_context * MAX_CHARS_PER_TOKEN)
    throw tooLong(context, `more than ${context.max_context}`);
  const tools = request.tools !== undefined && request.tool_choice !== 'none' ? request.tools : undefined;
  const forced = tools === undefined ? undefined : forcedTools(tools, request.tool_choice);
  refuseCombinations(request, tools !== undefined);
  const history = toHistory(request.messages);
  if (forced !== undefined) history.unshift({ type: 'system', text: callInstruction(forced) });
  const mode = await modeOf(request, { context, tools, forced });
  const prompt = promptTokens(context, history, mode.type === 'functions' ? mode.functions : undefined);
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
  functions?: ChatModelFunctions,
): Token[] {
  try {
    return context.wrapper
      .generateContextState({
        chatHistory: history,
        ...(functions === undefined ? {} : { availableFunctions: functions, documentFunctionParams: true }),
      })
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
  context: Pick<PlanContext, 'model' | 'wrapper' | 'id' | 'max_context'>,
  messages: readonly ChatMessage[],
): { tokens: number; exact: boolean; max_context: number } {
  const { max_context } = context;
  const chars = charsOf(messages);
  if (chars > max_context * MAX_CHARS_PER_TOKEN)
    return { tokens: Math.ceil(chars / 4), exact: false, max_context };
  return { tokens: promptTokens(context, toHistory(messages)).length, exact: true, max_context };
}

function charsOf(messages: readonly ChatMessage[]): number {
  return messages.reduce(
    (sum, { content }) =>
      sum +
      (typeof content === 'string'
        ? content.length
        : (content ?? []).reduce((part, one) => part + ('text' in one ? one.text.length : 0), 0)),
    0,
  );
}

async function modeOf(
  request: ChatCompletionRequest,
  parts: {
    context: PlanContext;
    tools: readonly Tool[] | undefined;
    forced: readonly Tool[] | undefined;
  },
): Promise<Plan['mode']> {
  const { context, tools, forced } = parts;
  if (forced !== undefined) return { type: 'forced-call', grammar: await callGrammar(context.llama, forced) };
  if (tools !== undefined) return { type: 'functions', functions: toFunctions(tools) };
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

async function grammarOf(
  llama: Llama,
  schema: Readonly<Record<string, unknown>>,
  options: { param: string; strict: boolean },
): Promise<LlamaGrammar> {
  const wanted = toGrammarSchema(schema, options);
  try {
    // The library checks the schema itself; its type wants a literal.
    return await llama.createGrammarForJsonSchema(wanted as { readonly type: 'object' });
  } catch (cause) {
    throw new PlatformError(
      'unsupported_parameter',
      `${options.param}: no grammar can be made of this JSON schema. Simplify it: fewer levels, shorter lengths.`,
      { param: options.param, cause },
    );
  }
}

function callGrammar(llama: Llama, tools: readonly Tool[]): Promise<LlamaGrammar> {
  const calls = tools.map(({ function: { name, parameters } }) => ({
    type: 'object',
    properties: { name: { const: name }, arguments: parameters ?? { type: 'object', properties: {} } },
  }));
  const [only] = calls;
  return grammarOf(llama, calls.length === 1 && only !== undefined ? only : { oneOf: calls }, {
    param: 'tools',
    strict: false,
  });
}

function callInstruction(tools: readonly Tool[]): string {
  const lines = tools.map(
    ({ function: { name, description, parameters } }) =>
      `- ${name}${description === undefined ? '' : `: ${description}`}\n  parameters: ${JSON.stringify(parameters ?? {})}`,
  );
  return `Call a function now. Answer with one JSON object {"name": …, "arguments": …} and nothing else. Functions:\n${lines.join('\n')}`;
}

/** The tools among which one must be called, or undefined when the model is free. */
function forcedTools(
  tools: readonly Tool[],
  choice: ChatCompletionRequest['tool_choice'],
): readonly Tool[] | undefined {
  if (choice === undefined || choice === 'auto' || choice === 'none') return undefined;
  if (choice === 'required') return tools;
  const named = tools.filter(({ function: { name } }) => name === choice.function.name);
  if (named.length > 0) return named;
  throw new PlatformError(
    'invalid_request',
    `tool_choice names the function '${choice.function.name}', which is not among tools. Name one of: ${tools.map(({ function: { name } }) => name).join(', ')}.`,
    { param: 'tool_choice' },
  );
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
