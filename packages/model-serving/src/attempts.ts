import { setTimeout as sleep } from 'node:timers/promises';
import { type CallContext, type ModelInfo, PlatformError, type RetryBudget } from '@mcp/contracts';
import { backOff, RetryBudget as Retries, type ServiceKit } from '@mcp/service-kit';
import type { Catalog, Offer } from './catalog.ts';
import type { InferenceDeps, Offered } from './inference.ts';
import { MAX_RETRY_WAIT_MS } from './queue.ts';
import type { Route } from './route.ts';

const FIRST_PAUSE_MS = 200;

export interface AttemptDeps extends InferenceDeps {
  readonly kit: InferenceDeps['kit'] & Pick<ServiceKit, 'log'>;
  readonly catalog: Catalog;
}

/** What is asked for: the model, then those that may stand in for it. */
export interface Asked {
  readonly models: readonly string[];
  readonly kind: ModelInfo['kind'];
  readonly call: CallContext;
}

/**
 * The first attempt that succeeds. After a passing failure the next is, at once, another server of the model, then a
 * model that may stand in; when there is none, the model itself after a pause of at most 5 s. Each attempt that reaches
 * a server, but the first, takes one of the request's retries. Throws the last failure.
 */
export async function firstSuccess<T>(
  deps: AttemptDeps,
  asked: Asked,
  attempt: (offered: Offered) => Promise<T>,
): Promise<T> {
  const run = new Run(asked.call);
  for (let round = 0; ; round++) {
    run.begin();
    for (const model of asked.models) {
      const offer = await run.find(deps.catalog, model, asked.kind);
      for (let routes = offer?.routes ?? []; offer !== undefined && routes.length > 0; ) {
        const before = run.reached;
        try {
          return await attempt({ id: offer.id, asked: model, routes, reach: (route) => run.reach(route) });
        } catch (error) {
          const { code } = run.passing(error);
          deps.kit.log.warn(
            { model, round, code, request_id: asked.call.request_id },
            'an attempt at a model failed',
          );
        }
        // When no server was asked, all are closed or the queue is full: no other one of them will do.
        routes = run.reached === before ? [] : await run.untried(deps.catalog, model);
      }
    }
    await run.pause(round);
  }
}

/** The attempts of one request. */
class Run {
  readonly #call: CallContext;
  readonly #retries: RetryBudget;
  readonly #tried = new Set<Route>();
  #failure: PlatformError | undefined;
  reached = 0;

  constructor(call: CallContext) {
    this.#call = call;
    this.#retries = call.retries ?? new Retries();
  }

  /** Every server may be asked again. */
  begin(): void {
    this.#tried.clear();
  }

  /** The servers of a model. One that stands in and cannot be found is passed over. */
  async find(catalog: Catalog, model: string, kind: ModelInfo['kind']): Promise<Offer | undefined> {
    try {
      return await catalog.find(model, { kind, signal: this.#call.signal });
    } catch (error) {
      if (this.#failure === undefined) throw error;
      return undefined;
    }
  }

  /** A server is about to be asked. Throws the failure before when no retry is left. */
  reach(route: Route): void {
    if (this.#failure !== undefined && this.reached > 0 && !this.#retries.take()) throw this.#failure;
    this.reached++;
    this.#tried.add(route);
  }

  /** Servers of the model that were not asked in this round. */
  async untried(catalog: Catalog, model: string): Promise<readonly Route[]> {
    const offer = await catalog.whole(model);
    return (offer?.routes ?? []).filter((route) => !this.#tried.has(route));
  }

  /** A failure after which another attempt may succeed. Throws what is none, and when no retry is left. */
  passing(error: unknown): PlatformError {
    if (!(error instanceof PlatformError) || this.#call.signal.aborted) throw error;
    // Where one server refuses our key another may take its own.
    if (!error.retryable && error.code !== 'upstream_failed') throw error;
    this.#failure = error;
    if (this.reached > 0 && this.#retries.left === 0) throw error;
    return error;
  }

  /** Waits before the same models are asked again. Throws the failure where waiting is of no use. */
  async pause(round: number): Promise<void> {
    const { signal, deadline_ms } = this.#call;
    const failure = this.#failure;
    if (failure === undefined) throw new Error('at least one model is asked for');
    const wait_ms =
      failure.retry_after_ms ?? backOff(round + 1, { first_ms: FIRST_PAUSE_MS }) * (0.75 + Math.random() / 2);
    // What names a field of the request, such as a model that is being loaded, is told at once.
    const futile = !failure.retryable || failure.param !== undefined || this.#tried.size === 0;
    if (futile || wait_ms > MAX_RETRY_WAIT_MS || Date.now() + wait_ms > deadline_ms) throw failure;
    await sleep(wait_ms, undefined, { signal }).catch(() => {
      throw signal.reason instanceof PlatformError ? signal.reason : failure;
    });
  }
}
