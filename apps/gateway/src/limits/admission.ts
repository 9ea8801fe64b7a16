import { PlatformError } from '@mcp/contracts';

const MINUTE_MS = 60_000;
/** Callers remembered; beyond, those with nothing to remember are forgotten. */
const MAX_CALLERS = 10_000;

export interface AdmissionLimits {
  readonly requests_per_minute: number;
  readonly max_parallel_requests: number;
}

interface Caller {
  tokens: number;
  at_ms: number;
  running: number;
}

/** How a caller stands after asking: what the `x-ratelimit-*-requests` headers say. */
export interface AdmissionState {
  readonly limit: number;
  readonly remaining: number;
  readonly reset_ms: number;
  /** Why it is refused, or undefined. */
  readonly refusal: PlatformError | undefined;
}

/**
 * Requests per minute and at once, per caller: a token bucket that refills evenly, so that a pause is always
 * exactly as long as it needs to be.
 */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #now: () => number;
  readonly #callers = new Map<string, Caller>();

  constructor(limits: AdmissionLimits, now: () => number = Date.now) {
    this.#limits = limits;
    this.#now = now;
  }

  /**
   * Asks for one request. When it is not refused, {@link leave} must follow at its end; not so with `inside`, for one on
   * a connection that has its place already.
   */
  enter(id: string, { inside = false }: { inside?: boolean } = {}): AdmissionState {
    const caller = this.#caller(id);
    const { requests_per_minute: limit, max_parallel_requests } = this.#limits;
    const per_ms = limit / MINUTE_MS;
    let refusal: PlatformError | undefined;
    if (caller.tokens < 1)
      refusal = new PlatformError(
        'rate_limited',
        `You may send ${limit} requests a minute. Wait as long as Retry-After says.`,
        { retry_after_ms: Math.ceil((1 - caller.tokens) / per_ms) },
      );
    else if (!inside && caller.running >= max_parallel_requests) refusal = tooMany(max_parallel_requests);
    else {
      caller.tokens -= 1;
      if (!inside) caller.running += 1;
    }
    return {
      limit,
      remaining: Math.floor(caller.tokens),
      reset_ms: Math.ceil((limit - caller.tokens) / per_ms),
      refusal,
    };
  }

  /** Takes a place for a connection that stays open between requests. When it is not refused, {@link leave} must follow. */
  open(id: string): PlatformError | undefined {
    const caller = this.#caller(id);
    const { max_parallel_requests } = this.#limits;
    if (caller.running >= max_parallel_requests) return tooMany(max_parallel_requests);
    caller.running += 1;
    return undefined;
  }

  leave(id: string): void {
    const caller = this.#callers.get(id);
    if (caller !== undefined) caller.running -= 1;
  }

  #caller(id: string): Caller {
    const now = this.#now();
    const limit = this.#limits.requests_per_minute;
    let caller = this.#callers.get(id);
    if (caller === undefined) {
      if (this.#callers.size >= MAX_CALLERS) this.#sweep(now);
      caller = { tokens: limit, at_ms: now, running: 0 };
      this.#callers.set(id, caller);
      return caller;
    }
    caller.tokens = Math.min(limit, caller.tokens + ((now - caller.at_ms) * limit) / MINUTE_MS);
    caller.at_ms = now;
    return caller;
  }

  /** After a minute of silence every bucket is full again: nothing is lost with it. */
  #sweep(now: number): void {
    for (const [id, caller] of this.#callers)
      if (caller.running === 0 && now - caller.at_ms >= MINUTE_MS) this.#callers.delete(id);
  }
}

function tooMany(most: number): PlatformError {
  return new PlatformError(
    'rate_limited',
    `You may have ${most} requests open at once, WebSockets included. Wait for one of them to end.`,
    { retry_after_ms: 1000 },
  );
}

/** A time as OpenAI's `x-ratelimit-reset-requests` writes it: `12ms`, `1.2s`, `6m0s`. */
export function formatReset(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  if (ms < MINUTE_MS) return `${Math.round(ms / 100) / 10}s`;
  const seconds = Math.ceil(ms / 1000);
  return `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
