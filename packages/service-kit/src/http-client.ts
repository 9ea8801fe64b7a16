import { setTimeout as sleep } from 'node:timers/promises';
import { type CallContext, ERROR_CODES, type ErrorCode, PlatformError } from '@mcp/contracts';
import { type Dispatcher, Pool } from 'undici';
import { z } from 'zod';

const MAX_ERROR_BYTES = 64 * 1024;

/** Errors that say nothing was delivered, so that a retry cannot do the work twice. */
const NOT_DELIVERED = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** Errors of a connection that died: what only reads is asked again, for it may be done twice. */
const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

const WireError = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean().optional(),
  retry_after_ms: z.number().nullish(),
  param: z.string().nullish(),
});
const ProblemBody = z.object({ code: z.string(), detail: z.string(), param: z.string().optional() });
const OpenAiBody = z.object({
  error: z.object({ message: z.string(), code: z.string().nullish(), param: z.string().nullish() }),
});

export interface RequestOptions {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
}

interface ServiceClientOptions {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  /** How long a service that is just coming back is waited for. */
  readonly patience_ms: number;
}

/** HTTP between services: pooled connections, the call's trace, deadline and caller in headers, errors restored. */
export class ServiceClient {
  readonly #pool: Pool;
  readonly #token: string;
  readonly #name: string;
  readonly #patience_ms: number;

  constructor({ name, url, token, patience_ms }: ServiceClientOptions) {
    this.#name = name;
    this.#token = token;
    this.#patience_ms = patience_ms;
    this.#pool = new Pool(url, {
      connections: 256,
      pipelining: 1,
      keepAliveTimeout: 30_000,
      connect: { timeout: 2000 },
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** Asks and reads the whole JSON answer. */
  async json(options: RequestOptions, call: CallContext): Promise<unknown> {
    const body = await this.stream(options, call);
    try {
      return await body.json();
    } catch (cause) {
      throw this.#translate(cause, call);
    }
  }

  /** Asks and returns the body as it arrives. Throws the far side's error before the first byte. */
  async stream(options: RequestOptions, call: CallContext): Promise<Dispatcher.ResponseData['body']> {
    const response = await this.#request(options, call);
    if (response.statusCode >= 400) throw await this.#failure(response);
    return response.body;
  }

  /** Reads a body; what breaks on the way becomes a PlatformError. */
  async *bytes(body: AsyncIterable<Uint8Array>, call: CallContext): AsyncIterable<Uint8Array> {
    try {
      yield* body;
    } catch (cause) {
      throw this.#translate(cause, call);
    }
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #request(options: RequestOptions, call: CallContext): Promise<Dispatcher.ResponseData> {
    const give_up_ms = Math.min(Date.now() + this.#patience_ms, call.deadline_ms);
    const payload = options.body === undefined ? null : JSON.stringify(options.body);
    for (let wait_ms = 50; ; wait_ms = Math.min(wait_ms * 2, 800)) {
      try {
        return await this.#pool.request({
          method: options.method,
          path: options.path,
          headers: this.#headers(call),
          body: payload,
          signal: call.signal,
        });
      } catch (cause) {
        const code = errorCode(cause);
        if (
          call.signal.aborted ||
          code === undefined ||
          !(NOT_DELIVERED.has(code) || (options.method === 'GET' && BROKEN.has(code))) ||
          Date.now() + wait_ms > give_up_ms
        )
          throw this.#translate(cause, call);
        await sleep(wait_ms, undefined, { signal: call.signal }).catch((reason: unknown) => {
          throw this.#translate(reason, call);
        });
      }
    }
  }

  #headers(call: CallContext): Record<string, string> {
    return {
      authorization: `Bearer ${this.#token}`,
      'content-type': 'application/json',
      'x-request-id': call.request_id,
      'x-mcp-deadline': String(call.deadline_ms),
      'x-mcp-class': call.class,
      'x-mcp-principal': Buffer.from(JSON.stringify(call.principal)).toString('base64url'),
      ...(call.traceparent === undefined ? {} : { traceparent: call.traceparent }),
    };
  }

  async #failure(response: Dispatcher.ResponseData): Promise<PlatformError> {
    const text = await boundedText(response.body);
    const retry = Number(
      response.headers['retry-after-ms'] ?? Number(response.headers['retry-after'] ?? Number.NaN) * 1000,
    );
    const fields = readErrorBody(text);
    const code = isCode(fields?.code)
      ? fields.code
      : response.statusCode === 503
        ? 'unavailable'
        : 'upstream_failed';
    return new PlatformError(
      code,
      fields?.message ?? `${this.#name} answered with status ${response.statusCode}.`,
      {
        ...(Number.isFinite(retry) ? { retry_after_ms: retry } : {}),
        ...(fields?.param === undefined ? {} : { param: fields.param }),
      },
    );
  }

  #translate(cause: unknown, call: CallContext): PlatformError {
    if (cause instanceof PlatformError) return cause;
    if (call.signal.aborted)
      return call.signal.reason instanceof PlatformError
        ? call.signal.reason
        : new PlatformError('cancelled', 'The caller left before the answer was complete.', { cause });
    const code = errorCode(cause);
    if (code !== undefined && NOT_DELIVERED.has(code))
      return new PlatformError(
        'unavailable',
        `${this.#name} cannot be reached just now. Try again in a few seconds.`,
        { cause, retry_after_ms: 2000 },
      );
    return new PlatformError(
      'upstream_interrupted',
      `${this.#name} broke off in the middle of its answer. Try again.`,
      { cause },
    );
  }
}

/** Restores an error that travelled as fields. */
export function restoreError(fields: unknown): PlatformError {
  const parsed = WireError.safeParse(fields).data;
  if (parsed === undefined)
    return new PlatformError('upstream_failed', 'A service reported an error that cannot be read.');
  return new PlatformError(isCode(parsed.code) ? parsed.code : 'upstream_failed', parsed.message, {
    ...(parsed.retryable === undefined ? {} : { retryable: parsed.retryable }),
    ...(parsed.retry_after_ms == null ? {} : { retry_after_ms: parsed.retry_after_ms }),
    ...(parsed.param == null ? {} : { param: parsed.param }),
  });
}

function readErrorBody(
  text: string,
): { code: string | undefined; message: string; param: string | undefined } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const problem = ProblemBody.safeParse(value).data;
  if (problem !== undefined) return { code: problem.code, message: problem.detail, param: problem.param };
  const openai = OpenAiBody.safeParse(value).data;
  if (openai === undefined) return undefined;
  const code = openai.error.code === 'invalid_api_key' ? 'unauthenticated' : (openai.error.code ?? undefined);
  return { code, message: openai.error.message, param: openai.error.param ?? undefined };
}

async function boundedText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > MAX_ERROR_BYTES) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function isCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && code in ERROR_CODES;
}

function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
