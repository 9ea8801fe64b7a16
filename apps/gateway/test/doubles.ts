import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ArbitrationTerms,
  type CallContext,
  type ChatCompletionRequest,
  type ChatEvent,
  type ChatRequest,
  type ChatResponse,
  type Conversation,
  ConversationMode,
  type CoreApi,
  type GovernanceApi,
  type GraphInfo,
  type Job,
  type ModelEvent,
  type ModelGatewayApi,
  type ModelInfo,
  PlatformError,
  type RecordCompletionRequest,
  type ServiceName,
  type TaskEngineApi,
} from '@mcp/contracts';
import { checks, lineages, missing, noKeys, retention } from './doubles-of-logs.ts';

const CHAT_MODEL: ModelInfo = {
  id: 'tiny-chat',
  backend: 'double',
  kind: 'chat',
  owned_by: 'test',
  max_context: 4096,
  cost_input_per_mtok_usd: 0,
  cost_output_per_mtok_usd: 0,
  status: 'ready',
};
const EMBEDDING_MODEL: ModelInfo = {
  ...CHAT_MODEL,
  id: 'tiny-embed',
  kind: 'embedding',
  dimensions: 4,
};

const DEBATE: GraphInfo = {
  name: 'debate',
  model: 'mcp/debate',
  source: 'built-in',
  description: 'Two answer, a third decides.',
  nodes: [],
  output: [],
};

/** What happened behind the gateway. */
export interface Seen {
  readonly calls: CallContext[];
  readonly recorded: RecordCompletionRequest[];
  /** Words that were taken from all models so far. */
  words: number;
  /** How generations and conversations ended: `done`, or the reason of their abort. */
  readonly ends: { how: string }[];
}

export interface DoubleOptions {
  /** Words of an answer, and the pause before each. */
  words: number;
  pause_ms: number;
  /** When set, nothing can be kept. */
  full: boolean;
  /** When set, every generation and conversation is refused with it. */
  refusal: PlatformError | undefined;
}

/** Stand-ins behind the contracts' interfaces, for what only the gateway does. */
export function doubles(): { apis: Map<ServiceName, unknown>; seen: Seen; options: DoubleOptions } {
  const seen: Seen = { calls: [], recorded: [], words: 0, ends: [] };
  const options: DoubleOptions = { words: 5, pause_ms: 0, full: false, refusal: undefined };
  const apis = new Map<ServiceName, unknown>([
    ['model-gateway', modelGateway(seen, options)],
    ['core', core(seen, options)],
    ['task-engine', taskEngine()],
    ['governance', governance()],
  ]);
  return { apis, seen, options };
}

/** Bounded, so that what a test looks at does not look like a leak of the gateway. */
function keep<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > 1000) list.splice(0, 500);
}

async function* words(seen: Seen, options: DoubleOptions, call: CallContext): AsyncGenerator<string> {
  let how = 'returned';
  try {
    for (let i = 0; i < options.words; i++) {
      if (options.pause_ms > 0) await sleep(options.pause_ms, undefined, { signal: call.signal });
      call.signal.throwIfAborted();
      seen.words++;
      yield `word${i} `;
    }
    how = 'done';
  } catch (error) {
    how = 'aborted';
    throw call.signal.reason instanceof PlatformError ? call.signal.reason : error;
  } finally {
    keep(seen.ends, { how });
  }
}

function modelGateway(seen: Seen, options: DoubleOptions): ModelGatewayApi {
  return {
    async *generate(request: ChatCompletionRequest, call): AsyncGenerator<ModelEvent> {
      keep(seen.calls, call);
      if (options.refusal !== undefined) throw options.refusal;
      if (request.model !== CHAT_MODEL.id)
        throw new PlatformError('model_not_found', `The model '${request.model}' does not exist.`, {
          param: 'model',
        });
      yield { type: 'start', id: 'chatcmpl-1', model: request.model, backend: 'double', created_s: 1 };
      for await (const text of words(seen, options, call)) yield { type: 'text', choice: 0, text };
      yield { type: 'finish', choice: 0, reason: { unified: 'stop', raw: 'stop' } };
      yield { type: 'usage', usage: { input_tokens: 3, output_tokens: options.words } };
    },
    async embed(request, call) {
      keep(seen.calls, call);
      if (request.model !== EMBEDDING_MODEL.id)
        throw new PlatformError('model_not_found', `The model '${request.model}' does not exist.`, {
          param: 'model',
        });
      const inputs = [request.input].flat();
      return {
        model: request.model,
        vectors: inputs.map(() => [0.5, -1, 2, 0]),
        input_tokens: inputs.length,
      };
    },
    countTokens: async () => ({ tokens: 1, exact: true, max_context: 4096 }),
    models: async () => [CHAT_MODEL, EMBEDDING_MODEL],
    reserve: async () => ({ id: 'place', gone: Promise.resolve(), release: () => undefined }),
    async model(id) {
      const model = [CHAT_MODEL, EMBEDDING_MODEL].find((one) => one.id === id);
      if (model !== undefined) return model;
      throw new PlatformError('model_not_found', `The model '${id}' does not exist.`, { param: 'model' });
    },
    queues: async () => [
      { model: CHAT_MODEL.id, running: 0, waiting_interactive: 0, waiting_batch: 0, capacity: 2 },
    ],
  };
}

function core(seen: Seen, options: DoubleOptions): CoreApi {
  return {
    chat: (request, call) => conversation({ request, call }, seen, options),
    graphs: async () => [DEBATE],
    listConversations: async () => ({ conversations: [], next_cursor: null }),
    exportLog: async (id) => {
      throw missing(id);
    },
    ...checks,
    accesses: async () => ({ accesses: [] }),
    eraseConversation: async (id) => {
      throw missing(id);
    },
    rewrapKeys: async () => ({ key_version: 'local:1', rewrapped: 0, complete: true }),
    events(id) {
      throw missing(id);
    },
    cancelConversation: async (id) => {
      throw missing(id);
    },
    getConversation: async (id): Promise<Conversation> => {
      throw missing(id);
    },
    verifyConversation: async (id) => {
      throw missing(id);
    },
    proveConversation: async (id) => {
      throw missing(id);
    },
    ...lineages,
    verifyLog: async () => ({
      id: 'x',
      ok: false,
      status: 'broken',
      records: 0,
      broken_at: 0,
      reason: 'not a log',
      head: null,
    }),
    logKeys: noKeys,
    changeLogKeys: noKeys,
    giveFeedback: async (id) => {
      throw missing(id);
    },
    listFeedback: async () => ({ terms: ArbitrationTerms.parse({}), feedback: [], next_cursor: null }),
    keepAuditBundle: async () => {
      throw missing('audit');
    },
    ...retention(),
    listAuditBundles: async () => ({ bundles: [], next_cursor: null }),
    async *auditBundle(id) {
      yield Buffer.from(id);
    },
    prompts: async () => [{ name: 'base_system', sha256: 'a', source: 'built-in', description: 'd' }],
    ...answers(seen, options),
  };
}

function answers(
  seen: Seen,
  options: DoubleOptions,
): Pick<
  CoreApi,
  'keepAnswer' | 'findAnswers' | 'getAnswer' | 'answerChain' | 'listAnswers' | 'updateAnswer' | 'deleteAnswer'
> {
  return {
    async keepAnswer({ log }) {
      if (options.full) throw new PlatformError('unavailable', 'The disk is full.');
      if (log.in === 'conversation') return { conversation_id: log.conversation_id };
      keep(seen.recorded, log.record);
      return { conversation_id: randomUUID() };
    },
    findAnswers: async () => [],
    getAnswer: async (id) => {
      throw missing(id);
    },
    answerChain: async (id) => {
      throw missing(id);
    },
    listAnswers: async () => ({ answers: [], has_more: false }),
    updateAnswer: async (id) => {
      throw missing(id);
    },
    deleteAnswer: async (id) => {
      throw missing(id);
    },
  };
}

async function* conversation(
  { request, call }: { request: ChatRequest; call: CallContext },
  seen: Seen,
  options: DoubleOptions,
): AsyncGenerator<ChatEvent> {
  keep(seen.calls, call);
  const id = randomUUID();
  const trace_id = '0'.repeat(32);
  const mode = ConversationMode.parse(request.mode ?? 'debate');
  const exchanges = request.exchanges ?? 1;
  const participants = ['modelA', 'modelB'].map((id) => ({
    id,
    model: CHAT_MODEL.id,
    prompt: 'base_system',
  }));
  const models = participants.map(({ model }) => model);
  let seq = 0;
  yield { type: 'start', seq: seq++, conversation_id: id, trace_id, mode, participants, models, exchanges };
  const messages: ChatResponse['messages'] = [];
  const usage = { input_tokens: 3, output_tokens: options.words };
  for (let turn = 0; turn < exchanges; turn++) {
    const message_id = randomUUID();
    const role = turn % 2 === 0 ? 'modelA' : 'modelB';
    const which = { message_id, turn, step: `s${turn}`, participant: role };
    yield { type: 'message.start', seq: seq++, ...which, attempt: 1, role, model: CHAT_MODEL.id };
    if (options.refusal !== undefined) throw options.refusal;
    let content = '';
    for await (const text of words(seen, options, call)) {
      content += text;
      yield { type: 'delta', seq: seq++, ...which, text };
    }
    const finish_reason = { unified: 'stop' as const, raw: 'stop' };
    yield { type: 'message.end', seq: seq++, ...which, finish_reason, usage, content };
    messages.push({ ...which, role, model: CHAT_MODEL.id, content, finish_reason, usage });
  }
  const answer = messages.at(-1)?.content ?? '';
  const response: ChatResponse = {
    id,
    trace_id,
    mode,
    participants,
    models,
    messages,
    answer,
    decision: null,
    usage,
    status: 'completed',
  };
  yield { type: 'done', seq: seq++, response };
}

function taskEngine(): TaskEngineApi {
  const jobs = new Map<string, Job>();
  const get = (id: string): Job => {
    const job = jobs.get(id);
    if (job === undefined) throw new PlatformError('not_found', `There is no job ${id}.`);
    return job;
  };
  return {
    async create(request, call) {
      const now = new Date().toISOString();
      const job: Job = {
        id: randomUUID(),
        kind: request.spec.kind,
        status: 'queued',
        owner: call.principal.id,
        created_at: now,
        updated_at: now,
        attempt: 0,
        max_attempts: 3,
        progress: { done: 0, total: 1, note: '' },
        trace_id: '0'.repeat(32),
      };
      if (jobs.size > 100) jobs.clear();
      jobs.set(job.id, job);
      return job;
    },
    get: async (id) => get(id),
    list: async () => [...jobs.values()],
    cancel: async (id) => ({ ...get(id), status: 'cancelled' }),
    retry: async (id) => ({ ...get(id), status: 'queued' }),
    ended: async () => ({ jobs: [], next: null }),
    settle: async () => ({ erased: 0, renewed: 0 }),
    exportOf: async () => ({ jobs: [], next: null }),
    eraseOf: async () => ({ jobs: 0, complete: true }),
    async *result(id) {
      yield Buffer.from(get(id).id);
    },
    async *watch(id) {
      yield get(id);
      yield { ...get(id), status: 'running' };
      yield { ...get(id), status: 'completed', result: { ok: true } };
    },
  };
}

function governance(): GovernanceApi {
  return {
    jobs: async () => [{ name: 'daily-log-check', schedule: '0 3 * * *', last: null }],
    run: async (job) => {
      if (job !== 'daily-log-check')
        throw new PlatformError('not_found', `There is no governance job ${job}.`);
      const at = new Date().toISOString();
      return {
        job,
        id: randomUUID(),
        started_at: at,
        finished_at: at,
        ok: true,
        checked: 0,
        unconfirmed: 0,
        complete: true,
        failures: [],
        error: null,
      };
    },
  };
}
