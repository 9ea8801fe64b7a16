import {
  type ModelAliases,
  type ModelGatewayApi,
  type ModelInfo,
  modelsOf,
  PlatformError,
} from '@mcp/contracts';
import { KeptValue, type Logger, ownCall } from '@mcp/service-kit';
import { sumByModel } from './queue-sums.ts';

/** How long a list of models is taken as it is; after that it is read again beside the request that asks. */
const FRESH_MS = 2000;

export interface NearbyOptions {
  /** Serves some models in this process. */
  readonly here: ModelGatewayApi;
  /** The model-gateway apart, which serves all of them. Looked up for each call. */
  readonly apart: () => ModelGatewayApi;
  /** Models with others to stand in for them: only the model-gateway apart has them all. */
  readonly fallbacks: Readonly<Record<string, readonly string[]>>;
  /** Aliases: those of which every model is served in this process are answered here. */
  readonly aliases: ModelAliases;
  readonly log: Pick<Logger, 'warn'>;
}

/**
 * Asks the models that are served in this process here, without the hop, and all others at the model-gateway apart.
 * Nothing waits for the list of what is served here: until it is known, everything goes the long way.
 */
export function nearby({ here, apart, fallbacks, aliases, log }: NearbyOptions): ModelGatewayApi {
  const served = idsServed(here, log);
  // Asked for at once, so that the first request finds it.
  void served.known;
  const models = new Map(Object.entries(aliases).map(([name, alias]) => [name, modelsOf(alias)]));
  const at = (id: string) => {
    const { known } = served;
    const all = models.get(id);
    const mine =
      all === undefined ? known?.has(id) : known !== undefined && all.every((one) => known.has(one));
    return mine === true && !Object.hasOwn(fallbacks, id) ? here : apart();
  };
  return {
    generate: (request, call) => at(request.model).generate(request, call),
    embed: (request, call) => at(request.model).embed(request, call),
    countTokens: (request, call) => at(request.model).countTokens(request, call),
    reserve: (model, call) => at(model).reserve(model, call),
    model: (id, call) => at(id).model(id, call),
    async models(call) {
      const [mine, others] = await Promise.allSettled([here.models(call), apart().models(call)]);
      const own = mine.status === 'fulfilled' ? mine.value : [];
      if (others.status === 'fulfilled') return united(others.value, own);
      if (own.length === 0) throw others.reason;
      return own;
    },
    async queues(call) {
      const lists = await Promise.allSettled([apart().queues(call), here.queues(call)]);
      return sumByModel(lists.flatMap((list) => (list.status === 'fulfilled' ? list.value : [])));
    },
  };
}

/** The ids that are served here, read again in the background. */
function idsServed(here: ModelGatewayApi, log: Pick<Logger, 'warn'>): KeptValue<ReadonlySet<string>> {
  return new KeptValue({
    ttl_ms: FRESH_MS,
    async read() {
      try {
        const models = await here.models(ownCall({ service: 'model-serving', timeout_ms: FRESH_MS }));
        return new Set(models.map(({ id }) => id));
      } catch (err) {
        log.warn({ err }, 'the models served in this process cannot be listed');
        throw err;
      }
    },
    failure: (cause) => new PlatformError('unavailable', 'The models are not known yet.', { cause }),
  });
}

/** All of the first list, as the second describes them, and what only the second has. */
function united(first: readonly ModelInfo[], second: readonly ModelInfo[]): ModelInfo[] {
  const mine = new Map(second.map((info) => [info.id, info]));
  const ids = new Set(first.map(({ id }) => id));
  return [...first.map((info) => mine.get(info.id) ?? info), ...second.filter(({ id }) => !ids.has(id))];
}
