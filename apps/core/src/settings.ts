import {
  type CallContext,
  type ChatRequest,
  type ConversationMode,
  MAX_EXCHANGES,
  type ModelGatewayApi,
  type ModelInfo,
  PlatformError,
} from '@mcp/contracts';
import type { Settings } from './store/conversations.ts';

const DEFAULT_EXCHANGES = 2;
const DEFAULT_TURN_TOKENS = 512;
/** Backends that run on this platform's machines and cost nothing, the preferred one first. */
const OWN_BACKENDS: readonly string[] = ['embedded', 'ollama', 'scripted'];

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
  const find = finder(models, known, call);
  await requireReady(find, modelA, 'modelA');
  await requireReady(find, modelB, 'modelB');
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
  const known = (await models.models(call)).filter(({ kind }) => kind === 'chat');
  const find = finder(models, known, call);
  for (const [i, id] of ids.entries()) await requireReady(find, id, i === 0 ? 'modelA' : 'modelB');
}

type Find = (id: string) => Promise<ModelInfo>;

/** Looks a model up in the list, else asks for it: its server may be one that does not tell its models just now. */
function finder(models: ModelGatewayApi, known: readonly ModelInfo[], call: CallContext): Find {
  return async (id) => known.find((one) => one.id === id) ?? (await models.model(id, call));
}

/**
 * The first two models that are ready; one of them twice when there is no second. Nobody pays for, or sends text to,
 * a model outside that was not named while one of the platform's own is ready.
 */
function defaults(known: readonly ModelInfo[], request: ChatRequest): [string, string] {
  const all = known.filter(({ status }) => status === 'ready');
  const own = OWN_BACKENDS.flatMap((name) => all.filter(({ backend }) => backend === name));
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

async function requireReady(find: Find, id: string, param: 'modelA' | 'modelB'): Promise<void> {
  const model = await find(id).catch((error: unknown) => {
    if (!(error instanceof PlatformError)) throw error;
    const { code, message, retry_after_ms } = error;
    throw new PlatformError(code, `${param}: ${message}`, {
      param,
      cause: error,
      ...(retry_after_ms === undefined ? {} : { retry_after_ms }),
    });
  });
  if (model.kind !== 'chat')
    throw new PlatformError(
      'model_not_found',
      `${param}: the model '${id}' is for ${model.kind}, not for chat.`,
      {
        param,
      },
    );
  if (model.status !== 'ready')
    throw new PlatformError(
      'unavailable',
      `${param}: the model ${id} is ${model.status}${model.detail === undefined ? '' : `: ${model.detail}`}. Choose another meanwhile, or try again later.`,
      { param, retry_after_ms: 5000 },
    );
}
