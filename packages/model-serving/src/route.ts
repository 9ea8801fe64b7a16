import { type ModelBackend, type ModelInfo, PlatformError } from '@mcp/contracts';
import { AdaptiveLimit, DEFAULT_MAX_CONCURRENCY, type Outcome } from './adaptive-limit.ts';
import { type CircuitState, CoolDown } from './cool-down.ts';
import { PeakEwma } from './latency.ts';
import { type Fit, type Pool, place } from './pools.ts';

export interface RouteParts {
  readonly backend: ModelBackend;
  readonly info: ModelInfo;
  /** Place of the backend's kind in MODEL_BACKENDS: lower ones are asked first. */
  readonly tier: number;
  /** The pool of its server, where the stack declares pools of the model. */
  readonly pool?: Pool | undefined;
  /** Epoch-like milliseconds that never go back. */
  readonly now?: () => number;
  /** Called when its circuit has opened, is tried or has closed. */
  readonly onCircuit?: (route: Route, state: CircuitState) => void;
}

/** A server that failed so often that it is not asked for a while. */
export class CircuitOpenError extends PlatformError {}

/** One request at a route. */
export interface Visit {
  readonly route: Route;
  /** The server has taken the request: its first event is there. */
  accepted(): void;
  /** It failed or was refused. Returns what to tell: a server that is not asked for a minute is tried again then. */
  failed(error: unknown): unknown;
  /** What it said first took so long; a whole answer is another measure than the first word of a stream. */
  answered(took_ms: number, streamed: boolean): void;
  /** Gives the place back, once. */
  leave(): void;
}

/** A model at one server: how many requests that takes at once, and whether it is rate limited. */
export class Route {
  readonly backend: ModelBackend;
  readonly tier: number;
  readonly pool: Pool | undefined;
  info: ModelInfo;
  readonly #limit: AdaptiveLimit;
  readonly #cool_down: CoolDown;
  readonly #now: () => number;
  readonly #onCircuit: RouteParts['onCircuit'];
  readonly #latency = { streamed: new PeakEwma(), whole: new PeakEwma() };
  #told: CircuitState = 'closed';

  constructor({ backend, info, tier, pool, now = () => performance.now(), onCircuit }: RouteParts) {
    this.backend = backend;
    this.info = info;
    this.tier = tier;
    this.pool = pool;
    this.#limit = new AdaptiveLimit(info.max_concurrency ?? DEFAULT_MAX_CONCURRENCY);
    this.#cool_down = new CoolDown(now);
    this.#now = now;
    this.#onCircuit = onCircuit;
  }

  /** The server's name, where there can be several of its backend. */
  get server(): string {
    return this.backend.target ?? this.backend.name;
  }

  get free(): boolean {
    return this.#limit.free;
  }

  get limit(): number {
    return this.#limit.limit;
  }

  get running(): number {
    return this.#limit.running;
  }

  /** How much of its limit is in use. */
  get load(): number {
    return this.#limit.running / this.#limit.limit;
  }

  get wait_ms(): number {
    return this.#cool_down.wait_ms;
  }

  get shunned(): boolean {
    return this.#cool_down.shunned;
  }

  get circuit(): CircuitState {
    return this.#cool_down.state;
  }

  /** Whether it is not asked because it failed, rather than because it wants to be asked less. */
  get broken(): boolean {
    return this.#cool_down.broken;
  }

  /** How long one more request is expected to wait for its first word, or for its whole answer. */
  expected(streamed: boolean, now_ms: number): number {
    return this.#latency[streamed ? 'streamed' : 'whole'].cost(this.#limit.running, now_ms);
  }

  /** Takes a place. Whoever calls has seen that it is free and does not wait. */
  visit(onLeave: () => void): Visit {
    const ticket = this.#limit.begin();
    const epoch = this.#cool_down.begin();
    this.#tell();
    let outcome: Outcome = 'other';
    let left = false;
    return {
      route: this,
      accepted: () => {
        outcome = 'served';
        this.#cool_down.accepted(epoch);
        this.#tell();
      },
      answered: (took_ms, streamed) => {
        this.#latency[streamed ? 'streamed' : 'whole'].observe(took_ms, this.#now());
        this.#cool_down.answered(epoch);
        this.#tell();
      },
      failed: (error) => {
        const verdict = verdictOn(error);
        outcome = verdict === 'refused' ? 'refused' : 'other';
        if (verdict === 'failed') this.#cool_down.failed(epoch);
        else if (verdict === 'taken') this.#cool_down.answered(epoch);
        if (verdict !== 'refused' || !(error instanceof PlatformError)) {
          this.#tell();
          return error;
        }
        const retry_after_ms = this.#cool_down.refused(epoch, error.retry_after_ms);
        this.#tell();
        const { code, message, param, cause } = error;
        return new PlatformError(code, message, {
          retry_after_ms,
          cause,
          ...(param === undefined ? {} : { param }),
        });
      },
      leave: () => {
        if (left) return;
        left = true;
        this.#limit.end(ticket, outcome);
        this.#cool_down.abandoned(epoch);
        this.#tell();
        onLeave();
      },
    };
  }

  /** Tells whoever watches the circuit, once for each change. */
  #tell(): void {
    const { state } = this.#cool_down;
    if (state === this.#told) return;
    this.#told = state;
    this.#onCircuit?.(this, state);
  }
}

/** What an error says about the server: it was too much, it is broken, it took the request, or nothing. */
function verdictOn(error: unknown): 'refused' | 'failed' | 'taken' | undefined {
  if (!(error instanceof PlatformError)) return undefined;
  switch (error.code) {
    case 'overloaded':
      return 'refused';
    // The server asks for a pause; what names a field of the request is about that request.
    case 'unavailable':
      if (error.param !== undefined) return undefined;
      return error.retry_after_ms === undefined ? 'failed' : 'refused';
    case 'upstream_failed':
    case 'upstream_interrupted':
      return 'failed';
    case 'cancelled':
    case 'deadline_exceeded':
    case 'internal':
      return undefined;
    default:
      return 'taken';
  }
}

/** What there is for a request among the routes of its model. */
export type Choice =
  | { readonly type: 'free'; readonly route: Route }
  /** All that may be asked are at their limits. */
  | { readonly type: 'busy' }
  /** There is a place, and the request is expected to be done sooner when it waits for a better one, for so long. */
  | { readonly type: 'held'; readonly wait_ms: number }
  /** All are rate limited, for so long. */
  | { readonly type: 'closed'; readonly wait_ms: number };

/**
 * Among the routes that may be asked, the best ranked; of these those in the pool that fits; of these the one in less use of two taken at random (power of
 * two choices: Mitzenmacher 2001).
 */
export function choose(routes: readonly Route[], fit?: Fit, random: () => number = Math.random): Choice {
  const [only] = routes;
  if (only !== undefined && routes.length === 1)
    return only.wait_ms > 0
      ? { type: 'closed', wait_ms: only.wait_ms }
      : only.free
        ? { type: 'free', route: only }
        : { type: 'busy' };
  const open = routes.filter(({ wait_ms }) => wait_ms === 0);
  if (open.length === 0)
    return { type: 'closed', wait_ms: Math.min(...routes.map(({ wait_ms }) => wait_ms)) };
  const best = Math.min(...open.map(rank));
  const equal = open.filter((route) => rank(route) === best);
  const pooled = fit !== undefined && equal.some(({ pool }) => pool !== undefined);
  const placed = pooled ? place(equal, fit) : undefined;
  if (placed !== undefined && placed.type !== 'free') return placed;
  const free = placed?.routes ?? equal.filter((route) => route.free);
  const one = free[Math.floor(random() * free.length)];
  if (one === undefined) return { type: 'busy' };
  const rest = free.filter((route) => route !== one);
  const other = rest[Math.floor(random() * rest.length)];
  return { type: 'free', route: other !== undefined && other.load < one.load ? other : one };
}

/** Lower ones are asked first: what is ready, what did not fail of late, what was named first. */
function rank({ info, shunned, tier }: Route): number {
  return (info.status === 'ready' ? 0 : 2000) + (shunned ? 1000 : 0) + tier;
}
