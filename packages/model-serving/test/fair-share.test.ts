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
    this.queue
      .enter({ who: name, class: cls, expected: { tokens: 1, kind: 0 }, signal, routes: this.#routes })
      .then(
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

test('the line is a model of its rule: the caller of the lowest turn first, its shortest work first', () => {
  const arrival = fc.record({ who, work_ms: fc.integer({ min: 1, max: 100 }) });
  fc.assert(
    fc.property(fc.array(fc.oneof(arrival, fc.constant('serve' as const)), { maxLength: 100 }), (steps) => {
      const line = new FairLine<number>((kind) => kind);
      /** Callers that wait, those that have waited for their turn for longer in front. */
      let waiting: { who: string; turn: number; own: { id: number; work_ms: number }[] }[] = [];
      const next = new Map<string, number>();
      let now = 0;
      for (const [id, one] of steps.entries()) {
        if (one !== 'serve') {
          const known = waiting.find((caller) => caller.who === one.who);
          if (known !== undefined) known.own.push({ id, work_ms: one.work_ms });
          else
            waiting.push({
              who: one.who,
              turn: Math.max(now, next.get(one.who) ?? 0),
              own: [{ id, work_ms: one.work_ms }],
            });
          line.add(one.who, id, { tokens: 1, weight: 1, kind: one.work_ms, since_ms: 0 });
        } else if (waiting.length > 0) {
          const caller = waiting.reduce((a, b) => (b.turn < a.turn ? b : a));
          const first = caller.own.reduce((a, b) => (b.work_ms < a.work_ms ? b : a));
          expect([...line.inTurn()][0]).toBe(first.id);
          line.serve(caller.who, first.id);
          now = Math.max(now + 0.1 / waiting.length, caller.turn);
          const left = { ...caller, turn: caller.turn + 1, own: caller.own.filter((own) => own !== first) };
          next.set(caller.who, left.turn);
          waiting = waiting.filter((other) => other !== caller);
          if (left.own.length > 0) waiting.push(left);
        }
        expect(line.length).toBe(waiting.reduce((sum, { own }) => sum + own.length, 0));
      }
    }),
  );
});

test('long work of a caller is not passed for ever by its short work: a tenth of its wait counts', () => {
  const line = new FairLine<string>((kind) => kind);
  const share = { tokens: 1, weight: 1 };
  line.add('ann', 'long', { ...share, kind: 10_000, since_ms: 0 });
  line.add('ann', 'short, early', { ...share, kind: 100, since_ms: 98_000 });
  line.add('ann', 'short, late', { ...share, kind: 100, since_ms: 100_000 });
  expect([...line.inTurn()]).toEqual(['short, early', 'long', 'short, late']);
});

const BATCH = fc.record({
  min_share: fc.double({ min: 0, max: 0.9, noNaN: true }),
  reserve: fc.double({ min: 0, max: 0.9, noNaN: true }),
});

test('batch work gets its share of the tokens while both classes wait, and no more', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 200, maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(BATCH, sizes, fc.integer({ min: 1, max: 12 }), async (batch, tokens, places) => {
      const queue = new ModelQueue({ model: 'm', max_waiting: 1000, batch }, () => undefined);
      const routes = [routeOf(places)];
      const { signal } = new AbortController();
      const got = { interactive: 0, batch: 0 };
      const running: Visit[] = [];
      const enter = (cls: QueueClass, size: number) =>
        queue
          .enter({ who: cls, class: cls, expected: { tokens: size, kind: 0 }, signal, routes })
          .then((visit) => {
            got[cls] += size;
            running.push(visit);
          });
      const holder = Array.from({ length: places }, () => enter('interactive', 1));
      await Promise.all(holder);
      for (const size of tokens) {
        void enter('interactive', size);
        void enter('batch', size);
      }
      const both = () => {
        const { waiting_interactive, waiting_batch } = queue.status();
        return waiting_interactive > 0 && waiting_batch > 0;
      };
      while (both()) {
        running.shift()?.leave();
        await turn();
      }
      const all = got.interactive + got.batch;
      // Of each class one of at most 100 tokens may be begun too early; the first came before any batch work waited.
      expect(got.batch).toBeGreaterThanOrEqual(batch.min_share * all - 200 - batch.min_share * places);
      expect(got.batch).toBeLessThanOrEqual(batch.min_share * all + 101);
      while (running.length > 0) {
        running.shift()?.leave();
        await turn();
      }
      expect(queue.status()).toMatchObject({ running: 0, waiting_interactive: 0, waiting_batch: 0 });
    }),
    { numRuns: 10, endOnFailure: true },
  );
});

test('batch work leaves places free for a minute after interactive work, and has all of them otherwise', async () => {
  let clock_ms = 0;
  const batch = { min_share: 0, reserve: 0.3 };
  const queue = new ModelQueue({ model: 'm', max_waiting: 100, batch, now: () => clock_ms }, () => undefined);
  const routes = [routeOf(10)];
  const visits: Visit[] = [];
  const enter = async (cls: QueueClass) => {
    const { signal } = new AbortController();
    void queue
      .enter({ who: 'ann', class: cls, expected: { tokens: 1, kind: 0 }, signal, routes })
      .then((visit) => visits.push(visit));
    await turn();
  };
  await enter('interactive');
  visits.shift()?.leave();
  for (let n = 0; n < 12; n++) await enter('batch');
  expect(queue.status()).toMatchObject({ running: 7, waiting_batch: 5 });
  for (let n = 0; n < 3; n++) await enter('interactive');
  expect(queue.status()).toMatchObject({ running: 10, waiting_interactive: 0, waiting_batch: 5 });
  // None of the reserve is given to batch work when interactive work leaves it.
  for (const visit of visits.splice(-3)) visit.leave();
  await turn();
  expect(queue.status()).toMatchObject({ running: 7, waiting_batch: 5 });
  clock_ms = 60_001;
  visits.shift()?.leave();
  await turn();
  expect(queue.status()).toMatchObject({ running: 10, waiting_batch: 1 });
});
