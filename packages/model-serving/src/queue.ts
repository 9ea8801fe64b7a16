import { randomUUID } from 'node:crypto';
import { type Place, PlatformError, type QueueClass, type QueueStatus } from '@mcp/contracts';
import { FairLine } from './fair-line.ts';
import { type Choice, CircuitOpenError, choose, type Route, type Visit } from './route.ts';

export interface QueueOptions {
  readonly model: string;
  /** Inferences that may wait; one more is refused. */
  readonly max_waiting: number;
}

/** Who asks for a place, and where it may be. */
export interface Ask {
  /** The principal: places are shared between principals. */
  readonly who: string;
  readonly class: QueueClass;
  readonly signal: AbortSignal;
  /** At least one. */
  readonly routes: readonly Route[];
  /** Room that was kept for it, perhaps here. */
  readonly place?: string | undefined;
  /** Servers that are closed for longer are not waited for; undefined: 5 s. */
  readonly max_closed_ms?: number | undefined;
}

interface Waiter {
  readonly routes: readonly Route[];
  readonly max_closed_ms: number | undefined;
  start(visit: Visit): void;
  refuse(error: PlatformError): void;
}

/** How long room is kept for somebody who does not come. */
const PLACE_MS = 10_000;
/** Weight of the newest duration in the moving average. */
const EMA = 0.2;
/** A server that is rate limited for longer is not waited for. */
export const MAX_RETRY_WAIT_MS = 5000;

/**
 * The queue of one model. Interactive inferences go before batch ones; within a class principals take turns, each with
 * its own in the order in which they came. When it is full, a principal with fewer in it than another takes the place
 * of that one's last. Whoever leaves while waiting gives up its place at once. How many work at once is the routes'
 * business.
 */
export class ModelQueue {
  readonly #options: QueueOptions;
  readonly #waiting: Readonly<Record<QueueClass, FairLine<Waiter>>> = {
    interactive: new FairLine(),
    batch: new FairLine(),
  };
  readonly #onChange: (status: QueueStatus) => void;
  /** Room that is kept for those who will come. */
  readonly #reserved = new Map<string, { readonly who: string; end(): void }>();
  #running = 0;
  /** Moving average of how long an inference holds its place. */
  #mean_ms = 1000;
  #alarm: NodeJS.Timeout | undefined;

  constructor(options: QueueOptions, onChange: (status: QueueStatus) => void) {
    this.#options = options;
    this.#onChange = onChange;
  }

  status(): QueueStatus {
    return {
      model: this.#options.model,
      running: this.#running,
      waiting_interactive: this.#waiting.interactive.length,
      waiting_batch: this.#waiting.batch.length,
      capacity: this.#options.max_waiting,
    };
  }

  /**
   * Waits for a place at one of the routes. Throws `overloaded` when the queue is full or the servers are to be left
   * alone for longer than 5 s, and the signal's reason when the caller leaves while waiting.
   */
  async enter({ who, class: cls, signal, routes, place, max_closed_ms }: Ask): Promise<Visit> {
    if (signal.aborted) throw reasonOf(signal);
    const kept = place !== undefined && this.#release(place);
    let choice = choose(routes);
    if (choice.type === 'free' && this.#depth() > 0) {
      // Nobody passes those who wait already: a server may have been opened by the clock alone.
      this.#serve();
      choice = choose(routes);
    }
    if (choice.type !== 'free' || this.#reserved.size > 0) this.#refuse(routes, { who, kept, max_closed_ms });
    if (choice.type === 'free') return this.#start(choice.route);
    return await this.#wait(cls, signal, { who, routes, max_closed_ms });
  }

  /** Keeps room for one inference at these routes. Throws what {@link enter} would. */
  reserve(routes: readonly Route[], who: string): Place {
    this.#refuse(routes, { who, kept: false });
    const id = randomUUID();
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(() => this.#release(id), PLACE_MS).unref();
    this.#reserved.set(id, {
      who,
      end() {
        clearTimeout(timer);
        resolve();
      },
    });
    return { id, gone, release: () => void this.#release(id) };
  }

  /** True when there was such room. */
  #release(place: string): boolean {
    this.#reserved.get(place)?.end();
    return this.#reserved.delete(place);
  }

  /** Throws `overloaded` when the servers are closed for long, or when there is no room and none was kept. */
  #refuse(
    routes: readonly Route[],
    { who, kept, max_closed_ms }: { who: string; kept: boolean; max_closed_ms?: number | undefined },
  ): void {
    const closed = closedFor(routes, max_closed_ms);
    if (closed !== undefined) throw closed;
    const limit = routes.reduce((sum, one) => sum + one.limit, 0);
    const room = Math.max(0, limit - this.#running) + this.#options.max_waiting - this.#depth();
    if (!kept && room <= this.#reserved.size && !this.#makeRoom(who, limit)) throw this.#full(limit);
  }

  /** Sends away the last of the principal with the most here, if that still leaves it as many as this one will have. */
  #makeRoom(who: string, limit: number): boolean {
    const counts = new Map<string, number>();
    for (const line of [this.#waiting.batch, this.#waiting.interactive]) line.count(counts);
    const waiting = [...counts.keys()];
    for (const one of this.#reserved.values()) counts.set(one.who, (counts.get(one.who) ?? 0) + 1);
    const most = waiting.reduce(
      (best, one) => ((counts.get(one) ?? 0) > (counts.get(best) ?? 0) ? one : best),
      who,
    );
    if ((counts.get(most) ?? 0) <= (counts.get(who) ?? 0) + 1) return false;
    for (const line of [this.#waiting.batch, this.#waiting.interactive]) {
      const last = line.lastOf(most);
      if (last === undefined) continue;
      line.remove(last);
      last.refuse(this.#full(limit));
      return true;
    }
    return false;
  }

  #depth(): number {
    return this.#waiting.interactive.length + this.#waiting.batch.length;
  }

  #start(route: Route): Visit {
    this.#running++;
    const since_ms = performance.now();
    const visit = route.visit(() => {
      this.#running--;
      this.#mean_ms += EMA * (performance.now() - since_ms - this.#mean_ms);
      this.#serve();
      this.#onChange(this.status());
    });
    this.#onChange(this.status());
    return {
      ...visit,
      accepted: () => {
        visit.accepted();
        if (this.#depth() > 0) this.#serve();
      },
    };
  }

  #wait(
    cls: QueueClass,
    signal: AbortSignal,
    { who, routes, max_closed_ms }: Pick<Ask, 'who' | 'routes' | 'max_closed_ms'>,
  ): Promise<Visit> {
    const { promise, resolve, reject } = Promise.withResolvers<Visit>();
    const line = this.#waiting[cls];
    const leave = () => {
      line.remove(waiter);
      this.#onChange(this.status());
      reject(reasonOf(signal));
    };
    const waiter: Waiter = {
      routes,
      max_closed_ms,
      start(visit) {
        signal.removeEventListener('abort', leave);
        resolve(visit);
      },
      refuse(error) {
        signal.removeEventListener('abort', leave);
        reject(error);
      },
    };
    signal.addEventListener('abort', leave, { once: true });
    line.add(who, waiter);
    this.#onChange(this.status());
    this.#serve();
    return promise;
  }

  /** Hands places over, so that nobody can slip in between, and sends away those whose servers are closed for long. */
  #serve(): void {
    clearTimeout(this.#alarm);
    let alarm_ms = Number.POSITIVE_INFINITY;
    const busy = new Set<readonly Route[]>();
    for (const line of [this.#waiting.interactive, this.#waiting.batch])
      for (let at = 0; at < line.length; ) {
        const waiter = line.at(at);
        const choice: Choice = busy.has(waiter.routes) ? { type: 'busy' } : choose(waiter.routes);
        if (choice.type === 'busy') {
          busy.add(waiter.routes);
          at++;
          continue;
        }
        const closed = choice.type === 'closed' ? closedFor(waiter.routes, waiter.max_closed_ms) : undefined;
        if (choice.type === 'closed' && closed === undefined) {
          alarm_ms = Math.min(alarm_ms, choice.wait_ms);
          at++;
          continue;
        }
        if (choice.type === 'free') {
          line.serve(at);
          waiter.start(this.#start(choice.route));
        } else if (closed !== undefined) {
          line.remove(waiter);
          waiter.refuse(closed);
        }
      }
    if (Number.isFinite(alarm_ms)) {
      this.#alarm = setTimeout(() => this.#serve(), Math.ceil(alarm_ms));
      this.#alarm.unref();
    }
  }

  #full(places: number): PlatformError {
    const retry_after_ms = Math.min(60_000, Math.max(250, (this.#mean_ms * (this.#depth() + 1)) / places));
    return new PlatformError(
      'overloaded',
      `The queue of ${this.#options.model} is full: ${this.#depth()} inferences wait. Try again in about ${Math.ceil(retry_after_ms / 1000)} s.`,
      { retry_after_ms: Math.round(retry_after_ms) },
    );
  }
}

/** Why nobody waits for these routes, or undefined. */
function closedFor(routes: readonly Route[], max_closed_ms = MAX_RETRY_WAIT_MS): PlatformError | undefined {
  const wait_ms = Math.min(...routes.map((route) => route.wait_ms));
  if (wait_ms <= max_closed_ms) return undefined;
  const name = routes[0]?.info.owned_by ?? 'The server';
  const retry = { retry_after_ms: Math.ceil(wait_ms) };
  if (routes.every(({ broken }) => broken))
    return new CircuitOpenError(
      'unavailable',
      `${name} failed several times in a row and is tried again in ${Math.ceil(wait_ms / 1000)} s. Try again then, or choose another model.`,
      retry,
    );
  return new PlatformError(
    'overloaded',
    `${name} is rate limited. Try again in ${Math.ceil(wait_ms / 1000)} s, or choose another model.`,
    retry,
  );
}

/** What a caller is told that left. */
export function reasonOf(signal: AbortSignal): PlatformError {
  return signal.reason instanceof PlatformError
    ? signal.reason
    : new PlatformError('cancelled', 'The caller left while it was waiting for the model.');
}
