import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import {
  type BackendCallOptions,
  type ChatCompletionRequest,
  type CountTokensRequest,
  type EmbeddingsRequest,
  type EmbeddingsResult,
  type ModelBackend,
  type ModelEvent,
  type ModelInfo,
  PlatformError,
  type TokenCount,
} from '@mcp/contracts';
import { z } from 'zod';
import { defineBackend, jsonVariable } from '../options.ts';
import { ChatModel } from './chat-model.ts';
import { Embedder } from './embedder.ts';

const Spec = z.strictObject({
  id: z.string().min(1).max(200),
  kind: z.enum(['chat', 'embedding']),
  /** A GGUF file; for an embedding model the folder with `model.onnx` and `tokenizer.json`. */
  path: z.string().min(1),
  max_context: z.number().int().min(256),
  /** Inferences that share the weights at once. */
  parallel: z.number().int().min(1).max(16).default(2),
});
type Spec = z.infer<typeof Spec>;

/** How often a file that is still to come is looked for. */
const ARRIVAL_POLL_MS = 1000;

type Slot =
  | { readonly state: 'downloading' | 'loading'; readonly detail: string }
  | { readonly state: 'unavailable'; readonly detail: string }
  | { readonly state: 'ready'; readonly model: ChatModel | Embedder };

/** Models in this process, on the CPU: GGUF chat models by llama.cpp, an ONNX embedding model. They join when their files arrive. */
class EmbeddedBackend implements ModelBackend {
  readonly name = 'embedded';
  readonly #specs: readonly Spec[];
  readonly #slots = new Map<string, Slot>();
  readonly #threads: number;
  #closed = false;
  #poll: NodeJS.Timeout | undefined;

  constructor(specs: readonly Spec[], threads: number) {
    this.#specs = specs;
    this.#threads = threads;
    for (const spec of specs)
      this.#slots.set(spec.id, { state: 'downloading', detail: 'its weights have not arrived yet' });
    this.#look();
  }

  models(): Promise<readonly ModelInfo[]> {
    return Promise.resolve(this.#specs.map((spec) => this.#describe(spec)));
  }

  async *generate(request: ChatCompletionRequest, options: BackendCallOptions): AsyncIterable<ModelEvent> {
    yield* this.#chatModel(request.model).generate(request, options.signal);
  }

  async embed(request: EmbeddingsRequest, options: BackendCallOptions): Promise<EmbeddingsResult> {
    const { model, slot } = this.#ready(request.model, 'embedding');
    if (!(slot instanceof Embedder)) throw notFound(model, 'embedding');
    if (request.dimensions != null && request.dimensions !== slot.dimensions) {
      throw new PlatformError(
        'unsupported_parameter',
        `${model} has ${slot.dimensions} dimensions. Remove dimensions or set it to that.`,
        { param: 'dimensions' },
      );
    }
    return {
      model,
      ...(await slot.embed(
        typeof request.input === 'string' ? [request.input] : request.input,
        options.signal,
      )),
    };
  }

  countTokens(request: CountTokensRequest): Promise<TokenCount> {
    return Promise.resolve(this.#chatModel(request.model).count(request.messages));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#poll);
    for (const slot of this.#slots.values()) if (slot.state === 'ready') await slot.model.close();
  }

  /** Loads what has arrived, one after another, and looks again as long as something is missing. */
  #look(): void {
    void this.#load().then(() => {
      const missing = [...this.#slots.values()].some(({ state }) => state === 'downloading');
      if (missing && !this.#closed) this.#poll = setTimeout(() => this.#look(), ARRIVAL_POLL_MS).unref();
    });
  }

  async #load(): Promise<void> {
    for (const spec of this.#specs) {
      if (this.#closed || this.#slots.get(spec.id)?.state !== 'downloading' || !existsSync(spec.path))
        continue;
      this.#slots.set(spec.id, { state: 'loading', detail: 'its weights are being loaded' });
      try {
        const model =
          spec.kind === 'chat'
            ? await ChatModel.load({ ...spec, threads: this.#threads })
            : await Embedder.load(spec.path);
        if (this.#closed) await model.close();
        else this.#slots.set(spec.id, { state: 'ready', model });
      } catch (error) {
        this.#slots.set(spec.id, {
          state: 'unavailable',
          detail: `its weights cannot be loaded: ${error instanceof Error ? error.message.slice(0, 200) : 'unknown reason'}`,
        });
      }
    }
  }

  #describe(spec: Spec): ModelInfo {
    const slot = this.#slots.get(spec.id);
    const state = slot?.state ?? 'unavailable';
    return {
      id: spec.id,
      backend: this.name,
      kind: spec.kind,
      owned_by: 'mcp',
      max_context: spec.max_context,
      ...(slot?.state === 'ready' && slot.model instanceof Embedder
        ? { dimensions: slot.model.dimensions }
        : {}),
      cost_input_per_mtok_usd: 0,
      cost_output_per_mtok_usd: 0,
      status: state,
      ...(slot === undefined || slot.state === 'ready' ? {} : { detail: slot.detail }),
    };
  }

  #chatModel(id: string): ChatModel {
    const { model, slot } = this.#ready(id, 'chat');
    if (!(slot instanceof ChatModel)) throw notFound(model, 'chat');
    return slot;
  }

  #ready(id: string, kind: Spec['kind']): { model: string; slot: ChatModel | Embedder } {
    const slot = this.#slots.get(id);
    if (slot === undefined) throw notFound(id, kind);
    if (slot.state === 'ready') return { model: id, slot: slot.model };
    throw new PlatformError(
      'unavailable',
      `The model ${id} is ${slot.state}: ${slot.detail}. Use another model meanwhile, or try again later.`,
      { param: 'model', retry_after_ms: 5000 },
    );
  }
}

function notFound(id: string, kind: string): PlatformError {
  return new PlatformError(
    'model_not_found',
    `There is no embedded ${kind} model '${id.slice(0, 80)}'. See GET /v1/models.`,
    { param: 'model' },
  );
}

export const embedded = defineBackend({
  env: z.object({
    MCP_EMBEDDED_MODELS: jsonVariable('MCP_EMBEDDED_MODELS', z.array(Spec)).optional(),
    /** On busy cores more threads than cores − 1 are slower by a factor of ten. */
    MCP_EMBEDDED_THREADS: z.coerce
      .number()
      .int()
      .min(1)
      .max(256)
      .default(Math.max(1, availableParallelism() - 1)),
  }),
  create: (env) => new EmbeddedBackend(env.MCP_EMBEDDED_MODELS ?? [], env.MCP_EMBEDDED_THREADS),
});
