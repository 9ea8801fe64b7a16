/** What all backends of servers elsewhere have in common: the list of models, what is known of each, counting, the end. */
import {
  type BackendCallOptions,
  type ChatCompletionRequest,
  type CountTokensRequest,
  type EmbeddingsRequest,
  type EmbeddingsResult,
  type ModelBackend,
  type ModelEvent,
  type ModelFacts,
  type ModelInfo,
  PlatformError,
  type PublishedFacts,
  type Residency,
  type TokenCount,
} from '@mcp/contracts';
import { messageTokens } from '@mcp/wire';
import { type ListedModel, publishedOf } from './facts.ts';
import { ModelList } from './model-list.ts';

const MODELS_TTL_MS = 30_000;
const DEFAULT_CONTEXT = 128_000;

/** How one kind of server is asked. */
export interface Wire {
  /** Its models. Throws an Error that says why they cannot be read. */
  list(signal: AbortSignal): Promise<readonly ListedModel[]>;
  /** Resolves once the server has accepted; a refusal is thrown before any event. */
  chat(
    request: ChatCompletionRequest,
    call: BackendCallOptions,
  ): Promise<AsyncIterable<ModelEvent> | Iterable<ModelEvent>>;
  embed?(request: EmbeddingsRequest, call: BackendCallOptions): Promise<EmbeddingsResult>;
  /** Counts with the model's own tokenizer; undefined where it cannot now. */
  count?(request: CountTokensRequest, call: BackendCallOptions): Promise<number | undefined>;
}

export interface RemoteOptions {
  /** The backend that the server belongs to. */
  readonly backend: string;
  /** The server's own name, by which it is asked alone. */
  readonly name: string;
  /** Its connections, which end with the backend. */
  readonly upstream: { close(): Promise<void> };
  readonly wire: Wire;
  /** Fields of a request that its API has no word for. */
  readonly ignores?: ModelBackend['ignores'];
  /** What the provider has published about its models. */
  readonly published?: PublishedFacts | undefined;
  /** Context of models of which nobody says it. */
  readonly max_context?: number | undefined;
  readonly max_concurrency?: number | undefined;
  readonly residency?: Residency | undefined;
  /** What holds for a model whatever the server says. */
  readonly facts?: (id: string) => ModelFacts;
}

/** One server elsewhere. One attempt per call. */
export class RemoteBackend implements ModelBackend {
  readonly name: string;
  readonly target: string;
  readonly ignores?: NonNullable<ModelBackend['ignores']>;
  readonly #options: RemoteOptions;
  readonly #list: ModelList;

  constructor(options: RemoteOptions) {
    this.name = options.backend;
    this.target = options.name;
    if (options.ignores !== undefined) this.ignores = options.ignores;
    this.#options = options;
    this.#list = new ModelList({
      name: options.name,
      ttl_ms: MODELS_TTL_MS,
      read: async (signal) => {
        const listed = new Map((await options.wire.list(signal)).map((one) => [one.id, one]));
        return [...listed.values()].map((one) => this.#describe(one));
      },
    });
  }

  models(signal: AbortSignal): Promise<readonly ModelInfo[]> {
    return this.#list.get(signal);
  }

  async *generate(request: ChatCompletionRequest, call: BackendCallOptions): AsyncIterable<ModelEvent> {
    for await (const event of await this.#options.wire.chat(request, call))
      yield event.type === 'start' ? { ...event, model: request.model, backend: this.target } : event;
  }

  async embed(request: EmbeddingsRequest, call: BackendCallOptions): Promise<EmbeddingsResult> {
    const result = await this.#options.wire.embed?.(request, call);
    if (result !== undefined) return { ...result, model: request.model };
    throw new PlatformError(
      'unsupported_parameter',
      `${this.target} offers no embeddings. Choose an embedding model of another backend.`,
      { param: 'model' },
    );
  }

  async countTokens(request: CountTokensRequest, call: BackendCallOptions): Promise<TokenCount> {
    const known = (await this.#list.get(call.signal).catch(() => [])).find(({ id }) => id === request.model);
    const max_context = known?.max_context ?? this.#options.max_context ?? DEFAULT_CONTEXT;
    const exact = await this.#options.wire.count?.(request, call);
    if (exact !== undefined) return { tokens: exact, exact: true, max_context };
    return { ...(await messageTokens(request.messages, request.model)), max_context };
  }

  close(): Promise<void> {
    return this.#options.upstream.close();
  }

  /** What is said of a model, the surest last: what is published, what its server says, what the operator says. */
  #describe({ id, ...said }: ListedModel): ModelInfo {
    const { backend, published, max_context, max_concurrency, residency, facts } = this.#options;
    return {
      backend,
      owned_by: this.target,
      kind: /embed/i.test(id) ? 'embedding' : 'chat',
      max_context: max_context ?? DEFAULT_CONTEXT,
      cost_input_per_mtok_usd: null,
      cost_output_per_mtok_usd: null,
      ...(published === undefined ? {} : publishedOf(published, id)),
      ...said,
      ...(residency === undefined ? {} : { residency }),
      ...(max_concurrency === undefined ? {} : { max_concurrency }),
      ...facts?.(id),
      id,
      status: 'ready',
    };
  }
}
