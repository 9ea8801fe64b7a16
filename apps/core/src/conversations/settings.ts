import {
  type AgentGraph,
  ALIAS_BACKEND,
  type CallContext,
  type ChatRequest,
  type ConversationMode,
  certainNodes,
  MAX_EXCHANGES,
  MAX_PARTICIPANTS,
  type ModelGatewayApi,
  type ModelInfo,
  type Participant,
  type ParticipantWish,
  PlatformError,
  TurnMode,
} from '@mcp/contracts';
import { type GraphLibrary, modelOf } from '../graphs/library.ts';
import type { Settings } from '../store/rows.ts';

export const DEFAULT_TURN_TOKENS = 512;
/** The nodes of a graph say themselves how much they may write; a request can allow less. */
const MAX_TURN_TOKENS = 4096;

/** Ids of participants that were given none, in their order. */
const DEFAULT_IDS = Array.from(
  { length: MAX_PARTICIPANTS },
  (_, at) => `model${String.fromCharCode(65 + at)}`,
);
/** Prompts of the first participant and of the others, where none is named. */
export const FIRST_PROMPT = 'base_system';
const OTHER_PROMPT = 'critic_mode';

/** Everything a new conversation is begun with. */
export interface Opening {
  readonly mode: ConversationMode;
  readonly participants: readonly (Participant & { readonly prompt: string })[];
  /** Names of the fields of the request that say so, for messages; by the participant's place. */
  readonly fields: readonly { readonly model: string; readonly prompt: string }[];
  readonly exchanges: number;
  readonly settings: Settings;
}

/** Fills in what a request leaves open and checks it against the models there are. Nothing is stored yet. */
export async function openingOf(
  request: ChatRequest,
  { models, graphs }: { readonly models: ModelGatewayApi; readonly graphs: GraphLibrary },
  call: CallContext,
): Promise<Opening> {
  const mode = request.mode ?? 'debate';
  const graph = TurnMode.safeParse(mode).success ? undefined : graphs.get(mode);
  const chat = (await models.models(call)).filter(({ kind }) => kind === 'chat');
  const wishes = graph === undefined ? wishesOf(request) : nodesOf(graph, request);
  const participants = withModels(wishes, chat);
  const known: Known = { chat, ask: (id) => models.model(id, call) };
  for (const [at, { model }] of participants.entries())
    await requireReady(known, model, wishes[at]?.fields.model ?? 'model');
  return {
    mode: graph === undefined ? TurnMode.parse(mode) : modelOf(graph),
    participants,
    fields: wishes.map(({ fields }) => fields),
    exchanges:
      graph === undefined
        ? Math.min(request.exchanges ?? participants.length, MAX_EXCHANGES)
        : certainNodes(graph).size,
    settings: {
      max_tokens_per_turn:
        request.max_tokens_per_turn ?? (graph === undefined ? DEFAULT_TURN_TOKENS : MAX_TURN_TOKENS),
      ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
      ...(request.seed === undefined ? {} : { seed: request.seed }),
      ...(graph === undefined ? {} : { graph }),
    },
  };
}

/** A participant that is asked for, its model perhaps to be chosen. */
interface Wish {
  readonly id: string;
  readonly model: string | undefined;
  readonly prompt: string;
  readonly fields: Opening['fields'][number];
}

/** `participants`, or the two that `modelA`, `modelB` and their prompts are short for. */
function wishesOf(request: ChatRequest): Wish[] {
  const { participants, modelA, modelB, promptA, promptB } = request;
  if (participants === undefined)
    return [
      wishOf({ id: 'modelA', model: modelA, prompt: promptA }, 0, { model: 'modelA', prompt: 'promptA' }),
      wishOf({ id: 'modelB', model: modelB, prompt: promptB }, 1, { model: 'modelB', prompt: 'promptB' }),
    ];
  const taken = new Set(participants.flatMap(({ id }) => id ?? []));
  const names = DEFAULT_IDS.filter((id) => !taken.has(id));
  return participants.map((wish, at) => {
    const place = `participants.${at}`;
    // There are as many names as participants at most.
    const id = wish.id ?? names.shift() ?? place;
    return wishOf({ ...wish, id }, at, { model: `${place}.model`, prompt: `${place}.prompt` });
  });
}

const TURNS_ONLY = ['exchanges', 'modelA', 'modelB', 'promptA', 'promptB'] as const;

/** The nodes of a graph; `participants` may give them other models and prompts. */
function nodesOf(graph: AgentGraph, request: ChatRequest): Wish[] {
  refuseExchanges(modelOf(graph), request);
  const wished = new Map((request.participants ?? []).map((wish) => [wish.id, wish]));
  const ids = graph.nodes.map(({ id }) => id);
  for (const id of wished.keys())
    if (id === undefined || !ids.includes(id))
      throw new PlatformError(
        'invalid_request',
        `participants: ${id === undefined ? 'one has no id' : `${id} is no node`} of ${modelOf(graph)}. Name those that are to have another model or prompt: ${ids.join(', ')}.`,
        { param: 'participants' },
      );
  return graph.nodes.map(({ id, model, prompt }, at) => {
    const wish = wished.get(id);
    const place = wish === undefined ? `${modelOf(graph)} ${id}` : 'participants';
    const fields = { model: `${place}.model`, prompt: `${place}.prompt` };
    return wishOf({ id, model: wish?.model ?? model, prompt: wish?.prompt ?? prompt }, at, fields);
  });
}

/** A graph says itself how many turns there are, and by whom. */
export function refuseExchanges(mode: string, request: ChatRequest): void {
  const field = TURNS_ONLY.find((one) => request[one] !== undefined);
  if (field !== undefined)
    throw new PlatformError(
      'invalid_request',
      `${field}: is for conversations in turns; ${mode} is a graph of agents, whose nodes say who speaks. Leave it out.`,
      { param: field },
    );
}

function wishOf(
  { id, model, prompt }: Partial<Record<keyof ParticipantWish, string | undefined>> & { readonly id: string },
  at: number,
  fields: Wish['fields'],
): Wish {
  return { id, model, prompt: prompt ?? (at === 0 ? FIRST_PROMPT : OTHER_PROMPT), fields };
}

/** Throws `model_not_found` or `unavailable` when one of a conversation's models cannot answer now. */
export async function requireReadyModels(
  models: ModelGatewayApi,
  participants: readonly Participant[],
  call: CallContext,
): Promise<void> {
  const chat = (await models.models(call)).filter(({ kind }) => kind === 'chat');
  const there: Known = { chat, ask: (id) => models.model(id, call) };
  for (const { id, model } of participants) await requireReady(there, model, id);
}

/** The models there are, and who tells of one that is not among them. */
interface Known {
  readonly chat: readonly ModelInfo[];
  ask(id: string): Promise<ModelInfo>;
}

/**
 * Gives those without a model one that is ready, each time the one that the fewest have. Nobody pays for, or sends text
 * to, a model outside that was not named while one of the platform's own is ready. An alias is asked only by its name.
 */
function withModels(
  wishes: readonly Wish[],
  known: readonly ModelInfo[],
): (Participant & { prompt: string })[] {
  const all = known.filter(({ status, backend }) => status === 'ready' && backend !== ALIAS_BACKEND);
  const own = all.filter((model) => model.own === true);
  const ready = (own.length > 0 ? own : all).map(({ id }) => id);
  const chosen = wishes.flatMap(({ model }) => model ?? []);
  const uses = (model: string) => chosen.filter((one) => one === model).length;
  return wishes.map(({ id, model, prompt }) => {
    if (model !== undefined) return { id, model, prompt };
    const [free] = [...ready].sort((a, b) => uses(a) - uses(b));
    if (free === undefined) throw noneReady(known);
    chosen.push(free);
    return { id, model: free, prompt };
  });
}

function noneReady(known: readonly ModelInfo[]): PlatformError {
  const states = known
    .map(({ id, status, detail }) => `${id} is ${status}${detail === undefined ? '' : ` (${detail})`}`)
    .join('; ');
  return new PlatformError(
    'unavailable',
    `No chat model is ready yet: ${states || 'none is configured'}. Try again in a moment.`,
    { retry_after_ms: 5000 },
  );
}

async function requireReady(known: Known, id: string, param: string): Promise<void> {
  const model = known.chat.find((one) => one.id === id) ?? (await unlisted(known, id, param));
  if (model.status !== 'ready')
    throw new PlatformError(
      'unavailable',
      `${param}: the model ${id} is ${model.status}${model.detail === undefined ? '' : `: ${model.detail}`}. Choose another meanwhile, or try again later.`,
      { param, retry_after_ms: 5000 },
    );
}

/** What is not listed may still be there: one server's own, or of a server that does not tell its models just now. */
async function unlisted(known: Known, id: string, param: string): Promise<ModelInfo> {
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
