import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CallContext,
  ERROR_CODES,
  type ErrorCode,
  jsonOf,
  PlatformError,
  type ServiceName,
} from '@mcp/contracts';
import { Pool } from 'undici';
import { z } from 'zod';
import { backOff } from '../runtime/back-off.ts';
import type { TokenSigner } from '../runtime/identity.ts';
import { callScope } from './call-scope.ts';
import { type HttpAnswer, type HttpBody, httpCall } from './http-call.ts';
import { Places } from './places.ts';

const MAX_ERROR_BYTES = 64 * 1024;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * Calls to one service in progress at once, and waiting for a connection. Those that last as long as a model speaks
 * have connections of their own, so that short ones never stand behind them.
 */
export const LANES = {
  short: { places: 256, max_waiting: 1024 },
  long: { places: 2048, max_waiting: 512 },
} as const;

/** Errors that say nothing was delivered, so that a retry cannot do the work twice. */
const NOT_DELIVERED = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** Errors of a connection that died: what may be done twice is asked again. */
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
  /** Whether it may be asked twice, when a connection broke off before its answer. */
  readonly idempotent?: boolean;
  /** `short` unless said otherwise; a stream is always `long`. */
  readonly lane?: keyof typeof LANES;
}

interface ServiceClientOptions {
  readonly name: ServiceName;
  readonly url: string;
  readonly signer: TokenSigner;
  /** How long a service that is just coming back is waited for. */
  readonly connect_timeout_ms: number;
}

/** HTTP between services: pooled connections, the call's trace, deadline and caller in headers, errors restored. */
export class ServiceClient {
  readonly #pools: Readonly<Record<keyof typeof LANES, Pool>>;
  readonly #places: Readonly<Record<keyof typeof LANES, Places>>;
  readonly #signer: TokenSigner;
  readonly #name: ServiceName;
  readonly #connect_timeout_ms: number;

  constructor({ name, url, signer, connect_timeout_ms }: ServiceClientOptions) {
    this.#name = name;
    this.#signer = signer;
    this.#connect_timeout_ms = connect_timeout_ms;
    // The places bound them: a connection that is just closing must not make a call wait that has a place.
    const pool = () =>
      new Pool(url, {
        pipelining: 1,
        keepAliveTimeout: 30_000,
        connect: { timeout: 2000 },
        headersTimeout: 0,
        bodyTimeout: 0,
      });
    this.#pools = { short: pool(), long: pool() };
    this.#places = {
      short: new Places({ name: `Short calls to ${name}`, ...LANES.short }),
      long: new Places({ name: `Streams and generations of ${name}`, ...LANES.long }),
    };
  }

  /** Asks and reads the whole JSON answer. */
  async json(options: RequestOptions, call: CallContext): Promise<unknown> {
    const body = await this.#ask(options, call);
    try {
      return JSON.parse(await body.text(MAX_ANSWER_BYTES));
    } catch (cause) {
      throw this.#translate(cause, call.signal);
    }
  }

  /** Asks and returns the body as it arrives. Throws the far side's error before the first byte. */
  stream(options: Omit<RequestOptions, 'lane'>, call: CallContext): Promise<HttpBody> {
    return this.#ask({ ...options, lane: 'long' }, call);
  }

  /** Reads a body; what breaks on the way becomes a PlatformError. */
  async *bytes(body: AsyncIterable<Uint8Array>, call: CallContext): AsyncIterable<Uint8Array> {
    try {
      yield* body;
    } catch (cause) {
      throw this.#translate(cause, call.signal);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#pools.short.destroy(), this.#pools.long.destroy()]);
  }

  async #ask(options: RequestOptions, call: CallContext): Promise<HttpBody> {
    const give_up_ms = Math.min(Date.now() + this.#connect_timeout_ms, call.deadline_ms);
    const payload = options.body === undefined ? undefined : JSON.stringify(options.body);
    for (let attempt = 1; ; attempt++) {
      const wait_ms = backOff(attempt, { first_ms: 50, most_ms: 800 });
      try {
        const answer = await this.#attempt({ ...options, payload }, call);
        const left = answer.headers['x-mcp-retries-left'];
        if (typeof left === 'string') call.retries?.settle(Number(left));
        if (answer.statusCode >= 400) throw await this.#failure(answer);
        return answer.body;
      } catch (cause) {
        const code = errorCode(cause);
        if (
          call.signal.aborted ||
          code === undefined ||
          !(NOT_DELIVERED.has(code) || (options.idempotent === true && BROKEN.has(code))) ||
          Date.now() + wait_ms > give_up_ms
        )
          throw this.#translate(cause, call.signal);
        await sleep(wait_ms, undefined, { signal: call.signal }).catch((reason: unknown) => {
          throw this.#translate(reason, call.signal);
        });
      }
    }
  }

  /** Waits for a place, within the deadline, and asks. The place is given back when the answer has ended. */
  async #attempt(
    { lane = 'short', method, path, payload }: RequestOptions & { payload: string | undefined },
    call: CallContext,
  ): Promise<HttpAnswer> {
    const places = this.#places[lane];
    const scope = callScope(call.signal, call.deadline_ms);
    let token: string;
    let entered = false;
    try {
      await places.enter(scope.signal);
      entered = true;
      const made = this.#signer.token(this.#name, call.principal);
      // It has nearly always been made before.
      token = typeof made === 'string' ? made : await made;
    } catch (cause) {
      if (entered) places.leave();
      scope.dispose();
      throw cause;
    }
    return httpCall(this.#pools[lane], {
      method,
      path,
      headers: headersOf(call, token),
      body: payload,
      signal: scope.signal,
      onEnd() {
        places.leave();
        scope.dispose();
      },
    });
  }

  async #failure(response: HttpAnswer): Promise<PlatformError> {
    const text = await response.body.text(MAX_ERROR_BYTES);
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

  #translate(cause: unknown, signal: AbortSignal): PlatformError {
    if (cause instanceof PlatformError) return cause;
    if (signal.aborted && signal.reason instanceof PlatformError) return signal.reason;
    if (signal.aborted && signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError')
      return new PlatformError('deadline_exceeded', `${this.#name} did not answer in time. Try again.`, {
        cause,
      });
    if (signal.aborted)
      return new PlatformError('cancelled', 'The caller left before the answer was complete.', {
        cause,
      });
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

function headersOf(call: CallContext, token: string): Record<string, string> {
  return {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'x-request-id': call.request_id,
    'x-mcp-deadline': String(call.deadline_ms),
    'x-mcp-class': call.class,
    ...(call.place === undefined ? {} : { 'x-mcp-place': call.place }),
    ...(call.residency === undefined ? {} : { 'x-mcp-residency': call.residency }),
    ...(call.careful === true ? { 'x-mcp-careful': 'true' } : {}),
    ...(call.on_interrupt === undefined ? {} : { 'x-mcp-on-interrupt': call.on_interrupt }),
    ...(call.hops === undefined ? {} : { 'x-mcp-hops': String(call.hops) }),
    ...(call.retries === undefined ? {} : { 'x-mcp-retries': String(call.retries.left) }),
    ...(call.grant === undefined ? {} : { 'x-mcp-grant': call.grant }),
    ...(call.traceparent === undefined ? {} : { traceparent: call.traceparent }),
  };
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
  const value = jsonOf(text);
  const problem = ProblemBody.safeParse(value).data;
  if (problem !== undefined) return { code: problem.code, message: problem.detail, param: problem.param };
  const openai = OpenAiBody.safeParse(value).data;
  if (openai === undefined) return undefined;
  const code = openai.error.code === 'invalid_api_key' ? 'unauthenticated' : (openai.error.code ?? undefined);
  return { code, message: openai.error.message, param: openai.error.param ?? undefined };
}

function isCode(code: string | undefined): code is ErrorCode {
  return code !== undefined && Object.hasOwn(ERROR_CODES, code);
}

function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
