/** The platform's queue, and the two that it is held against, behind one interface. */
import { BatchTerms, type ModelBackend } from '@mcp/contracts';
import { ModelQueue } from '../../packages/model-serving/src/queue.ts';
import { Route } from '../../packages/model-serving/src/route.ts';
import type { Clock, Scheduler, Server } from './simulate.ts';
import type { Arrival } from './trace.ts';

/** Characters per token of the requests that the queue is shown: it knows neither input nor output tokens. */
const CHARS_PER_TOKEN = 4;

interface Options {
  readonly server: Server;
  readonly clock: Clock;
  /** Requests that may wait; one more is refused. */
  readonly max_waiting: number;
  readonly time_left_ms?: number;
}

/** What the model-gateway runs: the code itself, on the simulation's clock. */
export function platform({ server, clock, max_waiting, time_left_ms }: Options): Scheduler {
  const now = () => clock.now_ms;
  const queue = new ModelQueue(
    { model: 'm', max_waiting, batch: BatchTerms.parse({}), now },
    () => undefined,
  );
  const routes = [
    new Route({
      backend: {} as ModelBackend,
      tier: 0,
      now,
      info: {
        id: 'm',
        backend: 'simulated',
        kind: 'chat',
        owned_by: 'bench',
        max_context: 1_000_000,
        max_concurrency: server.places,
        cost_input_per_mtok_usd: 0,
        cost_output_per_mtok_usd: 0,
        status: 'ready',
      },
    }),
  ];
  const { signal } = new AbortController();
  return {
    async enter(arrival) {
      const content = 'x'.repeat(arrival.input_tokens * CHARS_PER_TOKEN);
      const request = { model: 'm', messages: [{ role: 'user' as const, content }] };
      const expected = queue.expected.of(request);
      const ask = { who: arrival.who, class: arrival.class, expected, time_left_ms, signal, routes };
      const visit = await queue.enter(ask);
      visit.accepted();
      return () => {
        queue.expected.learn(request, arrival);
        visit.leave();
      };
    },
  };
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

/** A line of which `pick` says who is next. Whoever is refused is told to come again after a second. */
function simple({ server, max_waiting }: Options, pick: (line: readonly Waiter[]) => number): Scheduler {
  const line: Waiter[] = [];
  let running = 0;
  const done = () => {
    running--;
    const [next] = line.length === 0 ? [] : line.splice(pick(line), 1);
    next?.begin();
  };
  return {
    async enter(arrival) {
      if (running >= server.places) {
        if (line.length >= max_waiting) throw Object.assign(new Error('full'), { retry_after_ms: 1000 });
        await new Promise<void>((begin) => line.push({ arrival, begin }));
      }
      running++;
      return done;
    },
  };
}
