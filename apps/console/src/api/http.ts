/** What went wrong with a call, as the gateway said it: RFC 9457 outside `/v1/*`, OpenAI's shape on the wire. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly trace_id: string | null;
  readonly retry_after_ms: number | null;

  constructor(fault: ApiFault) {
    super(fault.message);
    this.name = 'ApiError';
    this.status = fault.status;
    this.code = fault.code;
    this.trace_id = fault.trace_id;
    this.retry_after_ms = fault.retry_after_ms;
  }
}

/** The plain data of an {@link ApiError}. `status` 0 means that no answer came. */
export interface ApiFault {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly trace_id: string | null;
  readonly retry_after_ms: number | null;
}

const CALL_TIMEOUT_MS = 20_000;

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/** One JSON call to the gateway; throws {@link ApiError}. */
export async function call<T>(key: string, path: string, options: CallOptions = {}): Promise<T> {
  const timeout = AbortSignal.timeout(CALL_TIMEOUT_MS);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  const response = await reach(path, {
    method: options.method ?? 'GET',
    headers: headers(key, options.body !== undefined),
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    signal,
  });
  if (!response.ok) throw await toApiError(response);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/** A call whose answer is a file; it may take as long as it comes. */
export async function callText(key: string, path: string): Promise<string> {
  const response = await reach(path, { method: 'GET', headers: headers(key, false) });
  if (!response.ok) throw await toApiError(response);
  return response.text();
}

/** `fetch` whose failure to reach the gateway is an {@link ApiError} too; an abort and a time-out stay what they are. */
export async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { ...init, cache: 'no-store', credentials: 'omit' });
  } catch (error) {
    if (error instanceof DOMException && (error.name === 'AbortError' || error.name === 'TimeoutError'))
      throw error;
    throw new ApiError({
      status: 0,
      code: 'unreachable',
      message: 'The gateway did not answer. Check that the platform is running, then try again.',
      trace_id: null,
      retry_after_ms: null,
    });
  }
}

export function headers(key: string, hasBody: boolean): Record<string, string> {
  // A header value holds Latin-1 only; anything else cannot be a key and would make fetch throw.
  const safe = /^[\x21-\x7e]+$/.test(key) ? key : 'unreadable';
  return {
    authorization: `Bearer ${safe}`,
    accept: 'application/json',
    ...(hasBody ? { 'content-type': 'application/json' } : {}),
  };
}

export async function toApiError(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null);
  return new ApiError({ ...faultOf(body, response.status), retry_after_ms: retryAfter(response) });
}

/** Reads either error shape; says the status when the body is neither. */
export function faultOf(body: unknown, status: number): ApiFault {
  const outer = record(body);
  const inner = record(outer.error);
  const message = text(outer.detail) ?? text(inner.message) ?? text(outer.title);
  return {
    status,
    code: text(outer.code) ?? text(inner.code) ?? `http_${status}`,
    message: message ?? `The gateway answered ${status} without saying why.`,
    trace_id: text(outer.trace_id) ?? null,
    retry_after_ms: null,
  };
}

function retryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
