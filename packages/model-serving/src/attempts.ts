import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CallContext,
  type FallbackCause,
  type ModelInfo,
  PlatformError,
  type RetryBudget,
} from '@mcp/contracts';
import { backOff, RetryBudget as Retries, type ServiceKit } from '@mcp/service-kit';
import { causeOf } from './aliases/causes.ts';
import type { Plan } from './aliases/plan.ts';
import type { Catalog, Offer } from './catalog.ts';
import type { InferenceDeps, Offered } from './inference.ts';
import { MAX_RETRY_WAIT_MS } from './queue.ts';
import { staying } from './residency.ts';
import type { Route } from './route.ts';

const FIRST_PAUSE_MS = 200;

export interface AttemptDeps extends InferenceDeps {
  readonly kit: InferenceDeps['kit'] & Pick<ServiceKit, 'log'>;
  readonly catalog: Catalog;
}

/** What is asked for: the models that may answer, and those that may stand in for them. */
export interface Asked {
  readonly plan: Plan;
  readonly kind: ModelInfo['kind'];
  readonly call: CallContext;
  /** Servers that have failed this request already, and how the last one did: they are asked last. */
  readonly failed?: { readonly routes: readonly Route[]; readonly error: PlatformError };
}

/** Where an attempt goes, and where a second one beside it could. */
export interface Attempt extends Offered {
  /** Another place to ask at the same time; undefined where there is none. */
  beside(): Promise<Offered | undefined>;
}

/**
 * The first attempt that succeeds. After a passing failure the next is, at once, another server of the model, then a
 * model that may stand in for what went wrong; when there is none, the model itself after a pause of at most 5 s. Each
 * attempt that reaches a server, but the first, takes one of the request's retries. Throws the last failure.
 */
export async function firstSuccess<T>(
  deps: AttemptDeps,
  asked: Asked,
  attempt: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const run = new Run(deps.catalog, asked);
  for (let round = 0; ; round++) {
    run.begin(round);
    for (let model = run.next(); model !== undefined; model = run.next()) {
      const offer = await run.find(model);
      for (let routes = offer?.routes ?? []; offer !== undefined && routes.length > 0; ) {
        const before = run.reached;
        let cause: FallbackCause;
        try {
          return await attempt(run.attemptAt(model, { id: offer.id, routes }));
        } catch (error) {
          const failure = run.passing(error, model);
          cause = failure.cause;
          deps.kit.log.warn(
            { model, round, code: failure.code, cause, request_id: asked.call.request_id },
            'an attempt at a model failed',
          );
        }
        // When no server was asked, all are closed or the queue is full: no other one of them will do.
        const elsewhere = run.reached !== before && (cause === 'rate' || cause === 'error');
        routes = elsewhere ? await run.untried(model) : [];
      }
    }
    await run.pause(round);
  }
}

/** The attempts of one request. */
class Run {
  readonly #catalog: Catalog;
  readonly #asked: Asked;
  readonly #retries: RetryBudget;
  readonly #tried = new Set<Route>();
  /** Models that are still to be asked in this round. */
  #pending: string[] = [];
  /** Models that were, or are, to be asked in it. */
  readonly #named = new Set<string>();
  #failure: PlatformError | undefined;
  /** What went wrong last, for the span of the next attempt. */
  #cause: FallbackCause | undefined;
  reached = 0;

  constructor(catalog: Catalog, asked: Asked) {
    this.#catalog = catalog;
    this.#asked = asked;
    this.#retries = asked.call.retries ?? new Retries();
    if (asked.failed === undefined) return;
    this.#failure = asked.failed.error;
    this.#cause = causeOf(asked.failed.error);
    this.reached = 1;
  }

  /** Every server may be asked again; in the first round not those that failed before. */
  begin(round: number): void {
    const { plan, failed } = this.#asked;
    this.#tried.clear();
    this.#named.clear();
    this.#pending = [];
    this.#add(plan.models);
    if (failed === undefined) return;
    if (round === 0) for (const route of failed.routes) this.#tried.add(route);
    this.#add(plan.chains[this.#cause ?? 'error']);
  }

  next(): string | undefined {
    return this.#pending.shift();
  }

  /** The servers of a model that may be asked. One that cannot be found where others may answer is passed over. */
  async find(model: string): Promise<Offer | undefined> {
    const { plan, kind, call } = this.#asked;
    try {
      const offer = await this.#catalog.find(model, { kind, signal: call.signal });
      return this.#open(staying(offer, plan.stay, this.#catalog));
    } catch (error) {
      if (this.#failure === undefined && (plan.alias === undefined || !(error instanceof PlatformError)))
        throw error;
      this.#failure ??= error as PlatformError;
      return undefined;
    }
  }

  /** An attempt at a model; a hedge beside it is one at the next, which takes none of the retries. */
  attemptAt(model: string, { id, routes }: Offer): Attempt {
    const { plan } = this.#asked;
    const offered = {
      id,
      asked: model,
      routes,
      ...(plan.alias === undefined ? {} : { alias: plan.asked }),
      ...(this.#cause === undefined ? {} : { after: this.#cause }),
      ...(plan.alias !== undefined && this.#hasMore(routes) ? { max_closed_ms: 0 } : {}),
    };
    return {
      ...offered,
      reach: (route) => this.reach(route),
      beside: async () => {
        const own = await this.untried(model);
        const [other] = this.#pending;
        const offer =
          own.length > 0 ? { id, routes: own } : other === undefined ? undefined : await this.find(other);
        if (offer === undefined || offer.routes.length === 0) return undefined;
        return {
          ...offered,
          id: offer.id,
          asked: own.length > 0 ? model : (other ?? model),
          routes: offer.routes,
          max_closed_ms: 0,
          hedge: true,
          reach: (route) => void this.#tried.add(route),
        };
      },
    };
  }

  /** A server is about to be asked. Throws the failure before when no retry is left. */
  reach(route: Route): void {
    if (this.#failure !== undefined && this.reached > 0 && !this.#retries.take()) throw this.#failure;
    this.reached++;
    this.#tried.add(route);
  }

  /** Servers of the model that were not asked in this round. */
  async untried(model: string): Promise<readonly Route[]> {
    const offer = await this.#catalog.whole(model, this.#asked.call.signal);
    return offer === undefined ? [] : this.#open(offer).routes;
  }

  /** A failure after which another attempt may succeed. Throws what is none, and when no retry is left. */
  passing(error: unknown, model: string): { code: string; cause: FallbackCause } {
    const { plan, call } = this.#asked;
    if (!(error instanceof PlatformError) || call.signal.aborted) throw error;
    const cause = causeOf(error);
    if (cause === undefined) throw error;
    if (cause === 'context') this.#pending = this.#pending.filter((one) => this.#isWider(one, model));
    if (cause === 'content') this.#pending = [];
    this.#add(plan.chains[cause]);
    // Nobody refuses less by being asked again.
    if ((cause === 'context' || cause === 'content') && this.#pending.length === 0) throw error;
    this.#failure = error;
    this.#cause = cause;
    if (this.reached > 0 && this.#retries.left === 0) throw error;
    return { code: error.code, cause };
  }

  /** Waits before the same models are asked again. Throws the failure where waiting is of no use. */
  async pause(round: number): Promise<void> {
    const { signal, deadline_ms } = this.#asked.call;
    const failure = this.#failure;
    if (failure === undefined)
      throw new PlatformError('unavailable', 'No model that may be asked is there just now. Try again.', {
        retry_after_ms: 1000,
      });
    // Full jitter (Brooker, Exponential Backoff And Jitter, 2015): those who failed together come back apart.
    const jitter_ms = Math.random() * backOff(round + 1, { first_ms: FIRST_PAUSE_MS });
    const wait_ms = (failure.retry_after_ms ?? 0) + jitter_ms;
    // What names a field of the request, such as a model that is being loaded, is told at once.
    const futile = !failure.retryable || failure.param !== undefined || this.#tried.size === 0;
    if (futile || (failure.retry_after_ms ?? 0) > MAX_RETRY_WAIT_MS || Date.now() + wait_ms > deadline_ms)
      throw failure;
    await sleep(wait_ms, undefined, { signal }).catch(() => {
      throw signal.reason instanceof PlatformError ? signal.reason : failure;
    });
  }

  /** Whether a model remains that may stand in where these servers are closed: then nobody waits for them. */
  #hasMore(routes: readonly Route[]): boolean {
    const { rate, error } = this.#asked.plan.chains;
    const chain = routes.every(({ broken }) => broken) ? error : rate;
    return this.#pending.length > 0 || chain.some((model) => !this.#named.has(model));
  }

  #add(models: readonly string[]): void {
    for (const model of models) {
      if (this.#named.has(model)) continue;
      this.#named.add(model);
      this.#pending.push(model);
    }
  }

  /** Of a model's servers those that may be asked and were not; nearly always the same array. */
  #open(offer: Offer): Offer {
    const { stay, alias } = this.#asked.plan;
    const allowed = stay.allowed(alias?.allowed(offer.routes) ?? offer.routes);
    const routes = this.#tried.size === 0 ? allowed : allowed.filter((route) => !this.#tried.has(route));
    return routes === offer.routes ? offer : { ...offer, routes };
  }

  #isWider(model: string, than: string): boolean {
    const widthOf = (id: string) =>
      Math.max(0, ...(this.#catalog.known(id)?.routes.map(({ info }) => info.max_context) ?? []));
    return widthOf(model) > widthOf(than);
  }
}
