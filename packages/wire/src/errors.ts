import { ERROR_CODES, type ErrorCode, PlatformError } from '@mcp/contracts';
import { z } from 'zod';

const MAX_MESSAGE_CHARS = 500;
/** No server is believed that asks to wait longer than a day. */
const MAX_RETRY_AFTER_MS = 24 * 60 * 60_000;

const Code = z.union([z.string(), z.number()]).nullish().catch(undefined);
const Text = z.string().nullish().catch(undefined);
const Fields = z.object({ message: z.string(), type: Text, code: Code, param: Text });
type Fields = z.infer<typeof Fields>;

/**
 * Error bodies, the most specific first: OpenAI, Azure, vLLM, llama.cpp, LM Studio, Anthropic (`error` is an object);
 * Ollama, TGI (`error` is text); vLLM before 0.10 and Mistral (`object: error`, or `message` at the top);
 * FastAPI (`detail`).
 */
const SHAPES: readonly z.ZodType<Fields>[] = [
  z.object({ error: Fields }).transform(({ error }) => error),
  z.object({ error: z.string(), error_type: Text, code: Code }).transform(({ error, error_type, code }) => ({
    message: error,
    type: error_type,
    code,
    param: undefined,
  })),
  Fields,
  z.object({ detail: z.string() }).transform(({ detail }) => bare(detail)),
  z
    .object({ detail: z.array(z.object({ msg: z.string(), loc: z.array(z.unknown()).nullish() })).min(1) })
    .transform(({ detail: [first] }) => ({
      ...bare(first?.msg ?? ''),
      param: first?.loc?.filter((part) => part !== 'body').join('.'),
    })),
];

function bare(message: string): Fields {
  return { message, type: undefined, code: undefined, param: undefined };
}

/** How a body came: its HTTP status, and how long its headers ask to wait. */
export interface ErrorOrigin {
  readonly status?: number;
  readonly retry_after_ms?: number | undefined;
}

/**
 * The error that a body stands for, or undefined when it is none. Without a status (an error within a stream) only
 * what says `error` is taken for one.
 */
export function errorFromBody(json: unknown, origin: ErrorOrigin = {}): PlatformError | undefined {
  // Gemini's compatible endpoint wraps it in a list.
  const body: unknown = Array.isArray(json) ? json[0] : json;
  if (typeof body !== 'object' || body === null) return undefined;
  const marked = ('error' in body && body.error != null) || ('object' in body && body.object === 'error');
  if (!marked && origin.status === undefined) return undefined;
  for (const shape of SHAPES) {
    const { data } = shape.safeParse(body);
    if (data !== undefined) return fromFields(data, origin);
  }
  return undefined;
}

/** What a model server answered with, as its schema takes it. Throws the error of an error body, or `upstream_failed`. */
export function parseUpstream<S extends z.ZodType>(schema: S, json: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw (
    errorFromBody(json) ??
    new PlatformError('upstream_failed', `The model server answered with something that is not ${what}.`, {
      cause: parsed.error,
    })
  );
}

function fromFields({ message, type, code, param }: Fields, origin: ErrorOrigin): PlatformError {
  return upstreamError({
    message,
    status: origin.status ?? statusOf(code, type),
    code: typeof code === 'string' ? code : undefined,
    type: type ?? undefined,
    param: param ?? undefined,
    retry_after_ms: origin.retry_after_ms,
  });
}

/** The status of an error that came without one, within a stream. */
function statusOf(code: string | number | null | undefined, type: string | null | undefined): number {
  if (typeof code === 'number' && code >= 400 && code < 600) return code;
  switch (type) {
    case 'invalid_request_error':
    case 'BadRequestError':
      return 400;
    case 'rate_limit_error':
    case 'rate_limit_exceeded':
      return 429;
    case 'overloaded_error':
      return 503;
    case 'authentication_error':
      return 401;
    default:
      return 502;
  }
}

/** Codes and types that only the operator can do something about. */
const OPERATOR = new Set([
  'insufficient_quota',
  'invalid_api_key',
  'unauthenticated',
  'forbidden',
  'authentication_error',
  'permission_error',
  'billing_error',
]);

export interface UpstreamFailure {
  readonly message: string;
  readonly status: number;
  readonly code?: string | undefined;
  readonly type?: string | undefined;
  readonly param?: string | undefined;
  readonly retry_after_ms?: number | undefined;
}

/**
 * Maps a model server's refusal to ours. What the caller did wrong stays a 4xx; what only the operator can mend
 * (a wrong key, no credit) becomes `upstream_failed` without the server's words, which may hold part of the key.
 */
export function upstreamError(failure: UpstreamFailure): PlatformError {
  const { status, code, type } = failure;
  if ([401, 402, 403].includes(status) || OPERATOR.has(code ?? '') || OPERATOR.has(type ?? ''))
    return new PlatformError(
      'upstream_failed',
      `The model server refused our credentials or our account (status ${status}). The operator has to check the key and its credit.`,
      { retryable: false, cause: code ?? type },
    );
  const message =
    failure.message.trim() || `The model server said nothing of why it failed (status ${status}).`;
  return new PlatformError(codeOf(failure), clip(message), {
    ...(failure.param === undefined ? {} : { param: failure.param }),
    ...(failure.retry_after_ms === undefined ? {} : { retry_after_ms: failure.retry_after_ms }),
  });
}

/** Beginnings of the dates of HTTP, and of ISO 8601: `Date.parse` makes a date of `after 5`, too. */
const DATE = /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? |\d{4}-\d\d-\d\dT)/;

/** How long a server asks to wait, in ms, from its headers: OpenAI's and Azure's exact ones first, then RFC 9110's. */
export function retryAfterMs(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  now_ms = Date.now(),
): number | undefined {
  const first = (name: string) => {
    const value = headers[name];
    return (Array.isArray(value) ? value[0] : value)?.trim() || undefined;
  };
  const exact = Number(first('retry-after-ms') ?? first('x-ms-retry-after-ms'));
  if (Number.isFinite(exact)) return bounded(exact);
  const header = first('retry-after');
  if (header === undefined) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return bounded(seconds * 1000);
  const date = DATE.test(header) ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : bounded(date - now_ms);
}

function bounded(wait_ms: number): number {
  return Math.round(Math.min(MAX_RETRY_AFTER_MS, Math.max(0, wait_ms)));
}

const TOO_LONG =
  /context (length|size|window)|maximum context|too many tokens|exceed_context_size|(prompt|input) is too long|input token count/i;

function codeOf({ status, code, type, message }: UpstreamFailure): ErrorCode {
  if (code === 'context_length_exceeded' || TOO_LONG.test(type ?? '') || TOO_LONG.test(message))
    return 'context_length_exceeded';
  // Between our own services the code is one of ours already.
  if (code !== undefined && Object.hasOwn(ERROR_CODES, code)) return code as ErrorCode;
  if (status === 404 && /model/i.test(message)) return 'model_not_found';
  switch (status) {
    case 400:
    case 422:
      return 'invalid_request';
    case 413:
      return 'payload_too_large';
    case 429:
      return 'overloaded';
    case 503:
    case 529:
      return 'unavailable';
    case 408:
    case 504:
      return 'deadline_exceeded';
    default:
      return 'upstream_failed';
  }
}

function clip(message: string): string {
  return message.length > MAX_MESSAGE_CHARS ? `${message.slice(0, MAX_MESSAGE_CHARS)}…` : message;
}
