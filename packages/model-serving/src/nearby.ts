import type { ModelGatewayApi, ModelInfo } from '@mcp/contracts';
import { type Logger, ownCall } from '@mcp/service-kit';
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
  readonly log: Pick<Logger, 'warn'>;
}

/**
 * Asks the models that are served in this process here, without the hop, and all others at the model-gateway apart.
 * Nothing waits for the list of what is served here: until it is known, everything goes the long way.
 */
export function nearby({ here, apart, fallbacks, log }: NearbyOptions): ModelGatewayApi {
  const known = new Known(here, log);
  const at = (id: string) => (known.has(id) && !Object.hasOwn(fallbacks, id) ? here : apart());
  return {
    generate: (request, call) => at(request.model).generate(request, call),
    embed: (request, call) => at(request.model).embed(request, call),
    countTokens: (request, call) => at(request.model).countTokens(request, call),
    reserve: (model, call) => at(model).reserve(model, call),
    model: (id, call) => at(id).model(id, call),
    async models(call) {
      const [mine, others] = await Promise.allSettled([here.models(call), apart().models(call)]);
      const served = mine.status === 'fulfilled' ? mine.value : [];
      if (others.status === 'fulfilled') return united(others.value, served);
      if (served.length === 0) throw others.reason;
      return served;
    },
    async queues(call) {
      const lists = await Promise.allSettled([apart().queues(call), here.queues(call)]);
      return sumByModel(lists.flatMap((list) => (list.status === 'fulfilled' ? list.value : [])));
    },
  };
}

/** The ids that are served here, read again in the background. */
class Known {
  readonly #here: ModelGatewayApi;
  readonly #log: Pick<Logger, 'warn'>;
  #ids: ReadonlySet<string> = new Set();
  #at_ms = Number.NEGATIVE_INFINITY;

  constructor(here: ModelGatewayApi, log: Pick<Logger, 'warn'>) {
    this.#here = here;
    this.#log = log;
    this.#read();
  }

  has(id: string): boolean {
    if (performance.now() - this.#at_ms > FRESH_MS) this.#read();
    return this.#ids.has(id);
  }

  #read(): void {
    this.#at_ms = performance.now();
    this.#here.models(ownCall({ service: 'model-serving', timeout_ms: FRESH_MS })).then(
      (models) => {
        this.#ids = new Set(models.map(({ id }) => id));
      },
      (err: unknown) => this.#log.warn({ err }, 'the models served in this process cannot be listed'),
    );
  }
}

/** All of the first list, as the second describes them, and what only the second has. */
function united(first: readonly ModelInfo[], second: readonly ModelInfo[]): ModelInfo[] {
  const mine = new Map(second.map((info) => [info.id, info]));
  const ids = new Set(first.map(({ id }) => id));
  return [...first.map((info) => mine.get(info.id) ?? info), ...second.filter(({ id }) => !ids.has(id))];
}
