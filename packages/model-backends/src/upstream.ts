/** A server elsewhere, over HTTP: its connections are kept, and what goes wrong is told in the platform's words. */
import { type BackendCallOptions, jsonOf, PlatformError } from '@mcp/contracts';
import { type HttpAnswer, httpCall } from '@mcp/service-kit';
import { errorFromBody, retryAfterMs, upstreamError } from '@mcp/wire';
import { Pool } from 'undici';
import { abortError } from './abort.ts';
import { isCut } from './text.ts';

const CONNECT_TIMEOUT_MS = 5000;
/** A stream in which nothing comes for this long is given up. */
const IDLE_TIMEOUT_MS = 120_000;
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const BROKE_OFF = 'broke off in the middle of its answer';

type Headers = Readonly<Record<string, string>>;

/** What a refusal came with. */
interface Refusal {
  readonly status: number;
  readonly retry_after_ms: number | undefined;
  readonly headers: HttpAnswer['headers'];
}

export interface UpstreamOptions {
  /** As people know it, the subject of what is told of it. */
  readonly name: string;
  readonly base_url: string;
  /** Sent with every request: its key, the version of its API. */
  readonly headers?: Headers;
  /** Headers that each request needs anew: a signature, or a token that expires. */
  authorize?(request: { method: string; url: string; body: string }): Promise<Headers>;
  /** The error that a body stands for, where it is not one of the usual shapes. */
  failure?(json: unknown, refusal: Refusal): PlatformError | undefined;
  readonly idle_timeout_ms?: number;
}

export class Upstream {
  readonly name: string;
  readonly #options: UpstreamOptions;
  readonly #pool: Pool;
  readonly #origin: string;
  readonly #prefix: string;
  readonly #headers: Headers;
  #closed = false;

  constructor(options: UpstreamOptions) {
    this.name = options.name;
    this.#options = options;
    const url = new URL(options.base_url);
    this.#origin = url.origin;
    this.#prefix = url.pathname.replace(/\/$/, '');
    const idle_ms = options.idle_timeout_ms ?? IDLE_TIMEOUT_MS;
    this.#pool = new Pool(url.origin, {
      connections: 4096,
      pipelining: 1,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: idle_ms,
      bodyTimeout: idle_ms,
      keepAliveTimeout: 30_000,
    });
    this.#headers = { 'content-type': 'application/json', ...options.headers };
  }

  /** Asks with a JSON body. Resolves once the server has accepted; its refusal is thrown. */
  async post(path: string, body: object, call: BackendCallOptions): Promise<HttpAnswer> {
    const response = await this.#send({ method: 'POST', path, body: JSON.stringify(body) }, call);
    if (response.statusCode < 400) return response;
    const refusal: Refusal = {
      status: response.statusCode,
      retry_after_ms: retryAfterMs(response.headers),
      headers: response.headers,
    };
    const json = jsonOf(await this.#text(response, call));
    throw (
      this.#options.failure?.(json, refusal) ??
      errorFromBody(json, refusal) ??
      upstreamError({
        message: `${this.name} answered with status ${refusal.status}.`,
        status: refusal.status,
        retry_after_ms: refusal.retry_after_ms,
      })
    );
  }

  /** As {@link post}, with the JSON of the answer: undefined where it is none. */
  async postJson(path: string, body: object, call: BackendCallOptions): Promise<unknown> {
    return await this.json(await this.post(path, body, call), call);
  }

  /** The JSON of an answer, undefined where it is none. Throws `upstream_interrupted` when it is half of one. */
  async json(response: HttpAnswer, call: BackendCallOptions): Promise<unknown> {
    const text = await this.#text(response, call);
    const json = jsonOf(text);
    if (json === undefined && isCut(text)) throw this.#translate(undefined, call.signal, BROKE_OFF);
    return json;
  }

  /** The bytes of an answer as they come. */
  async *bytes({ body }: HttpAnswer, call: BackendCallOptions): AsyncIterable<Uint8Array> {
    try {
      yield* body;
    } catch (cause) {
      throw this.#translate(cause, call.signal, BROKE_OFF);
    }
  }

  /** Reads what a server tells of itself. Throws an Error that says why it cannot be read. */
  async read(path: string, signal: AbortSignal, body?: object): Promise<unknown> {
    const request = { method: body === undefined ? ('GET' as const) : ('POST' as const), path };
    const response = await this.#send(
      body === undefined ? request : { ...request, body: JSON.stringify(body) },
      { signal, traceparent: undefined },
    );
    if (response.statusCode >= 400) {
      response.body.discard();
      throw new Error(`${path} answered with status ${response.statusCode}`);
    }
    return jsonOf(await response.body.text(MAX_BODY_BYTES));
  }

  /** Ends all its calls with `unavailable`: the connections end, so that no call needs a signal of two. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#pool.destroy(this.#ended());
  }

  async #send(
    request: { method: 'GET' | 'POST'; path: string; body?: string },
    { signal, traceparent, hops = 0 }: Pick<BackendCallOptions, 'signal' | 'traceparent' | 'hops'>,
  ): Promise<HttpAnswer> {
    const path = `${this.#prefix}${request.path}`;
    const { authorize } = this.#options;
    try {
      // A server may be a gateway like this one, and ask this one again.
      let headers: Headers = { ...this.#headers, 'x-mcp-hops': String(hops + 1) };
      if (traceparent !== undefined) headers = { ...headers, traceparent };
      if (authorize !== undefined) {
        const { method, body = '' } = request;
        headers = { ...headers, ...(await authorize({ method, url: `${this.#origin}${path}`, body })) };
      }
      return await httpCall(this.#pool, { ...request, path, headers, signal });
    } catch (cause) {
      throw this.#translate(cause, signal, 'cannot be reached');
    }
  }

  async #text(response: HttpAnswer, call: BackendCallOptions): Promise<string> {
    try {
      return await response.body.text(MAX_BODY_BYTES);
    } catch (cause) {
      if (cause instanceof RangeError)
        throw new PlatformError('upstream_failed', `${this.name} sent an answer beyond its bound.`, {
          cause,
        });
      throw this.#translate(cause, call.signal, BROKE_OFF);
    }
  }

  #ended(): PlatformError {
    return new PlatformError('unavailable', `The backend ${this.name} is being shut down.`);
  }

  #translate(cause: unknown, signal: AbortSignal, what: string): PlatformError {
    if (cause instanceof PlatformError && !signal.aborted && !this.#closed) return cause;
    if (signal.aborted) return abortError(signal, cause);
    if (this.#closed) return this.#ended();
    return new PlatformError(
      what === BROKE_OFF ? 'upstream_interrupted' : 'upstream_failed',
      `${this.name} ${what}. Try again, or choose another model.`,
      { cause },
    );
  }
}
