import {
  type CallContext,
  type ModelBackend,
  type ModelGatewayApi,
  type ModelInfo,
  modelsOf,
  type Place,
  PlatformError,
} from '@mcp/contracts';
import { aliasInfo } from './aliases/describe.ts';
import { Planner } from './aliases/plan.ts';
import { firstSuccess } from './attempts.ts';
import { Catalog } from './catalog.ts';
import { EnergyMeter } from './energy/meter.ts';
import type { SharedEnergy } from './energy/shared.ts';
import { byCpuTime, byRapl, GpuPower } from './energy/sources.ts';
import { type GenerationDeps, generate } from './generation.ts';
import { embed } from './inference.ts';
import { Pools } from './pools.ts';
import { Queues } from './queues.ts';
import { staying } from './residency.ts';
import type { ServingConfig, ServingKit } from './serving.ts';

interface ModelGatewayOptions {
  readonly kit: ServingKit;
  /** In order of preference; those of one kind are equals. */
  readonly backends: readonly ModelBackend[];
  readonly settings: ServingConfig;
  /** What all replicas know of the models' energy; without it, what this process measures. */
  readonly shared?: SharedEnergy;
}

/** Chooses the model and its server, keeps the queues, tries again elsewhere. Needs nothing but its arguments: it runs in any process. */
export function createModelGateway({
  kit,
  backends,
  settings,
  shared,
}: ModelGatewayOptions): ModelGatewayApi {
  const { MODEL_ALIASES: aliases } = settings;
  const energy = new EnergyMeter({
    cpu: byRapl() ?? byCpuTime(settings.MCP_CPU_WATTS_PER_CORE),
    gpu: new GpuPower(),
    now: () => performance.now(),
  });
  const catalog = new Catalog({
    backends,
    concurrency: settings.MODEL_CONCURRENCY,
    log: kit.log,
    aliases: Object.keys(aliases),
    energyOf: (model) => shared?.of(model) ?? energy.of(model),
    pools: new Pools(settings.MODEL_POOLS),
    onCircuit: ({ info, server }, state) => {
      kit.metrics.set('model_circuit_open', { model: info.id, server }, state === 'closed' ? 0 : 1);
      kit.metrics.inc('model_circuit_changes_total', { model: info.id, server, state });
    },
  });
  shared?.follow(energy);
  const queues = new Queues({
    metrics: kit.metrics,
    max_waiting: settings.MCP_QUEUE_MAX_WAITING,
    weights: settings.MCP_QUEUE_WEIGHTS,
    batch: settings.MCP_QUEUE_BATCH,
  });
  const planner = new Planner(settings, catalog);
  const deps = { kit, catalog, queues, planner, energy };
  return {
    generate: (request, call) => generate(deps, request, call),
    async embed(request, call) {
      if (planner.aliasOf(request.model) !== undefined) throw notForEmbedding(request.model);
      const plan = planner.ofModel(request.model, call);
      return firstSuccess(deps, { plan, kind: 'embedding', call }, (offer) =>
        embed(deps, offer, { request, call }),
      );
    },
    async countTokens(request, call) {
      const model = await widest(deps, request.model, call);
      const offer = await catalog.find(model, { kind: 'chat', signal: call.signal });
      const { id, routes } = staying(offer, planner.stayOf(request.model, call), catalog);
      const [route] = routes;
      if (route === undefined) throw new Error('an offer has at least one route');
      return route.backend.countTokens(
        { ...request, model: id },
        {
          signal: call.signal,
          deadline_ms: call.deadline_ms,
          traceparent: call.traceparent,
          hops: call.hops,
        },
      );
    },
    reserve: (model, call) => reserve(deps, model, call),
    async models() {
      const models = await catalog.all();
      return [...models, ...Object.keys(aliases).flatMap((name) => listed(deps, name) ?? [])];
    },
    model: async (id, call) => listed(deps, id) ?? (await catalog.one(id, call.signal)),
    async queues() {
      const models = await catalog.all();
      return models.map(({ id }) => queues.of(id).status());
    },
  };
}

function notForEmbedding(name: string): PlatformError {
  return new PlatformError(
    'invalid_request',
    `The alias '${name}' is for chat: vectors of different models cannot be compared. Name an embedding model.`,
    { param: 'model' },
  );
}

/** An alias as an entry of the list of models; undefined where the name is none. */
function listed({ planner, catalog }: GenerationDeps, name: string): ModelInfo | undefined {
  const alias = planner.aliasOf(name);
  if (alias === undefined) return undefined;
  const offers = alias.candidates.flatMap(({ model }) => catalog.known(model) ?? []);
  return aliasInfo(
    name,
    alias,
    offers.flatMap(({ routes }) => routes.map(({ info }) => info)),
  );
}

/** The candidate that holds the most tokens: what an alias takes at most. */
async function widest(deps: GenerationDeps, name: string, call: CallContext): Promise<string> {
  const alias = deps.planner.aliasOf(name);
  if (alias === undefined) return name;
  const stay = deps.planner.stayOf(name, call);
  const widths = alias.candidates.flatMap(({ model }) => {
    const [first] = stay.allowed(deps.catalog.known(model)?.routes ?? []);
    return first?.info.kind === 'chat' ? [{ model, max_context: first.info.max_context }] : [];
  });
  const [first] = widths.toSorted((a, b) => b.max_context - a.max_context);
  const [any] = alias.candidates;
  if (first !== undefined) return first.model;
  const offer = await deps.catalog.find(any?.model ?? name, { kind: 'chat', signal: call.signal });
  return offer.id;
}

/** Room at the model, or at the first of those that stand in for it. */
async function reserve(deps: GenerationDeps, name: string, call: CallContext): Promise<Place> {
  const { principal, signal } = call;
  const alias = deps.planner.aliasOf(name);
  const { models, chains } = deps.planner.ofModel(name, call);
  const names = alias === undefined ? [...models, ...chains.error] : modelsOf(alias);
  let failure: unknown;
  for (const one of names) {
    if (alias !== undefined && one !== names.at(-1) && deps.catalog.known(one) === undefined) continue;
    const offer = await deps.catalog.find(one, { kind: 'chat', signal });
    try {
      const { id, routes } = staying(offer, deps.planner.stayOf(name, call), deps.catalog);
      return deps.queues.of(id).reserve(routes, principal.id);
    } catch (error) {
      failure ??= error;
      // Nobody stands in for a model that may not be asked.
      if (alias === undefined && failure instanceof PlatformError && failure.code === 'wrong_region') break;
    }
  }
  throw failure;
}
