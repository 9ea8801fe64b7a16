import {
  type BackendCallOptions,
  type EmbeddingsResult,
  type ModelEvent,
  type ModelInfo,
  PlatformError,
} from '@mcp/contracts';
import { type HttpAnswer, httpCall } from '@mcp/service-kit';
import {
  decodeChatCompletion,
  decodeChatStream,
  decodeEmbeddings,
  errorFromBody,
  retryAfterMs,
  upstreamError,
} from '@mcp/wire';
import { Pool } from 'undici';
import { z } from 'zod';
import { abortError } from '../abort.ts';
import { isCut } from '../text.ts';
import type { Prices } from './manifest.ts';

const CONNECT_TIMEOUT_MS = 5000;
/** A stream in which nothing comes for this long is given up. */
const IDLE_TIMEOUT_MS = 120_000;
const BROKE_OFF = 'broke off in the middle of its answer';
const MAX_BODY_BYTES = 32 * 1024 * 1024;

const ModelList = z.object({ data: z.array(z.object({ id: z.string() })) });

export interface TargetOptions {
  readonly name: string;
  readonly base_url: string;
  readonly api_key?: string | undefined;
  readonly models?: readonly string[] | undefined;
  readonly embedding_models: readonly string[];
  readonly max_context: number;
  readonly max_concurrency?: number | undefined;
  readonly prices: Prices;
}

/** One server that speaks OpenAI's wire. Its connections are kept. */
export class Target {
  readonly name: string;
  readonly options: TargetOptions;
  readonly #pool: Pool;
  #closed = false;
  readonly #prefix: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(options: TargetOptions) {
    this.name = options.name;
    this.options = options;
    const url = new URL(options.base_url);
    this.#prefix = url.pathname.replace(/\/$/, '');
    this.#pool = new Pool(url.origin, {
      connections: 4096,
      pipelining: 1,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: IDLE_TIMEOUT_MS,
      bodyTimeout: IDLE_TIMEOUT_MS,
      keepAliveTimeout: 30_000,
    });
    this.#headers = {
      'content-type': 'application/json',
      ...(options.api_key === undefined ? {} : { authorization: `Bearer ${options.api_key}` }),
    };
  }

  /** Asks for a completion. Resolves once the server has accepted; a refusal is thrown before any event. */
  async chat(
    body: { stream?: boolean | null | undefined; model: string },
    options: BackendCallOptions,
  ): Promise<AsyncIterable<ModelEvent> | Iterable<ModelEvent>> {
    const response = await this.#post('/chat/completions', body, options);
    if (body.stream === true && String(response.headers['content-type'] ?? '').includes('event-stream'))
      return decodeChatStream(this.#bytes(response.body, options));
    return decodeChatCompletion(await this.#json(response, options));
  }

  async embed(body: object, options: BackendCallOptions): Promise<EmbeddingsResult> {
    return decodeEmbeddings(await this.#json(await this.#post('/embeddings', body, options), options));
  }

  /** Its models: those configured, else those that it lists. Throws when its list cannot be read. */
  async list(signal: AbortSignal): Promise<readonly ModelInfo[]> {
    const { models, embedding_models } = this.options;
    const ids = models ?? (await this.#ids(signal));
    return [...new Set([...ids, ...embedding_models])].map((id) => this.#describe(id));
  }

  async #ids(signal: AbortSignal): Promise<readonly string[]> {
    const response = await this.#pool.request({
      method: 'GET',
      path: `${this.#prefix}/models`,
      headers: this.#headers,
      signal,
    });
    if (response.statusCode >= 400) {
      await response.body.dump();
      throw new Error(`its model list answered with status ${response.statusCode}`);
    }
    return ModelList.parse(await response.body.json()).data.map(({ id }) => id);
  }

  #describe(id: string): ModelInfo {
    const { prices, embedding_models, max_context, max_concurrency } = this.options;
    const price = Object.hasOwn(prices, id) ? prices[id] : undefined;
    const embedding = embedding_models.includes(id) || /embed/i.test(id);
    return {
      id,
      backend: 'openai',
      kind: embedding ? 'embedding' : 'chat',
      owned_by: this.name,
      max_context,
      ...(max_concurrency === undefined ? {} : { max_concurrency }),
      cost_input_per_mtok_usd: price?.input ?? null,
      cost_output_per_mtok_usd: price?.output ?? null,
      status: 'ready',
    };
  }

  /** Ends all its calls with `unavailable`: the connections end, so that no call needs a signal of two. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#pool.destroy(this.#ended());
  }

  #ended(): PlatformError {
    return new PlatformError('unavailable', `The backend ${this.name} is being shut down.`);
  }

  async #post(path: string, body: object, options: BackendCallOptions): Promise<HttpAnswer> {
    let response: HttpAnswer;
    try {
      const headers =
        options.traceparent === undefined
          ? this.#headers
          : { ...this.#headers, traceparent: options.traceparent };
      response = await httpCall(this.#pool, {
        method: 'POST',
        path: `${this.#prefix}${path}`,
        headers,
        body: JSON.stringify(body),
        signal: options.signal,
      });
    } catch (cause) {
      throw this.#translate(cause, options.signal, 'cannot be reached');
    }
    if (response.statusCode < 400) return response;
    const retry_after_ms = retryAfterMs(response.headers);
    const text = await this.#text(response, options);
    throw (
      errorFromBody(parse(text), { status: response.statusCode, retry_after_ms }) ??
      upstreamError({
        message: `${this.name} answered with status ${response.statusCode}.`,
        status: response.statusCode,
        retry_after_ms,
      })
    );
  }

  async #json(response: HttpAnswer, options: BackendCallOptions): Promise<unknown> {
    const text = await this.#text(response, options);
    const json = parse(text);
    if (json === undefined && isCut(text)) throw this.#translate(undefined, options.signal, BROKE_OFF);
    return json;
  }

  async #text(response: HttpAnswer, options: BackendCallOptions): Promise<string> {
    try {
      return await response.body.text(MAX_BODY_BYTES);
    } catch (cause) {
      if (cause instanceof RangeError)
        throw new PlatformError('upstream_failed', `${this.name} sent an answer beyond its bound.`, {
          cause,
        });
      throw this.#translate(cause, options.signal, BROKE_OFF);
    }
  }

  async *#bytes(body: AsyncIterable<Uint8Array>, options: BackendCallOptions): AsyncIterable<Uint8Array> {
    try {
      yield* body;
    } catch (cause) {
      throw this.#translate(cause, options.signal, BROKE_OFF);
    }
  }

  #translate(cause: unknown, signal: AbortSignal, what: string): PlatformError {
    if (signal.aborted) return abortError(signal, cause);
    if (this.#closed) return this.#ended();
    return new PlatformError(
      what === BROKE_OFF ? 'upstream_interrupted' : 'upstream_failed',
      `${this.name} ${what}. Try again, or choose another model.`,
      { cause },
    );
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
