import { availableParallelism } from 'node:os';
import {
  type BackendCallOptions,
  type Capability,
  type ChatCompletionRequest,
  type ConfigOf,
  type CountTokensRequest,
  type EmbeddingsRequest,
  type EmbeddingsResult,
  type ModelBackend,
  type ModelEvent,
  type ModelInfo,
  PlatformError,
  type TokenCount,
} from '@mcp/contracts';
import { ignoredBy } from '../features.ts';
import { SELF_HOSTED } from '../self-hosted.ts';
import { ChatModel } from './chat-model.ts';
import { Embedder } from './embedder.ts';
import { features } from './features.ts';
import type { manifest } from './manifest.ts';
import { Slot, type SlotSpec } from './slot.ts';

/** How often a file that is still to come is looked for. */
const ARRIVAL_POLL_MS = 1000;

/** Models in this process, on the CPU: GGUF chat models by llama.cpp, an ONNX embedding model. They join when their files arrive. */
class EmbeddedBackend implements ModelBackend {
  readonly name = 'embedded';
  readonly ignores = ignoredBy(features);
  readonly #slots: ReadonlyMap<string, Slot>;
  #closed = false;
  #poll: NodeJS.Timeout | undefined;
  #looking: Promise<void>;

  constructor(specs: readonly SlotSpec[], threads: number) {
    this.#slots = new Map(specs.map((spec) => [spec.id, new Slot(spec, threads)]));
    this.#looking = this.#look();
  }

  models(): Promise<readonly ModelInfo[]> {
    for (const slot of this.#slots.values()) slot.look();
    return Promise.resolve([...this.#slots.values()].map((slot) => describe(slot)));
  }

  async *generate(request: ChatCompletionRequest, options: BackendCallOptions): AsyncIterable<ModelEvent> {
    yield* this.#chatModel(request.model).generate(request, options.signal);
  }

  async embed(request: EmbeddingsRequest, options: BackendCallOptions): Promise<EmbeddingsResult> {
    const model = this.#ready(request.model);
    if (!(model instanceof Embedder)) throw notFound(request.model, 'embedding');
    if (request.dimensions != null && request.dimensions !== model.dimensions)
      throw new PlatformError(
        'unsupported_parameter',
        `${request.model} has ${model.dimensions} dimensions. Remove dimensions or set it to that.`,
        { param: 'dimensions' },
      );
    const texts = typeof request.input === 'string' ? [request.input] : request.input;
    return { model: request.model, ...(await model.embed(texts, options.signal)) };
  }

  async countTokens(request: CountTokensRequest): Promise<TokenCount> {
    return this.#chatModel(request.model).count(request.messages);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#poll);
    await this.#looking;
    for (const slot of this.#slots.values()) await slot.close();
  }

  /** Loads what has arrived, one after another in the order of the list, and looks again while something is missing. */
  async #look(): Promise<void> {
    for (const slot of this.#slots.values()) slot.look();
    for (const slot of this.#slots.values()) if (!this.#closed) await slot.load();
    const missing = [...this.#slots.values()].some(({ state }) => state.status !== 'ready');
    if (!missing || this.#closed) return;
    this.#poll = setTimeout(() => {
      this.#looking = this.#look();
    }, ARRIVAL_POLL_MS).unref();
  }

  #chatModel(id: string): ChatModel {
    const model = this.#ready(id);
    if (!(model instanceof ChatModel)) throw notFound(id, 'chat');
    return model;
  }

  #ready(id: string): ChatModel | Embedder {
    const state = this.#slots.get(id)?.state;
    if (state === undefined) throw notFound(id, 'such');
    if (state.status === 'ready') return state.model;
    throw new PlatformError(
      'unavailable',
      `The model ${id} is ${state.status}: ${state.detail}. Use another model meanwhile, or try again later.`,
      { param: 'model', retry_after_ms: 5000 },
    );
  }
}

const CAPABILITIES: Capability[] = ['tools', 'json_schema', 'logprobs'];

function describe({ spec, state }: Slot): ModelInfo {
  const ready = state.status === 'ready' ? state.model : undefined;
  return {
    id: spec.id,
    backend: 'embedded',
    kind: spec.kind,
    owned_by: 'mcp',
    max_context: ready instanceof ChatModel ? ready.max_context : spec.max_context,
    max_concurrency: spec.parallel,
    ...(ready instanceof Embedder ? { dimensions: ready.dimensions } : {}),
    ...SELF_HOSTED,
    ...(spec.kind === 'chat' ? { capabilities: CAPABILITIES } : {}),
    status: state.status,
    ...(state.status === 'ready' ? {} : { detail: state.detail }),
  };
}

function notFound(id: string, kind: string): PlatformError {
  return new PlatformError(
    'model_not_found',
    `There is no ${kind} model '${id.slice(0, 80)}' among the embedded ones. See GET /v1/models.`,
    { param: 'model' },
  );
}

export function create(env: ConfigOf<typeof manifest.settings>): readonly ModelBackend[] {
  const cores = availableParallelism();
  const parallel = Math.min(4, Math.max(2, cores));
  const specs = (env.MCP_EMBEDDED_MODELS ?? []).map((model) => ({ parallel, ...model }));
  // On busy cores more threads than cores − 1 are slower by a factor of ten.
  return [new EmbeddedBackend(specs, env.MCP_EMBEDDED_THREADS ?? Math.max(1, cores - 1))];
}
