/** Backends whose answers a test says, and what a model-gateway needs beside them. */
import {
  type BackendCallOptions,
  type CallContext,
  type ChatCompletionRequest,
  type ModelAlias,
  ModelAliases,
  type ModelBackend,
  type ModelEvent,
  type ModelGatewayApi,
  type ModelInfo,
  PlatformError,
  ResidencyRules,
} from '@mcp/contracts';
import type { ServiceKit, Span } from '@mcp/service-kit';
import type { z } from 'zod';
import type { SharedEnergy } from '../src/energy/shared.ts';
import { createModelGateway } from '../src/model-gateway.ts';
import { Route } from '../src/route.ts';

export function infoOf(id: string, change: Partial<ModelInfo> = {}): ModelInfo {
  return {
    id,
    backend: 'fake',
    kind: 'chat',
    owned_by: 'test',
    max_context: 8192,
    cost_input_per_mtok_usd: 1,
    cost_output_per_mtok_usd: 2,
    status: 'ready',
    ...change,
  };
}

/** The way to a server that is never asked: only its limit matters. */
export function routeOf(max_concurrency: number): Route {
  return new Route({ backend: {} as ModelBackend, tier: 0, info: infoOf('m', { max_concurrency }) });
}

export function answerOf(text: string, usage = { input_tokens: 3, output_tokens: 2 }): ModelEvent[] {
  return [
    { type: 'start', id: 'r', model: 'inner', backend: 'fake', created_s: 1 },
    { type: 'text', choice: 0, text },
    { type: 'finish', choice: 0, reason: { unified: 'stop', raw: null } },
    { type: 'usage', usage },
  ];
}

/** What a server does with a request: the events that it sends, then perhaps a failure. */
export interface Deed {
  readonly events?: readonly ModelEvent[];
  readonly fails?: unknown;
}

export interface FakeBackend extends ModelBackend {
  /** Names of the models that it was asked for, in order. */
  readonly asked: string[];
  /** One for each request; the last holds for all that follow. */
  deeds: Deed[];
  list: () => Promise<readonly ModelInfo[]>;
}

export function backendOf(name: string, models: readonly ModelInfo[], deeds: Deed[]): FakeBackend {
  const next = (): Deed => (fake.deeds.length > 1 ? fake.deeds.shift() : fake.deeds[0]) ?? {};
  const fake: FakeBackend = {
    name,
    asked: [],
    deeds,
    list: async () => models,
    models: () => fake.list(),
    async *generate(request: ChatCompletionRequest, _: BackendCallOptions) {
      fake.asked.push(request.model);
      const { events = [], fails } = next();
      yield* events;
      if (fails !== undefined) throw fails;
    },
    async embed(request) {
      fake.asked.push(request.model);
      const { fails } = next();
      if (fails !== undefined) throw fails;
      return { model: request.model, vectors: [[1]], input_tokens: 4 };
    },
    async countTokens() {
      return { tokens: 7, exact: true, max_context: 8192 };
    },
    async close() {},
  };
  return fake;
}

/** Counters by name and labels, and the spans that were ended. */
interface Seen {
  readonly counts: Map<string, number>;
  readonly spans: { failure: unknown; attributes: Record<string, unknown> }[];
}

type GatewayKit = Pick<ServiceKit, 'metrics' | 'tracer' | 'log'>;

function kitOf(seen: Seen): GatewayKit {
  const metrics = {
    inc(name: string, labels: Record<string, string>, value = 1) {
      const key = `${name} ${Object.values(labels).join(' ')}`;
      seen.counts.set(key, (seen.counts.get(key) ?? 0) + value);
    },
    set() {},
    observe() {},
  };
  const start = () => {
    const span = { failure: undefined as unknown, attributes: {} as Record<string, unknown> };
    return {
      traceparent: '00-x',
      set: (more: object) => void Object.assign(span.attributes, more),
      end(failure?: unknown) {
        seen.spans.push({ ...span, failure });
      },
    } as unknown as Span;
  };
  const quiet = { warn() {}, info() {}, error() {}, debug() {} };
  return {
    metrics: metrics as unknown as GatewayKit['metrics'],
    tracer: { start } as unknown as ServiceKit['tracer'],
    log: quiet as unknown as ServiceKit['log'],
  };
}

interface Gateway {
  readonly api: ModelGatewayApi;
  readonly seen: Seen;
}

export function gatewayOf(
  backends: readonly ModelBackend[],
  fallbacks: Record<string, string[]> = {},
  aliases: Record<string, z.input<typeof ModelAlias>> = {},
): Gateway {
  return gatewayIn({}, backends, { fallbacks, aliases });
}

interface GatewayChoices {
  readonly fallbacks?: Record<string, string[]>;
  readonly aliases?: z.input<typeof ModelAliases>;
  readonly shared?: SharedEnergy;
}

/** One whose operator rules where texts must stay. */
export function gatewayIn(
  residency: z.input<typeof ResidencyRules>,
  backends: readonly ModelBackend[],
  { fallbacks, aliases, shared }: GatewayChoices,
): Gateway {
  const seen: Seen = { counts: new Map(), spans: [] };
  const settings = {
    MCP_QUEUE_MAX_WAITING: 4,
    MCP_QUEUE_WEIGHTS: {},
    MCP_QUEUE_BATCH: { min_share: 0.05, reserve: 0.1 },
    MODEL_CONCURRENCY: {},
    MODEL_POOLS: {},
    MCP_CPU_WATTS_PER_CORE: 3.5,
    MODEL_FALLBACKS: fallbacks ?? {},
    MODEL_ALIASES: ModelAliases.parse(aliases ?? {}),
    MCP_RESIDENCY: 'eu' as const,
    MODEL_RESIDENCY: ResidencyRules.parse(residency),
  };
  return {
    api: createModelGateway({ kit: kitOf(seen), backends, settings, ...(shared && { shared }) }),
    seen,
  };
}

export function callOf(change: Partial<CallContext> = {}): CallContext {
  return {
    request_id: 'r',
    traceparent: undefined,
    deadline_ms: Date.now() + 30_000,
    principal: { id: 'key:1', kind: 'key', name: 'alice', scopes: ['chat'] },
    class: 'interactive',
    signal: new AbortController().signal,
    ...change,
  };
}

export function requestFor(model: string): ChatCompletionRequest {
  return { model, messages: [{ role: 'user', content: 'hi' }] };
}

/** What a stream said, and how it failed. */
export async function outcomeOf(
  events: AsyncIterable<ModelEvent>,
): Promise<{ text: string; events: ModelEvent[]; error?: PlatformError }> {
  const seen: ModelEvent[] = [];
  const text = () => seen.map((event) => (event.type === 'text' ? event.text : '')).join('');
  try {
    for await (const event of events) seen.push(event);
    return { text: text(), events: seen };
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    return { text: text(), events: seen, error };
  }
}
