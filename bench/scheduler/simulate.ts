/** Requests of a trace at a server of so many places, in virtual time, in the order that a scheduler gives them. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Arrival } from './trace.ts';

/** A scheduler under test: it is told who comes and who is done, and says who begins. */
export interface Scheduler {
  /** Resolves when the request may begin; rejects when it is refused. */
  enter(arrival: Arrival): Promise<Begun>;
}

/** Where a request began, and what is called when it is done. */
export interface Begun {
  readonly server: Server;
  done(): void;
}

/** One request's fate, in virtual milliseconds. Whoever is refused comes again once, when it was told to. */
export interface Fate {
  readonly arrival: Arrival;
  /** Undefined when it was refused for good. */
  readonly start_ms: number | undefined;
  readonly end_ms: number | undefined;
  /** Where; undefined when it was refused for good. */
  readonly server: Server | undefined;
  /** What it was told when it was first refused, and whether there was room when it came again. */
  refused: { readonly retry_after_ms: number; room: boolean } | undefined;
}

/** What the server does with one request: read its input, then write its output, at rates of a place of its own. */
export interface Server {
  readonly name: string;
  readonly places: number;
  /** Its context: what is longer cannot be answered there. */
  readonly max_tokens: number;
  readonly input_tokens_per_s: number;
  readonly output_tokens_per_s: number;
}

export interface Clock {
  now_ms: number;
}

export function serviceMs(
  { input_tokens, output_tokens }: Arrival,
  server: Pick<Server, 'input_tokens_per_s' | 'output_tokens_per_s'>,
): number {
  return 1000 * (input_tokens / server.input_tokens_per_s + output_tokens / server.output_tokens_per_s);
}

interface Event {
  readonly at_ms: number;
  run(): void;
}

/** Runs a trace to its end. The clock is the one that the scheduler reads. */
export async function simulate(
  trace: readonly Arrival[],
  scheduler: Scheduler,
  clock: Clock,
): Promise<Fate[]> {
  const fates: Fate[] = [];
  const events: Event[] = [];
  const enter = (arrival: Arrival, id: number) => {
    const since_ms = clock.now_ms;
    scheduler.enter(arrival).then(
      ({ server, done }) => {
        const end_ms = clock.now_ms + serviceMs(arrival, server);
        const start_ms = arrival.at_ms + clock.now_ms - since_ms;
        const refused = fates[id]?.refused;
        if (refused !== undefined) refused.room = true;
        fates[id] = { arrival, start_ms, end_ms: start_ms + end_ms - clock.now_ms, server, refused };
        insert(events, { at_ms: end_ms, run: done });
      },
      ({ retry_after_ms = 0 }: { readonly retry_after_ms?: number }) => {
        if (fates[id] !== undefined) return;
        const refused = { retry_after_ms, room: false };
        fates[id] = { arrival, start_ms: undefined, end_ms: undefined, server: undefined, refused };
        insert(events, { at_ms: clock.now_ms + retry_after_ms, run: () => enter(arrival, id) });
      },
    );
  };
  for (let next = 0; next < trace.length || events.length > 0; ) {
    const arrival = trace[next];
    const event = events[0];
    if (arrival !== undefined && (event === undefined || arrival.at_ms <= event.at_ms)) {
      clock.now_ms = arrival.at_ms;
      enter(arrival, next++);
    } else if (event !== undefined) {
      clock.now_ms = event.at_ms;
      events.shift();
      event.run();
    }
    await turn();
  }
  return fates;
}

function insert(events: Event[], event: Event): void {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const mid = (low + high) >>> 1;
    if ((events[mid]?.at_ms ?? 0) <= event.at_ms) low = mid + 1;
    else high = mid;
  }
  events.splice(low, 0, event);
}
