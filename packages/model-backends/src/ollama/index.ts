import { randomUUID } from 'node:crypto';
import {
  type BackendCallOptions,
  type ChatCompletionRequest,
  type ConfigOf,
  type CountTokensRequest,
  type EmbeddingsRequest,
  type EmbeddingsResult,
  jsonOf,
  type ModelBackend,
  type ModelEvent,
  type ModelInfo,
  PlatformError,
  type TokenCount,
} from '@mcp/contracts';
import { readFinish, upstreamError } from '@mcp/wire';
import { z } from 'zod';
import { abortError } from '../abort.ts';
import { capabilitiesOf } from '../facts.ts';
import { ignoredBy } from '../features.ts';
import { ModelList } from '../model-list.ts';
import { readAnswer } from '../read-answer.ts';
import { SELF_HOSTED } from '../self-hosted.ts';
import { isCut, textOf } from '../text.ts';
import { Upstream } from '../upstream.ts';
import { chatBody, contextFor, refuseUnsupported } from './body.ts';
import { features } from './features.ts';
import type { manifest } from './manifest.ts';

const IDLE_TIMEOUT_MS = 300_000;
const MODELS_TTL_MS = 15_000;
const MAX_LINE_CHARS = 8 * 1024 * 1024;
const DEFAULT_CONTEXT = 4096;
const CHARS_PER_TOKEN = 3.5;
const INTERRUPTED = 'Ollama broke off in the middle of its answer. Try again.';

const Tags = z.object({
  models: z.array(
    z.object({ name: z.string(), details: z.object({ family: z.string().nullish() }).nullish() }),
  ),
});
const Show = z.object({
  model_info: z.record(z.string(), z.unknown()).nullish(),
  capabilities: z.array(z.string()).nullish(),
});
const Call = z.object({ function: z.object({ name: z.string(), arguments: z.unknown() }) });
const Line = z.object({
  message: z
    .object({
      content: z.string().nullish(),
      thinking: z.string().nullish(),
      tool_calls: z.array(Call).nullish(),
    })
    .nullish(),
  done: z.boolean().default(false),
  done_reason: z.string().nullish(),
  prompt_eval_count: z.number().int().nonnegative().nullish(),
  eval_count: z.number().int().nonnegative().nullish(),
  error: z.string().nullish(),
});
const Embedded = z.object({
  embeddings: z.array(z.array(z.number())),
  prompt_eval_count: z.number().int().nonnegative().nullish(),
});

/** Ollama by its own API (`/api/chat`, `/api/embed`, `/api/tags`, `/api/show`), which tells more than its OpenAI face. */
class OllamaBackend implements ModelBackend {
  readonly name = 'ollama';
  readonly ignores = ignoredBy(features);
  readonly #upstream: Upstream;
  readonly #list = new ModelList({
    name: 'Ollama',
    ttl_ms: MODELS_TTL_MS,
    read: (signal) => this.#load(signal),
  });
  /** Context that each model was last asked to hold. */
  readonly #contexts = new Map<string, number>();

  constructor(base_url: string) {
    this.#upstream = new Upstream({ name: 'Ollama', base_url, idle_timeout_ms: IDLE_TIMEOUT_MS });
  }

  models(signal: AbortSignal): Promise<readonly ModelInfo[]> {
    return this.#list.get(signal);
  }

  async *generate(request: ChatCompletionRequest, options: BackendCallOptions): AsyncIterable<ModelEvent> {
    refuseUnsupported(request);
    const info = await this.#require(request.model, options.signal);
    const num_ctx = this.#contextFor(request, info);
    const id = `chatcmpl-${randomUUID()}`;
    yield {
      type: 'start',
      id,
      model: request.model,
      backend: this.name,
      created_s: Math.floor(Date.now() / 1000),
    };
    let input_tokens = 0;
    let output_tokens = 0;
    for (let choice = 0; choice < (request.n ?? 1); choice++) {
      let calls = 0;
      let finished = false;
      for await (const line of this.#lines('/api/chat', chatBody(request, { choice, num_ctx }), options)) {
        if (line.message?.thinking) yield { type: 'reasoning', choice, text: line.message.thinking };
        if (line.message?.content) yield { type: 'text', choice, text: line.message.content };
        for (const call of line.message?.tool_calls ?? []) {
          yield {
            type: 'tool_call',
            choice,
            index: calls++,
            id: `call_${randomUUID()}`,
            name: call.function.name,
            arguments_delta: JSON.stringify(call.function.arguments ?? {}),
          };
        }
        if (!line.done) continue;
        finished = true;
        input_tokens = Math.max(input_tokens, line.prompt_eval_count ?? 0);
        output_tokens += line.eval_count ?? 0;
        const raw = line.done_reason ?? 'stop';
        yield {
          type: 'finish',
          choice,
          reason: calls > 0 ? { unified: 'tool_calls', raw } : readFinish(raw),
        };
      }
      if (!finished) throw new PlatformError('upstream_interrupted', INTERRUPTED);
    }
    yield { type: 'usage', usage: { input_tokens, output_tokens } };
  }

  async embed(request: EmbeddingsRequest, options: BackendCallOptions): Promise<EmbeddingsResult> {
    await this.#require(request.model, options.signal);
    const body = {
      model: request.model,
      input: request.input,
      truncate: false,
      ...(request.dimensions == null ? {} : { dimensions: request.dimensions }),
    };
    const json = await this.#upstream.postJson('/api/embed', body, options);
    const { embeddings, prompt_eval_count } = read(Embedded, json);
    return { model: request.model, vectors: embeddings, input_tokens: prompt_eval_count ?? 0 };
  }

  async countTokens(request: CountTokensRequest, options: BackendCallOptions): Promise<TokenCount> {
    const model = await this.#require(request.model, options.signal);
    const chars = request.messages.reduce((sum, message) => sum + textOf(message).length + 12, 0);
    return { tokens: Math.ceil(chars / CHARS_PER_TOKEN), exact: false, max_context: model.max_context };
  }

  close(): Promise<void> {
    return this.#upstream.close();
  }

  async #require(id: string, signal: AbortSignal): Promise<ModelInfo> {
    const models = await this.#list.get(signal).catch((error: unknown) => {
      if (signal.aborted) throw abortError(signal, error);
      throw new PlatformError('upstream_failed', 'Ollama cannot be reached. Is it running at OLLAMA_URL?', {
        cause: error,
      });
    });
    const model = models.find((one) => one.id === id);
    if (model === undefined)
      throw new PlatformError(
        'model_not_found',
        `Ollama has no model '${id.slice(0, 80)}'. Pull it with: ollama pull ${id.slice(0, 80)}`,
        { param: 'model' },
      );
    return model;
  }

  /** A context that grows with what is needed and never shrinks: Ollama loads a model anew when it changes. */
  #contextFor(request: ChatCompletionRequest, { id, max_context }: ModelInfo): number {
    const known = this.#contexts.get(id) ?? 0;
    const num_ctx = Math.max(known, contextFor(request, max_context));
    this.#contexts.set(id, num_ctx);
    return num_ctx;
  }

  async #load(signal: AbortSignal): Promise<readonly ModelInfo[]> {
    const { models } = Tags.parse(await this.#upstream.read('/api/tags', signal));
    return await Promise.all(models.map(({ name }) => this.#describe(name, signal)));
  }

  async #describe(name: string, signal: AbortSignal): Promise<ModelInfo> {
    const said = await this.#upstream.read('/api/show', signal, { model: name }).catch(() => undefined);
    const show = Show.safeParse(said).data;
    const length = Object.entries(show?.model_info ?? {}).find(([key]) =>
      key.endsWith('.context_length'),
    )?.[1];
    const embedding =
      show?.capabilities == null
        ? /embed/i.test(name)
        : show.capabilities.includes('embedding') && !show.capabilities.includes('completion');
    return {
      id: name,
      backend: this.name,
      kind: embedding ? 'embedding' : 'chat',
      owned_by: 'ollama',
      max_context: typeof length === 'number' && length > 0 ? length : DEFAULT_CONTEXT,
      ...SELF_HOSTED,
      ...(show?.capabilities == null || embedding
        ? {}
        : {
            capabilities: capabilitiesOf({
              tools: show.capabilities.includes('tools'),
              json_schema: true,
              images: show.capabilities.includes('vision'),
              reasoning: show.capabilities.includes('thinking'),
            }),
          }),
      status: 'ready',
    };
  }

  async *#lines(
    path: string,
    body: object,
    options: BackendCallOptions,
  ): AsyncIterable<z.infer<typeof Line>> {
    const response = await this.#upstream.post(path, body, options);
    const decoder = new TextDecoder();
    let rest = '';
    for await (const bytes of this.#upstream.bytes(response, options)) {
      rest += decoder.decode(bytes, { stream: true });
      if (rest.length > MAX_LINE_CHARS)
        throw new PlatformError('upstream_failed', 'Ollama sent a line beyond its bound.');
      for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
        const text = rest.slice(0, at).trim();
        rest = rest.slice(at + 1);
        if (text !== '') yield lineOf(text);
      }
    }
    // The last line may lack its end; half a line is no line.
    if (jsonOf(rest) !== undefined || !isCut(rest)) yield lineOf(rest);
  }
}

function lineOf(text: string): z.infer<typeof Line> {
  const line = read(Line, jsonOf(text));
  if (line.error != null) throw upstreamError({ message: line.error, status: 502 });
  return line;
}

/** Throws `upstream_failed` for what is no JSON, or not of Ollama's shape. */
function read<S extends z.ZodType>(schema: S, json: unknown): z.output<S> {
  return readAnswer(schema, json, 'Ollama sent what cannot be read. Does OLLAMA_URL name an Ollama server?');
}

export function create(env: ConfigOf<typeof manifest.settings>): readonly ModelBackend[] {
  return [new OllamaBackend(env.OLLAMA_URL)];
}
