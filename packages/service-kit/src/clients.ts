import {
  type CallContext,
  ChainVerdict,
  ChatEvent,
  type ChatRequest,
  Conversation,
  ConversationLog,
  ConversationPage,
  ConversationSummary,
  type CoreApi,
  EmbeddingsResult,
  type GovernanceApi,
  GovernanceRun,
  Job,
  LogCheck,
  type ModelGatewayApi,
  ModelInfo,
  PromptInfo,
  QueueStatus,
  type TaskEngineApi,
  TokenCount,
} from '@mcp/contracts';
import { decodeChatCompletion, decodeChatStream } from '@mcp/wire';
import { z } from 'zod';
import { restoreError, type ServiceClient } from './http-client.ts';
import { readNdjson } from './stream.ts';

const PlaceLine = z.object({ id: z.string() });

/** What `clients` of a kit offers: the same interfaces whether a service is in this process or elsewhere. */
export interface Clients {
  readonly modelGateway: ModelGatewayApi;
  readonly core: CoreApi;
  readonly taskEngine: TaskEngineApi;
  readonly governance: GovernanceApi;
}

/** The model-gateway over HTTP: the OpenAI wire for inference, `/internal` for the rest. */
export function httpModelGateway(client: ServiceClient): ModelGatewayApi {
  return {
    async *generate(request, call) {
      const path = '/v1/chat/completions';
      if (request.stream !== true) {
        const answer = await client.json({ method: 'POST', path, body: request, lane: 'long' }, call);
        yield* decodeChatCompletion(answer);
        return;
      }
      const body = { ...request, stream_options: { include_usage: true } };
      yield* decodeChatStream(client.bytes(await client.stream({ method: 'POST', path, body }, call), call));
    },
    embed: async (request, call) =>
      EmbeddingsResult.parse(
        await client.json(
          { method: 'POST', path: '/internal/embeddings', body: request, lane: 'long' },
          call,
        ),
      ),
    countTokens: async (request, call) =>
      TokenCount.parse(await client.json({ method: 'POST', path: '/internal/tokens', body: request }, call)),
    async reserve(model, call) {
      // The place is held by the connection.
      const stop = new AbortController();
      const held = { ...call, signal: AbortSignal.any([call.signal, stop.signal]) };
      const body = await client.stream({ method: 'POST', path: '/internal/places', body: { model } }, held);
      const lines = readNdjson(client.bytes(body, held), restoreError)[Symbol.asyncIterator]();
      const { id } = PlaceLine.parse((await lines.next()).value);
      const gone = lines.next().then(
        () => undefined,
        () => undefined,
      );
      return { id, gone, release: () => stop.abort() };
    },
    models: async (call) =>
      z.array(ModelInfo).parse(await client.json({ method: 'GET', path: '/internal/models' }, call)),
    model: async (id, call) =>
      ModelInfo.parse(
        await client.json({ method: 'GET', path: `/internal/models/${encodeURIComponent(id)}` }, call),
      ),
    queues: async (call) =>
      z.array(QueueStatus).parse(await client.json({ method: 'GET', path: '/internal/queues' }, call)),
  };
}

/** The core over HTTP. */
export function httpCore(client: ServiceClient): CoreApi {
  return {
    async *chat(request: ChatRequest, call: CallContext) {
      const body = await client.stream({ method: 'POST', path: '/internal/chat', body: request }, call);
      for await (const value of readNdjson(client.bytes(body, call), restoreError))
        yield ChatEvent.parse(value);
    },
    listConversations: async (query, call) =>
      ConversationPage.parse(
        await client.json({ method: 'GET', path: `/internal/conversations${search(query)}` }, call),
      ),
    async *events(id, query, call) {
      const path = `/internal/conversations/${id}/events${search(query)}`;
      const body = await client.stream({ method: 'GET', path }, call);
      for await (const value of readNdjson(client.bytes(body, call), restoreError))
        yield ChatEvent.parse(value);
    },
    cancelConversation: async (id, call) =>
      ConversationSummary.parse(
        await client.json({ method: 'POST', path: `/internal/conversations/${id}/cancel` }, call),
      ),
    getConversation: async (id, call) =>
      Conversation.parse(await client.json({ method: 'GET', path: `/internal/conversations/${id}` }, call)),
    exportLog: async (id, call) =>
      ConversationLog.parse(
        await client.json({ method: 'GET', path: `/internal/conversations/${id}/log` }, call),
      ),
    verifyConversation: async (id, call) =>
      ChainVerdict.parse(
        await client.json({ method: 'POST', path: `/internal/conversations/${id}/verify` }, call),
      ),
    verifyLog: async (log, call) =>
      ChainVerdict.parse(await client.json({ method: 'POST', path: '/internal/verify', body: log }, call)),
    checkLogs: async (call) =>
      LogCheck.parse(await client.json({ method: 'POST', path: '/internal/logs/check' }, call)),
    prompts: async (call) =>
      z.array(PromptInfo).parse(await client.json({ method: 'GET', path: '/internal/prompts' }, call)),
    recordCompletion: async (request, call) =>
      z
        .object({ id: z.string() })
        .parse(await client.json({ method: 'POST', path: '/internal/completions', body: request }, call)),
  };
}

/** The task-engine over HTTP. */
export function httpTaskEngine(client: ServiceClient): TaskEngineApi {
  return {
    create: async (request, call) =>
      Job.parse(await client.json({ method: 'POST', path: '/internal/jobs', body: request }, call)),
    get: async (id, call) =>
      Job.parse(await client.json({ method: 'GET', path: `/internal/jobs/${id}` }, call)),
    list: async (query, call) =>
      z.array(Job).parse(await client.json({ method: 'GET', path: `/internal/jobs${search(query)}` }, call)),
    cancel: async (id, call) =>
      Job.parse(await client.json({ method: 'POST', path: `/internal/jobs/${id}/cancel` }, call)),
    retry: async (id, call) =>
      Job.parse(await client.json({ method: 'POST', path: `/internal/jobs/${id}/retry` }, call)),
    async *result(id, call) {
      yield* client.bytes(
        await client.stream({ method: 'GET', path: `/internal/jobs/${id}/result` }, call),
        call,
      );
    },
    async *watch(id, call) {
      const body = await client.stream({ method: 'GET', path: `/internal/jobs/${id}/watch` }, call);
      for await (const value of readNdjson(client.bytes(body, call), restoreError)) yield Job.parse(value);
    },
  };
}

/** The governance service over HTTP. */
export function httpGovernance(client: ServiceClient): GovernanceApi {
  const listing = z.array(
    z.object({ name: z.string(), schedule: z.string(), last: GovernanceRun.nullable() }),
  );
  return {
    jobs: async (call) => listing.parse(await client.json({ method: 'GET', path: '/internal/jobs' }, call)),
    run: async (name, call) =>
      GovernanceRun.parse(
        await client.json({ method: 'POST', path: `/internal/jobs/${encodeURIComponent(name)}/run` }, call),
      ),
  };
}

function search(query: Readonly<Record<string, unknown>>): string {
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)] as [string, string]],
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
}
