import { type CallContext, type ModelGatewayApi, type ModelInfo, PlatformError } from '@mcp/contracts';
import { ownCall } from '@mcp/service-kit';

const FRESH_MS = 2000;
const REFRESH_TIMEOUT_MS = 5000;
const RETRY_AFTER_MS = 2000;

/** What the model-gateway offers, asked for at most every 2 s; while it does not answer, what it said last. */
export class ModelCatalog {
  readonly #api: () => ModelGatewayApi;
  #known: ReadonlyMap<string, ModelInfo> = new Map();
  #at_ms = Number.NEGATIVE_INFINITY;
  #pending: Promise<void> | undefined;

  constructor(api: () => ModelGatewayApi) {
    this.#api = api;
  }

  /** All models. Throws `unavailable` while none was ever told. */
  async list(): Promise<readonly ModelInfo[]> {
    if (performance.now() - this.#at_ms > FRESH_MS) await this.#refresh();
    return [...this.#known.values()];
  }

  /** The id when such a model exists, otherwise `-`: what clients invent must not become a metric label. */
  label(id: string): string {
    if (performance.now() - this.#at_ms > FRESH_MS && this.#pending === undefined)
      this.#refresh().catch(() => undefined);
    return this.#known.has(id) ? id : '-';
  }

  #refresh(): Promise<void> {
    this.#pending ??= this.#load().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #load(): Promise<void> {
    try {
      const models = await this.#api().models(gatewayCall(REFRESH_TIMEOUT_MS));
      this.#known = new Map(models.map((model) => [model.id, model]));
    } catch (cause) {
      if (this.#known.size === 0)
        throw new PlatformError(
          'unavailable',
          'The models are not known yet: the model-gateway does not answer. Try again in a few seconds.',
          { cause, retry_after_ms: RETRY_AFTER_MS },
        );
    }
    this.#at_ms = performance.now();
  }
}

/** A call of the gateway's own. */
export function gatewayCall(timeout_ms: number): CallContext {
  return ownCall({ service: 'gateway', timeout_ms, scopes: ['admin'] });
}
