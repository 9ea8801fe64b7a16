import type {
  CallContext,
  ChatCompletionRequest,
  ModelBackend,
  ModelEvent,
  ModelGatewayApi,
  Place,
} from '@mcp/contracts';
import { type AttemptDeps, firstSuccess } from './attempts.ts';
import { Catalog } from './catalog.ts';
import { embed, infer } from './inference.ts';
import { Queues } from './queues.ts';
import type { ServingConfig, ServingKit } from './serving.ts';

interface ModelGatewayOptions {
  readonly kit: ServingKit;
  /** In order of preference; those of one kind are equals. */
  readonly backends: readonly ModelBackend[];
  readonly settings: ServingConfig;
}

/** Chooses the server, keeps the queues, tries again elsewhere. Needs nothing but its arguments: it runs in any process. */
export function createModelGateway(options: ModelGatewayOptions): ModelGatewayApi {
  const { kit, backends, settings } = options;
  const catalog = new Catalog({ backends, concurrency: settings.MODEL_CONCURRENCY, log: kit.log });
  const queues = new Queues({
    metrics: kit.metrics,
    max_waiting: settings.MCP_QUEUE_MAX_WAITING,
    weights: settings.MCP_QUEUE_WEIGHTS,
  });
  const deps = { ...options, catalog, queues };
  return {
    generate: (request, call) => generate(deps, request, call),
    embed: (request, call) =>
      firstSuccess(deps, { models: [request.model], kind: 'embedding', call }, (offer) =>
        embed(deps, offer, { request, call }),
      ),
    async countTokens(request, call) {
      const { id, routes } = await catalog.find(request.model, { kind: 'chat', signal: call.signal });
      const [route] = routes;
      if (route === undefined) throw new Error('an offer has at least one route');
      return route.backend.countTokens(
        { ...request, model: id },
        { signal: call.signal, deadline_ms: call.deadline_ms, traceparent: call.traceparent },
      );
    },
    reserve: (model, call) => reserve(deps, model, call),
    models: () => catalog.all(),
    model: (id, call) => catalog.one(id, call.signal),
    async queues() {
      const models = await catalog.all();
      return models.map(({ id }) => queues.of(id).status());
    },
  };
}

/** The model, then those that stand in for it. */
function namesOf({ settings }: Pick<ModelGatewayOptions, 'settings'>, model: string): readonly string[] {
  const { MODEL_FALLBACKS: fallbacks } = settings;
  return [model, ...(Object.hasOwn(fallbacks, model) ? (fallbacks[model] ?? []) : [])];
}

/** Room at the model, or at the first of those that stand in for it. */
async function reserve(
  deps: ModelGatewayOptions & AttemptDeps,
  model: string,
  { principal, signal }: CallContext,
): Promise<Place> {
  let failure: unknown;
  for (const name of namesOf(deps, model)) {
    const { id, routes } = await deps.catalog.find(name, { kind: 'chat', signal });
    try {
      return deps.queues.of(id).reserve(routes, principal.id);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** Asks the model, and those that stand in for it while nothing has been said yet. */
async function* generate(
  deps: ModelGatewayOptions & AttemptDeps,
  request: ChatCompletionRequest,
  call: CallContext,
): AsyncGenerator<ModelEvent> {
  const { events, first } = await firstSuccess(
    deps,
    { models: namesOf(deps, request.model), kind: 'chat', call },
    async (offer) => {
      const events = infer(deps, offer, { request, call });
      return { events, first: await events.next() };
    },
  );
  if (first.done !== true) yield first.value;
  yield* events;
}
