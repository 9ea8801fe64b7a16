import type {
  BackendCallOptions,
  ChatCompletionRequest,
  ConfigOf,
  CountTokensRequest,
  EmbeddingsRequest,
  EmbeddingsResult,
  ModelBackend,
  ModelEvent,
  ModelInfo,
  TokenCount,
} from '@mcp/contracts';
import { ModelList } from '../model-list.ts';
import { type manifest, TargetConfig } from './manifest.ts';
import { Target, type TargetOptions } from './target.ts';

const MODELS_TTL_MS = 30_000;

/** A server that speaks OpenAI's wire: OpenAI, vLLM, LM Studio, Groq, DeepSeek, llama.cpp. One attempt per call. */
class OpenAiBackend implements ModelBackend {
  readonly name = 'openai';
  readonly target: string;
  readonly #target: Target;
  readonly #list: ModelList;

  constructor(options: TargetOptions) {
    this.target = options.name;
    this.#target = new Target(options);
    this.#list = new ModelList({
      name: options.name,
      ttl_ms: MODELS_TTL_MS,
      read: (signal) => this.#target.list(signal),
    });
  }

  models(signal: AbortSignal): Promise<readonly ModelInfo[]> {
    return this.#list.get(signal);
  }

  async *generate(request: ChatCompletionRequest, call: BackendCallOptions): AsyncIterable<ModelEvent> {
    const { store: _kept, ...rest } = request;
    const body =
      request.stream === true ? { ...rest, stream: true, stream_options: { include_usage: true } } : rest;
    const events = await this.#target.chat(body, call);
    for await (const event of events)
      yield event.type === 'start' ? { ...event, model: request.model, backend: this.target } : event;
  }

  async embed(request: EmbeddingsRequest, call: BackendCallOptions): Promise<EmbeddingsResult> {
    const result = await this.#target.embed(request, call);
    return { ...result, model: request.model };
  }

  async countTokens(request: CountTokensRequest): Promise<TokenCount> {
    const { max_context } = this.#target.options;
    return { tokens: await estimate(request), exact: false, max_context };
  }

  async close(): Promise<void> {
    await this.#target.close();
  }
}

/** Tokens by OpenAI's o200k vocabulary: an estimate for other models. Loaded on first use, for it is large. */
async function estimate(request: CountTokensRequest): Promise<number> {
  const { encode } = await import('gpt-tokenizer/encoding/o200k_base');
  // What looks like a special token is text here: left to itself the tokenizer throws.
  const as_text = { disallowedSpecial: new Set<string>() };
  return request.messages.reduce(
    (sum, message) =>
      sum +
      3 +
      encode(
        typeof message.content === 'string' ? message.content : JSON.stringify(message.content ?? ''),
        as_text,
      ).length,
    3,
  );
}

/** One backend for each server: the targets, then the one that OPENAI_BASE_URL and OPENAI_API_KEY name. */
export function create(env: ConfigOf<typeof manifest.settings>): readonly ModelBackend[] {
  const targets = [...(env.OPENAI_TARGETS ?? [])];
  if (env.OPENAI_BASE_URL !== undefined || env.OPENAI_API_KEY !== undefined)
    targets.push({
      ...TargetConfig.parse({
        name: 'openai',
        base_url: env.OPENAI_BASE_URL ?? 'https://api.openai.com/v1',
      }),
      api_key: env.OPENAI_API_KEY,
    });
  return targets.map((options) => new OpenAiBackend(options));
}
