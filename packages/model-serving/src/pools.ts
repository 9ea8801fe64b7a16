import type { ModelInfo, ModelPools, QueueClass } from '@mcp/contracts';
import { Pace } from './pace.ts';

/** A pool is taken for as fast as the fastest when it is expected to need at most so much of its time. */
const AS_FAST = 1.5;

/** Servers of one model that are for requests of one sort, and how fast they were of late. */
export class Pool {
  readonly name: string;
  readonly max_tokens: number;
  readonly pace = new Pace();

  constructor(name: string, max_tokens: number) {
    this.name = name;
    this.max_tokens = max_tokens;
  }
}

/** The pools that a stack declares, by model and server. */
export class Pools {
  readonly #pools = new Map<string, ReadonlyMap<string, Pool>>();

  constructor(declared: ModelPools) {
    for (const [model, pools] of Object.entries(declared)) {
      const byServer = new Map<string, Pool>();
      for (const { name, servers, max_tokens } of pools) {
        const pool = new Pool(name, max_tokens ?? Number.POSITIVE_INFINITY);
        for (const server of servers) byServer.set(server, pool);
      }
      this.#pools.set(model, byServer);
    }
  }

  of(model: string, server: string): Pool | undefined {
    return this.#pools.get(model)?.get(server);
  }
}

/** What a request says of the pool that it goes to. */
export interface Fit {
  readonly class: QueueClass;
  /** Tokens that it is expected to take. */
  readonly tokens: number;
  /** Tokens of all that wait for the model. */
  readonly waiting_tokens: number;
  readonly waited_ms: number;
}

/** What of a route its pool is chosen by. */
interface Placeable {
  readonly pool: Pool | undefined;
  readonly info: Pick<ModelInfo, 'max_context'>;
  readonly limit: number;
  readonly running: number;
  readonly free: boolean;
}

/** Routes with a free place in the pool of a request, or how long a better one is waited for. */
type Placement<R> =
  | { readonly type: 'free'; readonly routes: readonly R[] }
  | { readonly type: 'busy' }
  | { readonly type: 'held'; readonly wait_ms: number };

interface Group<R> {
  readonly free: readonly R[];
  /** Requests of more tokens are not for it. */
  readonly max_tokens: number;
  /** How long the request is expected to work there; undefined while too little was seen. */
  readonly work_ms: number | undefined;
  /** When a place will be free; undefined while too little was seen. */
  readonly wait_ms: number | undefined;
}

/**
 * Where a request goes among pools: to the one that fits best, and when that is full to the next, unless the request is
 * expected to be done sooner by waiting. A request that fits nowhere goes where the most tokens fit: none is refused
 * for the pools' sake.
 */
export function place<R extends Placeable>(routes: readonly R[], fit: Fit): Placement<R> {
  const groups = groupsOf(routes, fit);
  const fitting = groups.filter(({ max_tokens }) => fit.tokens <= max_tokens);
  const ordered =
    fitting.length > 0 ? inOrder(fitting, fit) : groups.toSorted((a, b) => b.max_tokens - a.max_tokens);
  const [best] = ordered;
  const next = ordered.find(({ free }) => free.length > 0);
  if (best === undefined || next === undefined) return { type: 'busy' };
  if (next === best) return { type: 'free', routes: next.free };
  // What is won by waiting for the best pool is lost when the wait has been as long: nobody waits for more.
  const gain_ms = (next.work_ms ?? 0) - (best.work_ms ?? 0);
  const left_ms = gain_ms - fit.waited_ms;
  if (best.wait_ms === undefined || next.work_ms === undefined || best.wait_ms >= left_ms)
    return { type: 'free', routes: next.free };
  return { type: 'held', wait_ms: left_ms };
}

/** Interactive requests go to a pool that is about as fast as any, batch ones to the slowest; of these to the tightest. */
function inOrder<R>(groups: readonly Group<R>[], { class: cls }: Fit): readonly Group<R>[] {
  const known = groups.flatMap(({ work_ms }) => work_ms ?? []);
  const fastest_ms = Math.min(...known);
  const isFast = ({ work_ms }: Group<R>) => work_ms === undefined || work_ms <= fastest_ms * AS_FAST;
  const tight = (a: Group<R>, b: Group<R>) =>
    a.max_tokens === b.max_tokens ? (a.work_ms ?? 0) - (b.work_ms ?? 0) : a.max_tokens - b.max_tokens;
  return groups.toSorted((a, b) => {
    if (isFast(a) === isFast(b)) return tight(a, b);
    return isFast(a) === (cls === 'interactive') ? -1 : 1;
  });
}

/** Routes by pool; those in none are a pool of their own, for what its servers take. */
function groupsOf<R extends Placeable>(
  routes: readonly R[],
  { tokens, waiting_tokens }: Fit,
): readonly Group<R>[] {
  const byPool = Map.groupBy(routes, ({ pool }) => pool);
  return [...byPool].map(([pool, own]) => {
    const places = own.reduce((sum, { limit }) => sum + limit, 0);
    const running = own.reduce((sum, one) => sum + one.running, 0);
    return {
      free: own.filter((route) => route.free),
      max_tokens: Math.min(
        pool?.max_tokens ?? Number.POSITIVE_INFINITY,
        Math.max(...own.map(({ info }) => info.max_context)),
      ),
      work_ms: pool?.pace.workMs(tokens),
      wait_ms: pool?.pace.waitMs(waiting_tokens, { running, places }),
    };
  });
}
