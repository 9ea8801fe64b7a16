import type {
  ApiKeyView,
  ChainVerdict,
  Conversation,
  ConversationPage,
  CreateJobRequest,
  CreateKeyRequest,
  Feedback,
  FeedbackRequest,
  GraphInfo,
  Job,
  Lineage,
  ModelInfo,
  PlatformStats,
  PromptInfo,
  SpanRecord,
} from '@mcp/contracts';
import { type CallOptions, call, callText } from './http.ts';

/** `GET /admin/stats`: rates over the last seconds, totals since the gateway started. */
export type LiveStats = Readonly<Omit<PlatformStats, 'replicas'>>;

/** The gateway's public interface as this console uses it. */
export interface Platform {
  readonly key: string;
  models(signal?: AbortSignal): Promise<readonly ModelInfo[]>;
  prompts(signal?: AbortSignal): Promise<readonly PromptInfo[]>;
  graphs(signal?: AbortSignal): Promise<readonly GraphInfo[]>;
  conversations(cursor?: string, signal?: AbortSignal): Promise<ConversationPage>;
  conversation(id: string, signal?: AbortSignal): Promise<Conversation>;
  lineage(id: string, signal?: AbortSignal): Promise<Lineage>;
  verify(id: string): Promise<ChainVerdict>;
  giveFeedback(id: string, request: FeedbackRequest): Promise<Feedback>;
  verifyLog(log: unknown): Promise<ChainVerdict>;
  trace(trace_id: string, signal?: AbortSignal): Promise<readonly SpanRecord[]>;
  jobs(signal?: AbortSignal): Promise<readonly Job[]>;
  job(id: string, signal?: AbortSignal): Promise<Job>;
  createJob(request: CreateJobRequest): Promise<Job>;
  cancelJob(id: string): Promise<Job>;
  retryJob(id: string): Promise<Job>;
  /** The content of a job's result, where it is not in the job itself. */
  jobResult(id: string): Promise<string>;
  keys(signal?: AbortSignal): Promise<readonly ApiKeyView[]>;
  createKey(request: CreateKeyRequest): Promise<{ readonly key: string; readonly record: ApiKeyView }>;
  revokeKey(id: string): Promise<void>;
  stats(signal?: AbortSignal): Promise<LiveStats>;
}

/** Conversations asked for at a time. */
const PAGE_SIZE = 50;

export function connectPlatform(key: string): Platform {
  const get = <T>(path: string, signal?: AbortSignal) => call<T>(key, path, { signal });
  const send = <T>(path: string, options: CallOptions) => call<T>(key, path, { method: 'POST', ...options });
  return {
    key,
    models: async (signal) => {
      const list = await get<{ data: readonly { mcp?: ModelInfo }[] }>('/v1/models', signal);
      return list.data.flatMap((item) => (item.mcp === undefined ? [] : [item.mcp]));
    },
    prompts: async (signal) => (await get<{ prompts: PromptInfo[] }>('/v1/prompts', signal)).prompts,
    graphs: async (signal) => (await get<{ graphs: GraphInfo[] }>('/v1/graphs', signal)).graphs,
    conversations: (cursor, signal) => {
      const query = new URLSearchParams({
        limit: String(PAGE_SIZE),
        ...(cursor === undefined ? {} : { cursor }),
      });
      return get(`/v1/conversations?${query}`, signal);
    },
    conversation: (id, signal) => get(`/v1/conversations/${encodeURIComponent(id)}`, signal),
    lineage: (id, signal) => get(`/v1/conversations/${encodeURIComponent(id)}/lineage`, signal),
    verify: (id) => send(`/v1/conversations/${encodeURIComponent(id)}/verify`, {}),
    giveFeedback: (id, request) =>
      send(`/v1/conversations/${encodeURIComponent(id)}/feedback`, { body: request }),
    verifyLog: (log) => send('/v1/verify', { body: log }),
    trace: async (id, signal) =>
      (await get<{ spans: SpanRecord[] }>(`/v1/traces/${encodeURIComponent(id)}`, signal)).spans,
    jobs: async (signal) => (await get<{ jobs: Job[] }>('/v1/jobs?limit=100', signal)).jobs,
    job: (id, signal) => get(`/v1/jobs/${encodeURIComponent(id)}`, signal),
    createJob: (request) => send('/v1/jobs', { body: request }),
    cancelJob: (id) => send(`/v1/jobs/${encodeURIComponent(id)}/cancel`, {}),
    retryJob: (id) => send(`/v1/jobs/${encodeURIComponent(id)}/retry`, {}),
    jobResult: (id) => callText(key, `/v1/jobs/${encodeURIComponent(id)}/result`),
    keys: async (signal) => (await get<{ keys: ApiKeyView[] }>('/admin/keys', signal)).keys,
    createKey: (request) => send('/admin/keys', { body: request }),
    revokeKey: async (id) => {
      await call<unknown>(key, `/admin/keys/${encodeURIComponent(id)}`, { method: 'DELETE' });
    },
    stats: (signal) => get('/admin/stats', signal),
  };
}
