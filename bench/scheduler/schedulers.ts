/** The platform's queue, and the two that it is held against, behind one interface. */
import { BatchTerms, type ModelBackend, type ModelPools } from '@mcp/contracts';
import { Pools } from '../../packages/model-serving/src/pools.ts';
import { ModelQueue } from '../../packages/model-serving/src/queue.ts';
import { Route } from '../../packages/model-serving/src/route.ts';
import { mulberry32 } from '../stats.ts';
import type { Begun, Clock, Scheduler, Server } from './simulate.ts';
import type { Arrival } from './trace.ts';

/** Characters per token of the requests that the queue is shown: it knows neither input nor output tokens. */
const CHARS_PER_TOKEN = 4;

export interface Options {
  readonly servers: readonly Server[];
  readonly clock: Clock;
  /** Requests that may wait; one more is refused. */
  readonly max_waiting: number;
  readonly time_left_ms?: number;
}

/** What the model-gateway runs: the code itself, on the simulation's clock; pools only where they are declared. */
export function platform(
  { servers, clock, max_waiting, time_left_ms }: Options,
  declared: ModelPools = {},
): Scheduler {
  const now = () => clock.now_ms;
  const batch = BatchTerms.parse({});
  const queue = new ModelQueue({ model: 'm', max_waiting, batch, now }, () => undefined);
  const pools = new Pools(declared);
  const routes = servers.map((server) => routeTo(server, { now, pool: pools.of('m', server.name) }));
  const { signal } = new AbortController();
  return {
    async enter(arrival) {
      const content = 'x'.repeat(arrival.input_tokens * CHARS_PER_TOKEN);
      const request = { model: 'm', messages: [{ role: 'user' as const, content }] };
      const expected = queue.expected.of(request);
      const ask = { who: arrival.who, class: arrival.class, expected, time_left_ms, signal, routes };
      const visit = await queue.enter(ask);
      visit.accepted();
      return {
        server: servers[routes.indexOf(visit.route)] as Server,
        done() {
          queue.expected.learn(request, arrival);
          visit.leave();
        },
      };
    },
  };
}

function routeTo(
  { places }: Server,
  how: Pick<ConstructorParameters<typeof Route>[0], 'now' | 'pool'>,
): Route {
  return new Route({
    backend: {} as ModelBackend,
    tier: 0,
    ...how,
    info: {
      id: 'm',
      backend: 'simulated',
      kind: 'chat',
      owned_by: 'bench',
      max_context: 1_000_000,
      max_concurrency: places,
      cost_input_per_mtok_usd: 0,
      cost_output_per_mtok_usd: 0,
      status: 'ready',
    },
  });
}

interface Waiter {
  readonly arrival: Arrival;
  readonly begin: () => void;
}

/** Whoever came first. */
export function fifo(options: Options): Scheduler {
  return simple(options, () => 0);
}

/** Callers in turn, one request each, whatever it takes and whatever its class. */
export function roundRobin(options: Options): Scheduler {
  const last = new Map<string, number>();
  let served = 0;
  return simple(options, (line) => {
    let best = 0;
    for (const [at, { arrival }] of line.entries())
      if ((last.get(arrival.who) ?? -1) < (last.get(line[best]?.arrival.who ?? '') ?? -1)) best = at;
    last.set(line[best]?.arrival.who ?? '', served++);
    return best;
  });
}

/** A line of which `pick` says who is next, at any server with a free place. Whoever is refused is told to come again after a second. */
function simple({ servers, max_waiting }: Options, pick: (line: readonly Waiter[]) => number): Scheduler {
  const line: Waiter[] = [];
  const random = mulberry32(1);
  const free = servers.flatMap((server) => Array.from({ length: server.places }, () => server));
  const begun = (): Begun => {
    const [server] = free.splice(Math.floor(random() * free.length), 1);
    if (server === undefined) throw new Error('a request began without a place');
    return {
      server,
      done() {
        free.push(server);
        const [next] = line.length === 0 ? [] : line.splice(pick(line), 1);
        next?.begin();
      },
    };
  };
  return {
    async enter(arrival) {
      if (free.length === 0) {
        if (line.length >= max_waiting) throw Object.assign(new Error('full'), { retry_after_ms: 1000 });
        return await new Promise<Begun>((resolve) => {
          line.push({ arrival, begin: () => resolve(begun()) });
        });
      }
      return begun();
    },
  };
}
