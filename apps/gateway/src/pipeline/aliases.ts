import {
  type ChatCompletionRequest,
  type ChatEvent,
  type ChatMessage,
  ChatRequest,
  type ModelEvent,
  type ModelInfo,
  PlatformError,
  type TurnMode,
  textOf,
} from '@mcp/contracts';
import { givenOf } from '@mcp/wire';
import type { GraphCatalog } from '../models.ts';
import { errorOf } from '../transports/sse.ts';
import { Speakers } from './speakers.ts';

/** Models that are conversations of two models in turns. A new one: one row. `undefined` is the platform's default mode. */
const IN_TURNS: Readonly<Record<string, TurnMode | undefined>> = {
  'mcp/dual': undefined,
  'mcp/cross-check': 'cross-check',
};
/** What the names of all conversations that are models begin with, those of graphs of agents included. */
export const CONVERSATIONS = 'mcp/';

/** What a conversation can make no use of. `messages`, `stream`, `temperature`, `seed` and the limits of length it can. */
const NOT_FOR_ALIASES = [
  'tools',
  'tool_choice',
  'stop',
  'logprobs',
  'top_logprobs',
  'logit_bias',
  'top_k',
  'top_p',
  'min_p',
  'presence_penalty',
  'frequency_penalty',
  'reasoning_effort',
] as const satisfies readonly (keyof ChatCompletionRequest)[];

/** What changes no answer of a conversation. */
const IGNORED_BY_ALIASES = [
  'metadata',
  'parallel_tool_calls',
  'prompt_cache_key',
  'safety_identifier',
  'service_tier',
  'user',
  'verbosity',
] as const satisfies readonly (keyof ChatCompletionRequest)[];

export function ignoredByAliases(request: ChatCompletionRequest): readonly string[] {
  return givenOf(request, IGNORED_BY_ALIASES);
}

const MAX_TURN_TOKENS = 4096;

/** What an alias has in the place of a backend. */
export const CONVERSATION_BACKEND = 'conversation';

/** Whether a model is a conversation. Throws `unavailable` while nobody can say which graphs there are. */
export async function isAlias(graphs: GraphCatalog, model: string): Promise<boolean> {
  if (!model.startsWith(CONVERSATIONS)) return false;
  return Object.hasOwn(IN_TURNS, model) || (await graphs.list()).includes(model);
}

/** The name of a conversation that is known to be one; undefined for anything else. */
export function aliasLabel(graphs: GraphCatalog, model: string): string | undefined {
  if (!model.startsWith(CONVERSATIONS)) return undefined;
  return Object.hasOwn(IN_TURNS, model) || graphs.known.includes(model) ? model : undefined;
}

/** The aliases as entries of the model list: as ready, and as wide, as the models behind them allow. */
export function aliasModels(models: readonly ModelInfo[], graphs: readonly string[]): ModelInfo[] {
  const chat = models.filter((model) => model.kind === 'chat' && model.status === 'ready');
  const max_context = Math.min(...chat.map((model) => model.max_context));
  return [...Object.keys(IN_TURNS), ...graphs].map((id) => ({
    id,
    backend: CONVERSATION_BACKEND,
    kind: 'chat',
    owned_by: 'mcp',
    max_context: Number.isFinite(max_context) ? max_context : 4096,
    cost_input_per_mtok_usd: null,
    cost_output_per_mtok_usd: null,
    ...(chat.length > 0
      ? { status: 'ready' }
      : { status: 'unavailable', detail: 'no chat model is ready yet' }),
  }));
}

/** A completion request for an alias as the conversation it asks for. Throws `unsupported_parameter`. */
export function toConversation(request: ChatCompletionRequest): ChatRequest {
  refuseUnsupported(request);
  const mode = Object.hasOwn(IN_TURNS, request.model) ? IN_TURNS[request.model] : request.model;
  const limit = request.max_completion_tokens ?? request.max_tokens;
  const parsed = ChatRequest.safeParse({
    message: transcript(request.messages),
    ...(mode === undefined ? {} : { mode }),
    ...(limit == null ? {} : { max_tokens_per_turn: Math.min(limit, MAX_TURN_TOKENS) }),
    ...(request.temperature == null ? {} : { temperature: request.temperature }),
    ...(request.seed == null ? {} : { seed: request.seed }),
  });
  if (parsed.success) return parsed.data;
  throw new PlatformError(
    'context_length_exceeded',
    `messages: a conversation of ${request.model} takes 1 to 200000 characters. Send fewer or shorter messages.`,
    { param: 'messages' },
  );
}

function refuseUnsupported(request: ChatCompletionRequest): void {
  const refuse = (param: string, rule: string): never => {
    throw new PlatformError(
      'unsupported_parameter',
      `${param}: ${rule} with ${request.model}, which is a conversation of models. Leave it out, or name a single model.`,
      { param },
    );
  };
  for (const param of NOT_FOR_ALIASES) if (request[param] != null) refuse(param, 'is not supported');
  if (request.n != null && request.n !== 1) refuse('n', 'must be 1');
  if (request.response_format !== undefined && request.response_format.type !== 'text')
    refuse('response_format', 'must be text');
}

/** One message for the models: the question itself, or everything said so far with who said it. */
function transcript(messages: readonly ChatMessage[]): string {
  const texts = messages.map(({ role, content }) => ({
    role,
    text: textOf(content, { picture: noPictures }),
  }));
  const [only] = texts;
  if (texts.length === 1 && only !== undefined) return only.text;
  return texts
    .filter(({ text }) => text !== '')
    .map(({ role, text }) => `${role}: ${text}`)
    .join('\n\n');
}

function noPictures(): never {
  throw new PlatformError(
    'unsupported_parameter',
    'messages: a conversation of models takes text only. Leave images out, or name a single model.',
    { param: 'messages' },
  );
}

interface AliasCall {
  readonly request: ChatCompletionRequest;
  readonly onConversation: (id: string) => void;
}

/**
 * The conversation behind an alias as the events of a single model: the turns are its reasoning, one after the other,
 * the decided answer is its text.
 */
export async function* aliasEvents(
  conversation: AsyncIterable<ChatEvent>,
  alias: AliasCall,
): AsyncGenerator<ModelEvent> {
  const { model } = alias.request;
  const speakers = new Speakers();
  for await (const event of conversation) {
    if (event.type === 'start') {
      alias.onConversation(event.conversation_id);
      yield {
        type: 'start',
        id: `chatcmpl-${event.conversation_id}`,
        model,
        backend: CONVERSATION_BACKEND,
        created_s: Math.floor(Date.now() / 1000),
      };
    } else yield* toModelEvents(event, speakers);
  }
}

function* toModelEvents(
  event: Exclude<ChatEvent, { type: 'start' }>,
  speakers: Speakers,
): Generator<ModelEvent> {
  switch (event.type) {
    case 'message.start':
      yield* reasoning(speakers.begin(event, `[${event.role} · ${event.model}]\n`));
      return;
    case 'delta':
      yield* reasoning(speakers.say(event.step, event.text));
      return;
    case 'stream_resumed':
      yield { type: 'stream_resumed', from: event.from, to: event.to, code: event.code };
      return;
    case 'truncated':
    case 'message.end':
      yield* reasoning(speakers.end({ step: event.step }));
      return;
    case 'node':
      yield* reasoning(speakers.end({ participant: event.participant }));
      return;
    case 'decision':
      yield* reasoning(speakers.rest());
      return;
    case 'done': {
      const { response } = event;
      const { messages, decision } = response;
      const chosen =
        messages.find(({ message_id }) => message_id === decision?.message_id) ?? messages.at(-1);
      yield* reasoning(speakers.rest());
      yield { type: 'text', choice: 0, text: response.answer };
      yield { type: 'finish', choice: 0, reason: chosen?.finish_reason ?? { unified: 'stop', raw: null } };
      yield { type: 'usage', usage: response.usage };
      return;
    }
    case 'error':
      throw errorOf(event);
    default:
      event satisfies never;
  }
}

function* reasoning(text: string): Generator<ModelEvent> {
  if (text !== '') yield { type: 'reasoning', choice: 0, text };
}
