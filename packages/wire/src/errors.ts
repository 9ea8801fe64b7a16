import { type ErrorCode, PlatformError } from '@mcp/contracts';
import { z } from 'zod';

/** Error bodies as OpenAI, vLLM, llama.cpp, LM Studio and Ollama write them. */
const Body = z.union([
  z.object({
    error: z.object({
      message: z.string(),
      type: z.string().nullish(),
      code: z.union([z.string(), z.number()]).nullish(),
      param: z.string().nullish(),
    }),
  }),
  z.object({ error: z.string() }),
  z.object({
    object: z.literal('error'),
    message: z.string(),
    code: z.union([z.string(), z.number()]).nullish(),
  }),
]);

const MAX_MESSAGE = 500;

/** The error that a body stands for, or undefined when it is none. `status` is the HTTP status it came with. */
export function errorFromBody(
  json: unknown,
  status?: number,
  retry_after_ms?: number,
): PlatformError | undefined {
  const parsed = Body.safeParse(json).data;
  if (parsed === undefined) return undefined;
  const message =
    'message' in parsed
      ? parsed.message
      : typeof parsed.error === 'string'
        ? parsed.error
        : parsed.error.message;
  const raw =
    'message' in parsed ? parsed.code : typeof parsed.error === 'string' ? undefined : parsed.error.code;
  const param =
    'error' in parsed && typeof parsed.error === 'object' ? (parsed.error.param ?? undefined) : undefined;
  return upstreamError({
    message,
    status: status ?? (typeof raw === 'number' ? raw : 502),
    code: typeof raw === 'string' ? raw : undefined,
    param,
    retry_after_ms,
  });
}

export interface UpstreamFailure {
  readonly message: string;
  readonly status: number;
  readonly code?: string | undefined;
  readonly param?: string | undefined;
  readonly retry_after_ms?: number | undefined;
}

/**
 * Maps a model server's refusal to ours. What the caller did wrong stays a 4xx; what only the operator can mend
 * (a wrong key, no credit) becomes `upstream_failed` without the server's words, which may hold part of the key.
 */
export function upstreamError(failure: UpstreamFailure): PlatformError {
  const code = codeOf(failure);
  const operator = failure.status === 401 || failure.status === 403 || failure.status === 402;
  const message = operator
    ? `The model server refused our credentials (status ${failure.status}). The operator has to check its key.`
    : clip(failure.message);
  return new PlatformError(code, message, {
    ...(failure.param === undefined ? {} : { param: failure.param }),
    ...(failure.retry_after_ms === undefined ? {} : { retry_after_ms: failure.retry_after_ms }),
    ...(operator ? { retryable: false } : {}),
  });
}

/** How long a server asks to wait, in ms, from its headers: OpenAI's and Azure's exact ones first, then RFC 9110's. */
export function retryAfterMs(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  now_ms = Date.now(),
): number | undefined {
  for (const name of ['retry-after-ms', 'x-ms-retry-after-ms']) {
    const value = Number(headers[name]);
    if (headers[name] !== undefined && Number.isFinite(value) && value >= 0) return value;
  }
  const header = headers['retry-after'];
  if (typeof header !== 'string') return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now_ms);
}

function codeOf({ status, code, message }: UpstreamFailure): ErrorCode {
  if (
    code === 'context_length_exceeded' ||
    /context (length|size|window)|maximum context|too many tokens/i.test(message)
  )
    return 'context_length_exceeded';
  if (code === 'model_not_found' || (status === 404 && /model/i.test(message))) return 'model_not_found';
  if (status === 400 || status === 422)
    return code === 'unsupported_parameter' ? 'unsupported_parameter' : 'invalid_request';
  if (status === 413) return 'payload_too_large';
  if (status === 429) return 'overloaded';
  if (status === 503) return 'unavailable';
  if (status === 504) return 'deadline_exceeded';
  return 'upstream_failed';
}

function clip(message: string): string {
  return message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message;
}
