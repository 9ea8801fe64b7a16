import { setTimeout as sleep } from 'node:timers/promises';
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
import { abortError, Closing, untilAborted } from '../abort.ts';
import { defineBackend, jsonVariable, Prices } from '../options.ts';
import { Target, type TargetOptions } from './target.ts';

const TargetConfig = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/),
  base_url: z.url(),
  api_key: z.string().optional(),
  /** Models it serves, where its list cannot be read or is too long. */
  models: z.array(z.string()).optional(),
  embedding_models: z.array(z.string()).default([]),
  max_context: z.number().int().positive().default(128_000),
  prices: Prices.default({}),
});

const MODELS_TTL_MS = 30_000;
const MAX_ATTEMPTS = 3;

/**
 * Any server that speaks OpenAI's wire: OpenAI, vLLM, LM Studio, Groq, DeepSeek, llama.cpp. Model ids are
 * `<target>/<model>`, and the bare id where only one target has it.
 */
class OpenAiBackend implements ModelBackend {
  readonly name = 'openai';
  readonly #targets: readonly Target[];
  readonly #closing = new Closing();
  #known:
    | {
        at_ms: number;
        models: readonly ModelInfo[];
        routes: ReadonlyMap<string, { target: Target; model: string }>;
        /** Why a server's list could not be read, where one could not. */
        detail: string | undefined;
      }
    | undefined;
  #refreshing: Promise<void> | undefined;

  constructor(targets: readonly TargetOptions[]) {
    this.#targets = targets.map((options) => new Target(options));
  }

  async models(signal: AbortSignal): Promise<readonly ModelInfo[]> {
    await untilAborted(this.#refresh(), signal);
    return this.#known?.models ?? [];
  }

  async *generate(request: ChatCompletionRequest, call: BackendCallOptions): AsyncIterable<ModelEvent> {
    const options = this.#closing.guard(call);
    const { target, model } = await this.#route(request.model, options.signal);
    const { store: _kept, ...rest } = request;
    const body = {
      ...rest,
      model,
      ...(request.stream === true ? { stream: true, stream_options: { include_usage: true } } : {}),
    };
    const events = await this.#retrying(target, options, () => target.chat(body, options));
    for await (const event of events)
      yield event.type === 'start' ? { ...event, model: request.model, backend: target.name } : event;
  }

  async embed(request: EmbeddingsRequest, call: BackendCallOptions): Promise<EmbeddingsResult> {
    const options = this.#closing.guard(call);
    const { target, model } = await this.#route(request.model, options.signal);
    const result = await this.#retrying(target, options, () => target.embed({ ...request, model }, options));
    return { ...result, model: request.model };
  }

  async countTokens(request: CountTokensRequest, options: BackendCallOptions): Promise<TokenCount> {
    const { target } = await this.#route(request.model, options.signal);
    return { tokens: await estimate(request), exact: false, max_context: target.options.max_context };
  }

  async close(): Promise<void> {
    this.#closing.close(this.name);
    await Promise.all(this.#targets.map((target) => target.close()));
  }

  /** Tries again, with back-off, as long as nothing has come from the server yet. */
  async #retrying<T>(target: Target, options: BackendCallOptions, attempt: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await attempt();
      } catch (thrown) {
        const error =
          thrown instanceof PlatformError
            ? thrown
            : new PlatformError('upstream_failed', `${target.name} failed.`, { cause: thrown });
        const wait_ms = error.retry_after_ms ?? 100 * 2 ** tries * (0.75 + Math.random() / 2);
        const last =
          tries >= MAX_ATTEMPTS ||
          !error.retryable ||
          options.signal.aborted ||
          Date.now() + wait_ms > options.deadline_ms ||
          wait_ms > 5000;
        if (last) throw error;
        await sleep(wait_ms, undefined, { signal: options.signal }).catch((cause: unknown) => {
          throw abortError(options.signal, cause);
        });
      }
    }
  }

  async #route(id: string, signal: AbortSignal): Promise<{ target: Target; model: string }> {
    let route = this.#known?.routes.get(id);
    if (route === undefined || this.#stale()) {
      await untilAborted(this.#refresh(), signal);
      route = this.#known?.routes.get(id);
    }
    if (route === undefined && this.#known?.detail !== undefined)
      throw new PlatformError(
        'upstream_failed',
        `The model '${id.slice(0, 80)}' cannot be looked up: ${this.#known.detail}. Try again later.`,
      );
    if (route === undefined)
      throw new PlatformError(
        'model_not_found',
        `No configured server has the model '${id.slice(0, 80)}'. See GET /v1/models.`,
        { param: 'model' },
      );
    return route;
  }

  #stale(): boolean {
    return this.#known === undefined || Date.now() - this.#known.at_ms > MODELS_TTL_MS;
  }

  async #refresh(): Promise<void> {
    if (!this.#stale()) return;
    this.#refreshing ??= this.#load().finally(() => {
      this.#refreshing = undefined;
    });
    // What is known may be used while the list is read again.
    if (this.#known === undefined) await this.#refreshing;
  }

  async #load(): Promise<void> {
    const lists = await Promise.all(
      this.#targets.map(async (target) => ({ target, ...(await target.list()) })),
    );
    const routes = new Map<string, { target: Target; model: string }>();
    const models: ModelInfo[] = [];
    const counts = new Map<string, number>();
    for (const { ids } of lists) for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
    for (const { target, ids, detail } of lists) {
      for (const model of ids) {
        const bare = counts.get(model) === 1;
        const id = bare ? model : `${target.name}/${model}`;
        routes.set(`${target.name}/${model}`, { target, model });
        if (bare) routes.set(model, { target, model });
        models.push(target.describe(id, model, detail));
      }
    }
    const failed = lists.find(({ detail }) => detail !== undefined);
    this.#known = {
      at_ms: Date.now(),
      models,
      routes,
      detail: failed === undefined ? undefined : `${failed.target.name}: ${failed.detail}`,
    };
  }
}

/** Tokens by OpenAI's o200k vocabulary: an estimate for other models. Loaded on first use, for it is large. */
async function estimate(request: CountTokensRequest): Promise<number> {
  const { encode } = await import('gpt-tokenizer/encoding/o200k_base');
  return request.messages.reduce(
    (sum, message) =>
      sum +
      3 +
      encode(typeof message.content === 'string' ? message.content : JSON.stringify(message.content ?? ''))
        .length,
    3,
  );
}

export const openai = defineBackend({
  env: z.object({
    OPENAI_BASE_URL: z.url().optional(),
    OPENAI_API_KEY: z.string().min(1).optional(),
    OPENAI_TARGETS: jsonVariable('OPENAI_TARGETS', z.array(TargetConfig)).optional(),
  }),
  create(env) {
    const targets: TargetOptions[] = (env.OPENAI_TARGETS ?? []).map(({ api_key, models, ...rest }) => ({
      ...rest,
      api_key,
      models,
    }));
    if (env.OPENAI_BASE_URL !== undefined || env.OPENAI_API_KEY !== undefined) {
      targets.push({
        ...TargetConfig.parse({
          name: 'openai',
          base_url: env.OPENAI_BASE_URL ?? 'https://api.openai.com/v1',
        }),
        api_key: env.OPENAI_API_KEY,
        models: undefined,
      });
    }
    return new OpenAiBackend(targets);
  },
});
