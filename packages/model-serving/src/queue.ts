import { randomUUID } from 'node:crypto';
import {
  type BatchTerms,
  type Place,
  PlatformError,
  type QueueClass,
  type QueueStatus,
} from '@mcp/contracts';
import { Averages } from './averages.ts';
import { type Expected, ExpectedTokens } from './expected-tokens.ts';
import { Pace } from './pace.ts';
import { type Choice, CircuitOpenError, choose, type Route, type Visit } from './route.ts';
import { TwoLines } from './two-lines.ts';

export interface QueueOptions {
  readonly model: string;
  /** Inferences that may wait; one more is refused. */
  readonly max_waiting: number;
  /** Share of a caller against the others' 1, by the principal's id. */
  readonly weights?: Readonly<Record<string, number>>;
  /** Undefined: batch work has no share of its own, and leaves nothing free. */
  readonly batch?: BatchTerms;
  /** Milliseconds that never go back. */
  readonly now?: () => number;
}

/** Who asks for a place, and where it may be. */
export interface Ask {
  /** The principal: places are shared between principals. */
  readonly who: string;
  readonly class: QueueClass;
  readonly expected: Expected;
  /** How long its caller waits for the whole answer; one that would only begin after that is refused at once. */
  readonly time_left_ms?: number | undefined;
  readonly signal: AbortSignal;
  /** At least one. */
  readonly routes: readonly Route[];
  /** Room that was kept for it, perhaps here. */
  readonly place?: string | undefined;
  /** Servers that are closed for longer are not waited for; undefined: 5 s. */
  readonly max_closed_ms?: number | undefined;
}

interface Waiter extends Pick<Ask, 'who' | 'class' | 'expected' | 'routes' | 'max_closed_ms'> {
  readonly since_ms: number;
  start(visit: Visit): void;
  refuse(error: PlatformError): void;
}

/** The longest that anybody is told to stay away: what comes after that is not foreseen. */
const MAX_RETRY_AFTER_MS = 60_000;
/** How long room is kept for somebody who does not come. */
const PLACE_MS = 10_000;
/** A server that is rate limited for longer is not waited for. */
export const MAX_RETRY_WAIT_MS = 5000;
/** How long an inference works, until one was seen. */
const FIRST_WORK_MS = 1000;
const NO_TERMS: BatchTerms = { min_share: 0, reserve: 0 };

/**
 * The queue of one model. Interactive inferences go before batch ones, which have a share of their own; within a class
 * principals take turns by the tokens that they use and by their weight, each with the shortest of its own. When it is
 * full, a principal with fewer in it than another takes the place of that one's last. Whoever leaves while waiting gives up its place at once. How many work at once is the routes'
 * business.
 */
export class ModelQueue {
  /** What requests to the model will take. */
  readonly expected = new ExpectedTokens();
  readonly #options: QueueOptions;
  readonly #waiting: TwoLines<Waiter>;
  /** How many wait for the same routes. */
  readonly #wanted = new Map<readonly Route[], number>();
  readonly #onChange: (status: QueueStatus) => void;
  /** Room that is kept for those who will come. */
  readonly #reserved = new Map<string, { readonly who: string; end(): void }>();
  #running = 0;
  readonly #pace = new Pace();
  /** How long inferences of a kind held their place. */
  readonly #work = new Averages(FIRST_WORK_MS);
  readonly #now: () => number;
  #alarm: NodeJS.Timeout | undefined;

  constructor(options: QueueOptions, onChange: (status: QueueStatus) => void) {
    this.#options = options;
    this.#onChange = onChange;
    this.#now = options.now ?? (() => performance.now());
    this.#waiting = new TwoLines(options.batch ?? NO_TERMS, (kind) => this.#work.of(kind));
  }

  status(): QueueStatus {
    return {
      model: this.#options.model,
      running: this.#running,
      waiting_interactive: this.#waiting.lengthOf('interactive'),
      waiting_batch: this.#waiting.lengthOf('batch'),
      capacity: this.#options.max_waiting,
    };
  }

  /**
   * Waits for a place at one of the routes. Throws `overloaded` when the queue is full, when its turn would come too
   * late or when the servers are rate limited for longer than 5 s, and the signal's reason when the caller leaves.
   */
  async enter(ask: Ask): Promise<Visit> {
    const { who, signal, routes, place, max_closed_ms } = ask;
    if (signal.aborted) throw reasonOf(signal);
    const kept = place !== undefined && this.#release(place);
    let choice = this.#choose(ask);
    if (choice.type === 'free' && this.#waiting.length > 0) {
      // Nobody passes those who wait already: a server may have been opened by the clock alone.
      this.#serve();
      choice = this.#choose(ask);
    }
    if (choice.type !== 'free' || this.#reserved.size > 0) this.#refuse(routes, { who, kept, max_closed_ms });
    if (choice.type === 'free') return this.#start(choice.route, ask);
    this.#refuseTooLate(ask);
    return await this.#wait(ask);
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
    const limit = placesOf(routes);
    const room = Math.max(0, limit - this.#running) + this.#options.max_waiting - this.#waiting.length;
    if (!kept && room <= this.#reserved.size && !this.#makeRoom(who, limit)) throw this.#full(limit);
  }

  /** Throws `overloaded` when so many tokens are before it that its caller would have left. */
  #refuseTooLate({ who, class: cls, expected, time_left_ms, routes }: Ask): void {
    const before = this.#waiting.ahead({ who, class: cls, ...expected });
    const places = placesOf(routes);
    const wait_ms = this.#pace.waitMs(before, { running: this.#running, places });
    if (time_left_ms === undefined || wait_ms === undefined || wait_ms <= time_left_ms) return;
    throw new PlatformError(
      'overloaded',
      `The queue of ${this.#options.model} is so long that a turn comes in about ${seconds(wait_ms)} s; this request is given up after ${seconds(time_left_ms)} s. Try again later, or allow it more time.`,
      { retry_after_ms: Math.ceil(wait_ms - time_left_ms) },
    );
  }

  /** Sends away the last of the principal with the most here, if that still leaves it as many as this one will have. */
  #makeRoom(who: string, limit: number): boolean {
    const counts = new Map<string, number>();
    this.#waiting.count(counts);
    const waiting = [...counts.keys()];
    for (const one of this.#reserved.values()) counts.set(one.who, (counts.get(one.who) ?? 0) + 1);
    const most = waiting.reduce(
      (best, one) => ((counts.get(one) ?? 0) > (counts.get(best) ?? 0) ? one : best),
      who,
    );
    if ((counts.get(most) ?? 0) <= (counts.get(who) ?? 0) + 1) return false;
    const last = this.#waiting.lastOf(most);
    if (last === undefined) return false;
    this.#remove(last);
    last.refuse(this.#full(limit));
    return true;
  }

  /** A free route for one whose turn it is; batch work may have to leave it to interactive work that may come. */
  #choose({ class: cls, expected: { tokens }, routes }: Waiter | Ask, since_ms = this.#now()): Choice {
    const waited_ms = this.#now() - since_ms;
    const choice = choose(routes, { class: cls, tokens, waiting_tokens: this.#waiting.tokens, waited_ms });
    if (choice.type !== 'free' || cls === 'interactive') return choice;
    const free = routes.reduce((sum, route) => sum + Math.max(0, route.limit - route.running), 0);
    const at = { places: placesOf(routes), free, now_ms: this.#now() };
    return this.#waiting.mayBegin(cls, tokens, at) ? choice : { type: 'busy' };
  }

  #start(route: Route, { class: cls, expected: { tokens, kind }, routes }: Waiter | Ask): Visit {
    this.#running++;
    const since_ms = this.#now();
    const at = { mean_tokens: this.#pace.mean_tokens, places: placesOf(routes), now_ms: since_ms };
    this.#waiting.begun(cls, tokens, at);
    const visit = route.visit(() => {
      this.#running--;
      const took_ms = this.#now() - since_ms;
      this.#pace.learn(tokens, took_ms);
      route.pool?.pace.learn(tokens, took_ms);
      this.#work.learn(kind, took_ms);
      this.#serve();
      this.#onChange(this.status());
    });
    this.#onChange(this.status());
    return {
      ...visit,
      accepted: () => {
        visit.accepted();
        if (this.#waiting.length > 0) this.#serve();
      },
    };
  }

  #wait(ask: Ask): Promise<Visit> {
    const { who, expected, signal, routes } = ask;
    const { promise, resolve, reject } = Promise.withResolvers<Visit>();
    const leave = () => {
      this.#remove(waiter);
      this.#onChange(this.status());
      reject(reasonOf(signal));
    };
    const waiter: Waiter = {
      who,
      class: ask.class,
      expected,
      routes,
      max_closed_ms: ask.max_closed_ms,
      since_ms: this.#now(),
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
    this.#waiting.add(waiter, {
      ...expected,
      weight: weightOf(this.#options.weights, who),
      since_ms: waiter.since_ms,
    });
    this.#wanted.set(routes, (this.#wanted.get(routes) ?? 0) + 1);
    this.#onChange(this.status());
    this.#serve();
    return promise;
  }

  #remove(waiter: Waiter): void {
    this.#waiting.remove(waiter);
    this.#wantLess(waiter.routes);
  }

  #wantLess(routes: readonly Route[]): void {
    const left = (this.#wanted.get(routes) ?? 1) - 1;
    if (left > 0) this.#wanted.set(routes, left);
    else this.#wanted.delete(routes);
  }

  /** Hands places over, so that nobody can slip in between, and sends away those whose servers are closed for long. */
  #serve(): void {
    clearTimeout(this.#alarm);
    const seen: Seen = { busy: new Set(), alarm_ms: Number.POSITIVE_INFINITY };
    while (this.#waiting.length > 0 && this.#serveOne(seen));
    if (!Number.isFinite(seen.alarm_ms)) return;
    this.#alarm = setTimeout(() => this.#serve(), Math.ceil(seen.alarm_ms));
    this.#alarm.unref();
  }

  /** Begins or sends away the first of whom that can be said; false when there is none. */
  #serveOne(seen: Seen): boolean {
    for (const waiter of this.#waiting.inTurn(({ expected }) => expected.tokens)) {
      const { routes } = waiter;
      if (seen.busy.size === this.#wanted.size) return false;
      if (seen.busy.has(routes)) continue;
      const choice = this.#choose(waiter, waiter.since_ms);
      const closed = choice.type === 'closed' ? closedFor(routes, waiter.max_closed_ms) : undefined;
      if (choice.type === 'free') {
        this.#waiting.serve(waiter);
        this.#wantLess(routes);
        waiter.start(this.#start(choice.route, waiter));
        return true;
      }
      if (closed !== undefined) {
        this.#remove(waiter);
        waiter.refuse(closed);
        return true;
      }
      if (choice.type === 'busy') seen.busy.add(routes);
      else seen.alarm_ms = Math.min(seen.alarm_ms, choice.wait_ms);
    }
    return false;
  }

  #full(places: number): PlatformError {
    const drained_ms = this.#pace.drainedMs(this.#waiting.tokens, { running: this.#running, places });
    const retry_after_ms = Math.round(Math.min(MAX_RETRY_AFTER_MS, Math.max(250, drained_ms)));
    return new PlatformError(
      'overloaded',
      `The queue of ${this.#options.model} is full: ${this.#waiting.length} inferences wait. Try again in about ${seconds(retry_after_ms)} s.`,
      { retry_after_ms },
    );
  }
}

/** What one look at those who wait has found out. */
interface Seen {
  /** Routes that have no place just now. */
  readonly busy: Set<readonly Route[]>;
  /** When the first of the closed ones may be asked. */
  alarm_ms: number;
}

function placesOf(routes: readonly Route[]): number {
  return routes.reduce((sum, one) => sum + one.limit, 0);
}

function weightOf(weights: QueueOptions['weights'], who: string): number {
  return weights !== undefined && Object.hasOwn(weights, who) ? (weights[who] ?? 1) : 1;
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
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
