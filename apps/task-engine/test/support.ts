import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CallContext,
  type Conversation,
  type CoreApi,
  type Job,
  type ModelGatewayApi,
  PlatformError,
  type Principal,
  RIGHTS_SUBJECT,
  type TaskEngineApi,
} from '@mcp/contracts';
import { createKit, type LocalApis, startServices } from '@mcp/service-kit';
import { freePort, type NatsServer, startNats, testIdentities } from '@mcp/testkit';
import { connect } from '@nats-io/transport-node';
import { definition } from '../src/definition.ts';

export const ALICE: Principal = { id: 'key:alice', kind: 'key', name: 'alice', scopes: ['jobs'] };
export const BOB: Principal = { id: 'key:bob', kind: 'key', name: 'bob', scopes: ['jobs'] };

export function callOf(principal = ALICE, signal = new AbortController().signal): CallContext {
  return {
    request_id: 'test',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    deadline_ms: Date.now() + 60_000,
    principal,
    class: 'interactive',
    signal,
  };
}

/** What the models behind a test do. */
interface Script {
  /** Called for each chunk of an embed-batch; throws or waits as the test wants. */
  onEmbed(texts: readonly string[], signal: AbortSignal): Promise<void>;
  /** How many conversations the owner has. */
  conversations: number;
}

function modelsOf(script: Script): Partial<ModelGatewayApi> {
  return {
    models: () =>
      Promise.resolve([
        {
          id: 'embed',
          backend: 'test',
          kind: 'embedding',
          owned_by: 'test',
          max_context: 512,
          cost_input_per_mtok_usd: 0,
          cost_output_per_mtok_usd: 0,
          status: 'ready',
        },
        {
          id: 'chat',
          backend: 'test',
          kind: 'chat',
          owned_by: 'test',
          max_context: 1000,
          cost_input_per_mtok_usd: 0,
          cost_output_per_mtok_usd: 0,
          status: 'ready',
        },
      ]),
    async embed(request, call) {
      // As a real client does: a job may be cancelled just before it asks.
      call.signal.throwIfAborted();
      const texts = typeof request.input === 'string' ? [request.input] : request.input;
      await script.onEmbed(texts, call.signal);
      return {
        model: request.model,
        vectors: texts.map((text) => [text.length, 1]),
        input_tokens: texts.length,
      };
    },
    countTokens: (request) =>
      Promise.resolve({
        tokens: Math.ceil(JSON.stringify(request.messages).length / 4),
        exact: true,
        max_context: 1000,
      }),
    async *generate(request) {
      yield { type: 'start', id: 'x', model: request.model, backend: 'test', created_s: 0 };
      yield {
        type: 'text',
        choice: 0,
        text: `summary of ${JSON.stringify(request.messages).length} characters`,
      };
      yield { type: 'finish', choice: 0, reason: { unified: 'stop', raw: 'stop' } };
    },
  };
}

const CONVERSATION: Conversation = {
  id: '0194f0c2-0000-7000-8000-000000000001',
  created_at: '2026-11-23T12:00:00.000Z',
  updated_at: '2026-11-23T12:00:00.000Z',
  mode: 'debate',
  participants: [
    { id: 'modelA', model: 'chat', prompt: 'base_system' },
    { id: 'modelB', model: 'chat', prompt: 'critic_mode' },
  ],
  models: ['chat', 'chat'],
  title: 't',
  status: 'completed',
  turns: 1,
  exchanges: 1,
  trace_id: 't',
  decision: null,
  messages: [
    {
      seq: 0,
      role: 'user',
      content: 'word '.repeat(3000),
      at: '2026-11-23T12:00:00.000Z',
      trace_id: 't',
      pii_tags: [],
      message_id: '0194f0c2-0000-7000-8000-000000000002',
      hash_prev: 'a'.repeat(64),
      hash: 'b'.repeat(64),
    },
  ],
};

function coreOf(script: Script): Partial<CoreApi> {
  const idOf = (at: number) => `0194f0c2-0000-7000-8000-${String(at + 1).padStart(12, '0')}`;
  const at_of = (at: number) => new Date(Date.parse(CONVERSATION.updated_at) - at * 1000).toISOString();
  return {
    getConversation: (id) =>
      Number(id.slice(-12)) <= script.conversations
        ? Promise.resolve({ ...CONVERSATION, id })
        : Promise.reject(new PlatformError('not_found', 'no such conversation')),
    listConversations: ({ limit, cursor = '0' }) => {
      const from = Number(cursor);
      const to = Math.min(from + limit, script.conversations);
      const conversations = Array.from({ length: to - from }, (_, at) => ({
        ...CONVERSATION,
        id: idOf(from + at),
        updated_at: at_of(from + at),
      }));
      return Promise.resolve({
        conversations,
        next_cursor: to < script.conversations ? String(to) : null,
      });
    },
  };
}

export interface Engine {
  readonly api: TaskEngineApi;
  readonly nats: NatsServer;
  readonly script: Script;
  /** Stops this engine as SIGTERM does, and starts another one with a disk of its own, and with these settings. */
  replace(settings?: Record<string, string>): Promise<void>;
  close(): Promise<void>;
}

function envOf(nats: NatsServer, data: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    MCP_DATA: data,
    ...testIdentities(),
    MCP_LOG_LEVEL: 'silent',
    MCP_NATS_URL: nats.url,
    MCP_JOB_ACK_WAIT_MS: '1000',
    MCP_JOB_MAX_ATTEMPTS: '3',
    MCP_JOB_SWEEP_MS: '250',
    ...more,
  };
}

/** The engine whose own callers are the doubles, whatever the environment says. */
function withDoubles(script: Script): typeof definition {
  return {
    ...definition,
    create: (kit) =>
      definition.create({
        ...kit,
        clients: Object.create(kit.clients, {
          core: { value: coreOf(script) },
          modelGateway: { value: modelsOf(script) },
        }),
      }),
  };
}

/** An engine in this process on a real nats-server; its callers use it directly, or over HTTP. */
export async function startEngine(
  form: 'in process' | 'over HTTP',
  settings: Record<string, string> = {},
): Promise<Engine> {
  const nats = await startNats();
  const stopRights = await sayRights(nats);
  const dirs: string[] = [];
  const newDir = () => {
    const dir = mkdtempSync(join(tmpdir(), 'mcp-jobs-'));
    dirs.push(dir);
    return dir;
  };
  const script: Script = { onEmbed: () => Promise.resolve(), conversations: 1 };
  const start = form === 'in process' ? startInProcess : startOverHttp;
  let running = await start(envOf(nats, newDir(), settings), script);
  return {
    get api() {
      return running.api;
    },
    nats,
    script,
    async replace(changed = settings) {
      await running.close();
      running = await start(envOf(nats, newDir(), changed), script);
    },
    async close() {
      await running.close();
      await stopRights();
      await nats.close();
      for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
    },
  };
}

interface Started {
  readonly api: TaskEngineApi;
  close(): Promise<void>;
}

async function startInProcess(env: Record<string, string>, script: Script): Promise<Started> {
  const local: LocalApis = new Map<'core' | 'model-gateway', unknown>([
    ['core', coreOf(script)],
    ['model-gateway', modelsOf(script)],
  ]) as LocalApis;
  const kit = await createKit({
    manifest: definition.manifest,
    env,
    local,
    draining: () => false,
  });
  const instance = await definition.create(kit);
  return {
    api: instance.api,
    close: async () => {
      await instance.close();
      await kit.close();
    },
  };
}

async function startOverHttp(given: Record<string, string>, script: Script): Promise<Started> {
  const port = await freePort();
  const env = {
    ...given,
    MCP_TASK_ENGINE_PORT: String(port),
    MCP_TASK_ENGINE_URL: `http://127.0.0.1:${port}`,
  };
  const services = await startServices(withDoubles(script), env);
  const caller = await createKit({
    manifest: { ...definition.manifest, name: 'gateway' },
    env,
    local: new Map(),
    draining: () => false,
  });
  return {
    api: caller.clients.taskEngine,
    close: async () => {
      await caller.close();
      await services.stop('end of test');
    },
  };
}

/** Says of everyone that they have the rights that they had, as the gateway does; see tests/e2e/access.test.ts. */
async function sayRights(nats: NatsServer): Promise<() => Promise<void>> {
  const connection = await connect({ servers: nats.url });
  const questions = connection.subscribe(RIGHTS_SUBJECT, {
    callback: (_error, question) => {
      question.respond(JSON.stringify({ ok: true, principal: question.json() }));
    },
  });
  await connection.flush();
  return async () => {
    questions.unsubscribe();
    await connection.close();
  };
}

/** Follows a job to its end. */
export async function ended(api: TaskEngineApi, id: string, principal = ALICE): Promise<Job> {
  let last: Job | undefined;
  for await (const job of api.watch(id, callOf(principal))) last = job;
  if (last === undefined) throw new Error('nothing was seen of the job');
  return last;
}
