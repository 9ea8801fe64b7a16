import {
  type CallContext,
  type ChatRequest,
  type ConversationMode,
  MAX_EXCHANGES,
  type ModelGatewayApi,
  type ModelInfo,
  PlatformError,
} from '@mcp/contracts';
import type { Settings } from '../store/conversations.ts';

const DEFAULT_EXCHANGES = 2;
const DEFAULT_TURN_TOKENS = 512;

/** Everything a new conversation is begun with. */
export interface Opening {
  readonly mode: ConversationMode;
  readonly models: readonly [string, string];
  readonly exchanges: number;
  readonly settings: Settings;
}

/** Fills in what a request leaves open and checks it against the models there are. Nothing is stored yet. */
export async function openingOf(
  request: ChatRequest,
  models: ModelGatewayApi,
  call: CallContext,
): Promise<Opening> {
  const known = (await models.models(call)).filter(({ kind }) => kind === 'chat');
  const [first, second] = defaults(known, request);
  const modelA = request.modelA ?? first;
  const modelB = request.modelB ?? second;
  const there: Known = { chat: known, ask: (id) => models.model(id, call) };
  await requireReady(there, modelA, 'modelA');
  await requireReady(there, modelB, 'modelB');
  return {
    mode: request.mode ?? 'debate',
    models: [modelA, modelB],
    exchanges: Math.min(request.exchanges ?? DEFAULT_EXCHANGES, MAX_EXCHANGES),
    settings: {
      promptA: request.promptA ?? 'base_system',
      promptB: request.promptB ?? 'critic_mode',
      max_tokens_per_turn: request.max_tokens_per_turn ?? DEFAULT_TURN_TOKENS,
      ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
      ...(request.seed === undefined ? {} : { seed: request.seed }),
    },
  };
}

/** Throws `model_not_found` or `unavailable` when one of a conversation's models cannot answer now. */
export async function requireReadyModels(
  models: ModelGatewayApi,
  ids: readonly string[],
  call: CallContext,
): Promise<void> {
  const chat = (await models.models(call)).filter(({ kind }) => kind === 'chat');
  const there: Known = { chat, ask: (id) => models.model(id, call) };
  for (const [i, id] of ids.entries()) await requireReady(there, id, i === 0 ? 'modelA' : 'modelB');
}

/** The models there are, and who tells of one that is not among them. */
interface Known {
  readonly chat: readonly ModelInfo[];
  ask(id: string): Promise<ModelInfo>;
}

/**
 * The first two models that are ready; one of them twice when there is no second. Nobody pays for, or sends text to,
 * a model outside that was not named while one of the platform's own is ready.
 */
function defaults(known: readonly ModelInfo[], request: ChatRequest): [string, string] {
  const all = known.filter(({ status }) => status === 'ready');
  const own = all.filter((model) => model.own === true);
  const ready = (own.length > 0 ? own : all).map(({ id }) => id);
  const a = request.modelA ?? ready.find((id) => id !== request.modelB) ?? ready[0];
  const b = request.modelB ?? ready.find((id) => id !== a) ?? ready[0];
  if (a === undefined || b === undefined) {
    const states = known
      .map(({ id, status, detail }) => `${id} is ${status}${detail === undefined ? '' : ` (${detail})`}`)
      .join('; ');
    throw new PlatformError(
      'unavailable',
      `No chat model is ready yet: ${states || 'none is configured'}. Try again in a moment.`,
      { retry_after_ms: 5000 },
    );
  }
  return [a, b];
}

async function requireReady(known: Known, id: string, param: 'modelA' | 'modelB'): Promise<void> {
  const model = known.chat.find((one) => one.id === id) ?? (await unlisted(known, id, param));
  if (model.status !== 'ready')
    throw new PlatformError(
      'unavailable',
      `${param}: the model ${id} is ${model.status}${model.detail === undefined ? '' : `: ${model.detail}`}. Choose another meanwhile, or try again later.`,
      { param, retry_after_ms: 5000 },
    );
}

/** What is not listed may still be there: one server's own, or of a server that does not tell its models just now. */
async function unlisted(known: Known, id: string, param: 'modelA' | 'modelB'): Promise<ModelInfo> {
  const nobody = new PlatformError(
    'model_not_found',
    `${param}: there is no chat model '${id.slice(0, 80)}'. GET /v1/models lists: ${
      known.chat
        .map((one) => one.id)
        .slice(0, 8)
        .join(', ') || 'none yet'
    }.`,
    { param },
  );
  try {
    const model = await known.ask(id);
    if (model.kind === 'chat') return model;
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== 'model_not_found') throw error;
  }
  throw nobody;
}
