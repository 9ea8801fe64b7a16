import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CallContext,
  type CoreApi,
  type ModelGatewayApi,
  type ModelInfo,
  PlatformError,
} from '@mcp/contracts';
import { KeptValue, ownCall } from '@mcp/service-kit';

const FRESH_MS = 2000;
const GRAPHS_FRESH_MS = 30_000;
const REFRESH_TIMEOUT_MS = 5000;
const RETRY_AFTER_MS = 2000;
/** How long another gateway waits for a first list. */
const FOR_GATEWAY_MS = 1000;

/** What the model-gateway offers, asked for at most every 2 s; while it does not answer, what it said last. */
export class ModelCatalog {
  readonly #models: KeptValue<ReadonlyMap<string, ModelInfo>>;

  constructor(api: () => ModelGatewayApi) {
    this.#models = new KeptValue({
      ttl_ms: FRESH_MS,
      // While nothing is known, everybody who asks has it asked for again.
      pause_ms: (_, known) => (known ? FRESH_MS : 0),
      async read() {
        const models = await api().models(gatewayCall(REFRESH_TIMEOUT_MS));
        return new Map(models.map((model) => [model.id, model]));
      },
      failure: (cause) =>
        new PlatformError(
          'unavailable',
          'The models are not known yet: the model-gateway does not answer. Try again in a few seconds.',
          { cause, retry_after_ms: RETRY_AFTER_MS },
        ),
    });
  }

  /** All models. Throws `unavailable` while none was ever told. */
  async list(): Promise<readonly ModelInfo[]> {
    return [...(await this.#models.fresh()).values()];
  }

  /** As {@link list}, for another gateway: its list may be what is waited for here, and that would never end. */
  async listForGateway(): Promise<readonly ModelInfo[]> {
    const late = sleep(FOR_GATEWAY_MS, undefined, { ref: false }).then(() => {
      throw new PlatformError('unavailable', 'The models are not known yet. Try again in a second.', {
        retry_after_ms: 1000,
      });
    });
    return await Promise.race([this.list(), late]);
  }

  /** The id when such a model exists, otherwise `-`: what clients invent must not become a metric label. */
  label(id: string): string {
    return this.#models.known?.has(id) === true ? id : '-';
  }
}

/** The graphs of agents that the core runs, by their names as models; they change only when the core starts anew. */
export class GraphCatalog {
  readonly #graphs: KeptValue<readonly string[]>;

  constructor(api: () => Pick<CoreApi, 'graphs'>) {
    this.#graphs = new KeptValue({
      ttl_ms: GRAPHS_FRESH_MS,
      pause_ms: (_, known) => (known ? GRAPHS_FRESH_MS : 0),
      read: async () => (await api().graphs(gatewayCall(REFRESH_TIMEOUT_MS))).map(({ model }) => model),
      failure: (cause) =>
        new PlatformError(
          'unavailable',
          'The graphs of agents are not known yet: the core does not answer. Try again in a few seconds.',
          { cause, retry_after_ms: RETRY_AFTER_MS },
        ),
    });
  }

  /** All of them. Throws `unavailable` while none was ever told. */
  list(): Promise<readonly string[]> {
    return this.#graphs.fresh();
  }

  /** Those that were told by now. */
  get known(): readonly string[] {
    return this.#graphs.known ?? [];
  }
}

/** A call of the gateway's own. */
export function gatewayCall(timeout_ms: number): CallContext {
  return ownCall({ service: 'gateway', timeout_ms, scopes: ['admin'] });
}
