import { setImmediate as turn } from 'node:timers/promises';
import { PlatformError, type QueueClass } from '@mcp/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FairLine } from '../src/fair-line.ts';
import { ModelQueue } from '../src/queue.ts';
import type { Route, Visit } from '../src/route.ts';
import { routeOf } from './support.ts';

const PRINCIPALS = ['ann', 'bob', 'cat', 'dan'] as const;
const who = fc.constantFrom(...PRINCIPALS);

/** A queue with callers by principal, and what has become of each. */
class Scene {
  readonly queue: ModelQueue;
  readonly waiting = new Map<string, number>();
  readonly running: Visit[] = [];
  readonly served: string[] = [];
  /** What others held when somebody was sent away: [who was, how many it had left, the most another had]. */
  readonly refused: { who: string; held: number; most: number }[] = [];
  readonly #routes: Route[];

  constructor(concurrency: number, max_waiting: number) {
    this.#routes = [routeOf(concurrency)];
    this.queue = new ModelQueue({ model: 'm', max_waiting }, () => undefined);
  }

  async arrive(name: string, cls: QueueClass = 'interactive'): Promise<void> {
    this.waiting.set(name, (this.waiting.get(name) ?? 0) + 1);
    const signal = new AbortController().signal;
    this.queue.enter({ who: name, class: cls, tokens: 1, signal, routes: this.#routes }).then(
      (visit) => {
        this.#less(name);
        this.running.push(visit);
        this.served.push(name);
      },
      (error: unknown) => {
        if (!(error instanceof PlatformError) || error.code !== 'overloaded') throw error;
        this.#less(name);
        this.refused.push({
          who: name,
          held: this.waiting.get(name) ?? 0,
          most: Math.max(0, ...this.waiting.values()),
        });
      },
    );
    await turn();
  }

  async release(): Promise<void> {
    this.running.shift()?.leave();
    await turn();
  }

  #less(name: string): void {
    this.waiting.set(name, (this.waiting.get(name) ?? 0) - 1);
  }
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ who, cls: fc.constantFrom<QueueClass>('interactive', 'batch') }) },
  { weight: 1, arbitrary: fc.constant('release' as const) },
);

test('nobody is sent away while another has more than one place more, and the bound holds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 12 }),
      fc.array(step, { maxLength: 60 }),
      async (concurrency, max_waiting, steps) => {
        const scene = new Scene(concurrency, max_waiting);
        for (const one of steps) {
          if (one === 'release') await scene.release();
          else await scene.arrive(one.who, one.cls);
          const { waiting_interactive, waiting_batch, running } = scene.queue.status();
          expect(waiting_interactive + waiting_batch).toBeLessThanOrEqual(max_waiting);
          expect(waiting_interactive + waiting_batch).toBe(
            [...scene.waiting.values()].reduce((a, b) => a + b, 0),
          );
          expect(running).toBeLessThanOrEqual(concurrency);
        }
        // Sent away as newcomer it would have had one more than it has; as the last of many it had one more.
        for (const { held, most } of scene.refused) expect(most).toBeLessThanOrEqual(held + 1);
      },
    ),
  );
});

test('of a full queue every principal that asks for it gets its share', async () => {
  const scene = new Scene(1, 12);
  for (let i = 0; i < 30; i++) await scene.arrive('ann');
  expect(scene.waiting.get('ann')).toBe(12);
  for (const name of ['bob', 'cat', 'dan']) for (let i = 0; i < 30; i++) await scene.arrive(name);
  expect(Object.fromEntries(scene.waiting)).toEqual({ ann: 3, bob: 3, cat: 3, dan: 3 });
});

test('a principal that comes late is served in turns with one that waits with hundreds', async () => {
  const scene = new Scene(1, 200);
  for (let i = 0; i < 101; i++) await scene.arrive('ann');
  for (let i = 0; i < 10; i++) await scene.arrive('bob');
  for (let i = 0; i < 30; i++) await scene.release();
  expect(scene.served.slice(1, 21).filter((name) => name === 'bob')).toHaveLength(10);
});

test('room that is kept counts as a place: one principal cannot keep all of it from another', async () => {
  const scene = new Scene(1, 4);
  for (let i = 0; i < 5; i++) await scene.arrive('ann');
  const route = routeOf(1);
  const place = scene.queue.reserve([route], 'bob');
  await turn();
  expect(scene.waiting.get('ann')).toBe(3);
  expect(scene.refused).toHaveLength(1);
  place.release();
});

test('the line is a model of its rule: the lowest turn first, then who came first', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(who, fc.constant('serve' as const)), { maxLength: 100 }), (steps) => {
      const line = new FairLine<number>();
      let model: { who: string; turn: number; id: number }[] = [];
      const next = new Map<string, number>();
      let now = 0;
      for (const [id, one] of steps.entries()) {
        if (one !== 'serve') {
          const at = Math.max(now, next.get(one) ?? 0);
          next.set(one, at + 1);
          model.push({ who: one, turn: at, id });
          line.add(one, id, { tokens: 1, weight: 1 });
        } else if (model.length > 0) {
          const first = model.reduce((a, b) => (b.turn < a.turn ? b : a));
          expect(line.at(0)).toBe(first.id);
          line.serve(0);
          now = Math.max(now, first.turn);
          model = model.filter((entry) => entry !== first);
        }
        expect(line.length).toBe(model.length);
      }
    }),
  );
});
