import {
  type CallContext,
  type ChatCompletionRequest,
  type ModelBackend,
  type ModelEvent,
  type ModelGatewayApi,
  PlatformError,
} from '@mcp/contracts';
import type { ServiceKit } from '@mcp/service-kit';
import { Catalog } from './catalog.ts';
import { embed, type InferenceDeps, infer } from './inference.ts';
import { Queues } from './queues.ts';

export interface ModelGatewayOptions {
  readonly kit: Pick<ServiceKit, 'metrics' | 'tracer' | 'log'>;
  readonly backends: readonly ModelBackend[];
  readonly concurrency: number;
  readonly max_waiting: number;
  /** Models to ask instead, in order, when one fails before its first token. */
  readonly fallbacks: Readonly<Record<string, readonly string[]>>;
}

/** Chooses the backend, keeps the queues, falls back to another model. */
export function createModelGateway(options: ModelGatewayOptions): ModelGatewayApi {
  const { kit, concurrency, max_waiting } = options;
  const catalog = new Catalog(options.backends);
  const queues = new Queues({ metrics: kit.metrics, concurrency, max_waiting });
  const deps = { ...options, catalog, queues };
  return {
    generate: (request, call) => generate(deps, request, call),
    embed: async (request, call) =>
      embed(deps, await catalog.find(request.model, 'embedding'), { request, call }),
    async countTokens(request, call) {
      const { backend } = await catalog.find(request.model, 'chat');
      return backend.countTokens(request, {
        signal: call.signal,
        deadline_ms: call.deadline_ms,
        traceparent: call.traceparent,
      });
    },
    models: () => catalog.all(),
    async queues() {
      const models = await catalog.all();
      return models.map((info) => queues.of(info).status());
    },
  };
}

/** Asks the model, and those that stand in for it while nothing has been said yet. */
async function* generate(
  deps: ModelGatewayOptions & InferenceDeps & { readonly catalog: Catalog },
  request: ChatCompletionRequest,
  call: CallContext,
): AsyncGenerator<ModelEvent> {
  const candidates = [request.model, ...(deps.fallbacks[request.model] ?? [])];
  for (const [at, model] of candidates.entries()) {
    const events = infer(deps, await deps.catalog.find(model, 'chat'), { request, call });
    let first: IteratorResult<ModelEvent>;
    try {
      first = await events.next();
    } catch (error) {
      const next = candidates[at + 1];
      if (next === undefined || !(error instanceof PlatformError) || !error.retryable || call.signal.aborted)
        throw error;
      deps.kit.log.warn(
        { model, next, code: error.code, request_id: call.request_id },
        'falling back to another model',
      );
      continue;
    }
    if (first.done !== true) yield first.value;
    yield* events;
    return;
  }
}
