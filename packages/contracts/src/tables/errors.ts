/**
 * Every error a caller can meet, once: the code, its HTTP status and whether trying again can help.
 * The mapping to HTTP bodies (RFC 9457, OpenAI) is `packages/service-kit/src/http/errors.ts`.
 */
export const ERROR_CODES = {
  invalid_request: { status: 400, title: 'Invalid request', retryable: false },
  invalid_json: { status: 400, title: 'Body is not valid JSON', retryable: false },
  context_length_exceeded: { status: 400, title: 'Context length exceeded', retryable: false },
  unsupported_parameter: { status: 400, title: 'Parameter not supported by this model', retryable: false },
  unauthenticated: { status: 401, title: 'Authentication required', retryable: false },
  forbidden: { status: 403, title: 'Not allowed', retryable: false },
  not_found: { status: 404, title: 'Not found', retryable: false },
  model_not_found: { status: 404, title: 'Model not found', retryable: false },
  method_not_allowed: { status: 405, title: 'Method not allowed', retryable: false },
  request_timeout: { status: 408, title: 'Request body took too long', retryable: true },
  conflict: { status: 409, title: 'Conflict', retryable: false },
  content_filter: { status: 400, title: 'Refused by the safety policy', retryable: false },
  payload_too_large: { status: 413, title: 'Body too large', retryable: false },
  uri_too_long: { status: 414, title: 'URI too long', retryable: false },
  unsupported_media_type: { status: 415, title: 'Unsupported media type', retryable: false },
  wrong_region: { status: 421, title: 'Wrong region', retryable: false },
  headers_too_large: { status: 431, title: 'Headers too large', retryable: false },
  rate_limited: { status: 429, title: 'Rate limit reached', retryable: true },
  overloaded: { status: 429, title: 'Inference queue is full', retryable: true },
  cancelled: { status: 499, title: 'Cancelled by the client', retryable: false },
  internal: { status: 500, title: 'Internal error', retryable: false },
  upstream_failed: { status: 502, title: 'Upstream failed', retryable: true },
  upstream_interrupted: { status: 502, title: 'Upstream broke off', retryable: true },
  unavailable: { status: 503, title: 'Temporarily unavailable', retryable: true },
  deadline_exceeded: { status: 504, title: 'Deadline exceeded', retryable: true },
} as const satisfies Record<string, { status: number; title: string; retryable: boolean }>;

/** A stable, machine-readable error code. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Options of a {@link PlatformError}. */
export interface PlatformErrorOptions {
  /** The request field at fault, as a dotted path (`messages.0.role`). */
  readonly param?: string;
  /** How long the caller should wait, in ms. Becomes `Retry-After`. */
  readonly retry_after_ms?: number;
  /** For the log only, never sent to a client. */
  readonly cause?: unknown;
  /** Overrides the table's verdict on whether a retry can help. */
  readonly retryable?: boolean;
}

/**
 * The one error class of the platform. `message` is written for the client (rule, value, way out);
 * what only the log may see travels in `cause`.
 */
export class PlatformError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryable: boolean;
  readonly param: string | undefined;
  readonly retry_after_ms: number | undefined;

  constructor(code: ErrorCode, message: string, options: PlatformErrorOptions = {}) {
    // A value that was cut for the message may have been cut in the middle of a character.
    super(message.toWellFormed(), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PlatformError';
    this.code = code;
    this.status = ERROR_CODES[code].status;
    this.retryable = options.retryable ?? ERROR_CODES[code].retryable;
    this.param = options.param;
    this.retry_after_ms = options.retry_after_ms;
  }
}
