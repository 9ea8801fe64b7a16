import { setImmediate as turn } from 'node:timers/promises';
import { PlatformError, type QueueClass, type QueueStatus } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ModelQueue } from '../src/queue.ts';
import { routeOf } from './support.ts';

const LIMITS = { concurrency: fc.integer({ min: 1, max: 4 }), max_waiting: fc.integer({ min: 1, max: 5 }) };
const CLASS = fc.constantFrom<QueueClass>('interactive', 'batch');

type Fate = 'waiting' | 'running' | 'left' | PlatformError;

/** One caller of the real queue, and what has become of it. */
interface Caller {
  readonly stop: AbortController;
  fate: Fate;
  /** Times it was let in: never more than once. */
  entered: number;
  release: () => void;
}

interface Real {
  readonly queue: ModelQueue;
  enter(cls: QueueClass, signal: AbortSignal): ReturnType<ModelQueue['enter']>;
  readonly callers: Caller[];
  /** What the queue last said of itself. */
  readonly told: { status: QueueStatus | undefined };
}

/** The queue as its documentation says it: who runs, and two lines. */
interface Model {
  readonly concurrency: number;
  readonly max_waiting: number;
  readonly fates: ('waiting' | 'running' | 'left' | 'cancelled' | 'overloaded')[];
  readonly lines: Record<QueueClass, number[]>;
}

function makeReal(limits: { concurrency: number; max_waiting: number }): Real {
  const told: Real['told'] = { status: undefined };
  const queue = new ModelQueue({ model: 'm', max_waiting: limits.max_waiting }, (status) => {
    told.status = status;
  });
  const routes = [routeOf(limits.concurrency)];
  const enter: Real['enter'] = (cls, signal) =>
    queue.enter({ who: 'alice', class: cls, expected: { tokens: 1, kind: 0 }, signal, routes });
  return { queue, enter, callers: [], told };
}

function arrive({ enter, callers }: Real, cls: QueueClass, stop = new AbortController()): Caller {
  const caller: Caller = { stop, fate: 'waiting', entered: 0, release: () => undefined };
  callers.push(caller);
  enter(cls, stop.signal).then(
    (visit) => {
      caller.entered++;
      caller.fate = 'running';
      caller.release = () => {
        caller.fate = 'left';
        visit.leave();
      };
    },
    (error: unknown) => {
      if (!(error instanceof PlatformError)) throw error;
      caller.fate = error;
    },
  );
  return caller;
}

function running({ fates }: Model): number {
  return fates.filter((fate) => fate === 'running').length;
}

function depth({ lines }: Model): number {
  return lines.interactive.length + lines.batch.length;
}

/** The real queue has settled: it must be where the model is. */
async function compare(model: Model, real: Real): Promise<void> {
  await turn();
  expect(real.callers.map(({ fate }) => (fate instanceof PlatformError ? fate.code : fate))).toEqual(
    model.fates,
  );
  expect(real.queue.status()).toEqual({
    model: 'm',
    running: running(model),
    waiting_interactive: model.lines.interactive.length,
    waiting_batch: model.lines.batch.length,
    capacity: model.max_waiting,
  });
  expect(running(model)).toBeLessThanOrEqual(model.concurrency);
  if (real.told.status !== undefined) expect(real.told.status).toEqual(real.queue.status());
  for (const { entered } of real.callers) expect(entered).toBeLessThanOrEqual(1);
}

type Command = fc.AsyncCommand<Model, Real>;

class Arrive implements Command {
  readonly cls: QueueClass;
  readonly aborted: boolean;
  constructor(cls: QueueClass, aborted: boolean) {
    this.cls = cls;
    this.aborted = aborted;
  }
  check = () => true;
  async run(model: Model, real: Real): Promise<void> {
    const id = model.fates.length;
    if (this.aborted) model.fates.push('cancelled');
    else if (running(model) < model.concurrency) model.fates.push('running');
    else if (depth(model) >= model.max_waiting) model.fates.push('overloaded');
    else {
      model.fates.push('waiting');
      model.lines[this.cls].push(id);
    }
    const stop = new AbortController();
    if (this.aborted) stop.abort();
    arrive(real, this.cls, stop);
    await compare(model, real);
  }
  toString = () => `arrive(${this.cls}${this.aborted ? ', already gone' : ''})`;
}

/** What happens to one of those who run or wait. */
abstract class ToOne {
  readonly pick: number;
  constructor(pick: number) {
    this.pick = pick;
  }
}

/** Someone who runs gives the place back; `times` > 1 must not free a second one. */
class Release extends ToOne implements Command {
  readonly times: number;
  constructor(pick: number, times: number) {
    super(pick);
    this.times = times;
  }
  check = (model: Readonly<Model>) => running(model) > 0;
  async run(model: Model, real: Real): Promise<void> {
    const id = choose(model, 'running', this.pick);
    model.fates[id] = 'left';
    const next = model.lines.interactive.shift() ?? model.lines.batch.shift();
    if (next !== undefined) model.fates[next] = 'running';
    for (let time = 0; time < this.times; time++) real.callers[id]?.release();
    await compare(model, real);
  }
  override toString = () => `release(${this.pick}, ${this.times} times)`;
}

class Abandon extends ToOne implements Command {
  check = (model: Readonly<Model>) => depth(model) > 0;
  async run(model: Model, real: Real): Promise<void> {
    const id = choose(model, 'waiting', this.pick);
    model.fates[id] = 'cancelled';
    for (const line of [model.lines.interactive, model.lines.batch])
      if (line.includes(id)) line.splice(line.indexOf(id), 1);
    real.callers[id]?.stop.abort();
    await compare(model, real);
  }
  override toString = () => `abandon(${this.pick})`;
}

/** A signal that fires while its caller runs is the backend's business: the place is kept until it is given back. */
class AbortRunning extends ToOne implements Command {
  check = (model: Readonly<Model>) => running(model) > 0;
  async run(model: Model, real: Real): Promise<void> {
    real.callers[choose(model, 'running', this.pick)]?.stop.abort();
    await compare(model, real);
  }
  override toString = () => `abortRunning(${this.pick})`;
}

function choose({ fates }: Model, fate: Model['fates'][number], pick: number): number {
  const ids = fates.flatMap((one, id) => (one === fate ? [id] : []));
  return ids[pick % ids.length] ?? -1;
}

async function refusal(work: Promise<unknown>): Promise<PlatformError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof PlatformError) return error;
  throw new Error('it was not refused');
}

describe('the queue of one model', () => {
  it('does what its model does, whoever comes, leaves or gives up', async () => {
    const commands = fc.commands(
      [
        fc.tuple(CLASS, fc.boolean(), fc.boolean()).map(([cls, a, b]) => new Arrive(cls, a && b)),
        CLASS.map((cls) => new Arrive(cls, false)),
        fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 2 })).map(([pick, n]) => new Release(pick, n)),
        fc.nat(20).map((pick) => new Abandon(pick)),
        fc.nat(20).map((pick) => new AbortRunning(pick)),
      ],
      { maxCommands: 60, size: 'max' },
    );
    await fc.assert(
      fc.asyncProperty(fc.record(LIMITS), commands, (limits, list) =>
        fc.asyncModelRun(
          () => ({
            model: { ...limits, fates: [], lines: { interactive: [], batch: [] } },
            real: makeReal(limits),
          }),
          list,
        ),
      ),
      { numRuns: 150 },
    );
  });

  it('lets everybody in once, interactive ones first, each class in the order it came', async () => {
    await fc.assert(
      fc.asyncProperty(
        LIMITS.concurrency,
        fc.array(CLASS, { minLength: 1, maxLength: 30 }),
        async (concurrency, classes) => {
          const real = makeReal({ concurrency, max_waiting: 30 });
          const holders = Array.from({ length: concurrency }, () => arrive(real, 'batch'));
          await turn();
          const order: number[] = [];
          const work = classes.map(async (cls, id) => {
            const visit = await real.enter(cls, new AbortController().signal);
            order.push(id);
            visit.leave();
          });
          for (const { release } of holders) release();
          await Promise.all(work);
          const ids = (wanted: QueueClass) => classes.flatMap((cls, id) => (cls === wanted ? [id] : []));
          expect(order).toEqual([...ids('interactive'), ...ids('batch')]);
          expect(real.queue.status()).toMatchObject({ running: 0, waiting_interactive: 0, waiting_batch: 0 });
        },
      ),
      { numRuns: 100 },
    );
  });

  it('refuses one more than may wait, and says when to come back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.record(LIMITS), CLASS, async (limits, cls) => {
        const real = makeReal(limits);
        for (let n = 0; n < limits.concurrency + limits.max_waiting; n++) arrive(real, 'batch');
        const error = await refusal(real.enter(cls, new AbortController().signal));
        expect(error).toMatchObject({ code: 'overloaded', status: 429, retryable: true });
        expect(error.message).toMatch(
          new RegExp(
            `^The queue of m is full: ${limits.max_waiting} inferences wait\\. Try again in about \\d+ s\\.$`,
          ),
        );
        expect(error.retry_after_ms).toBeGreaterThanOrEqual(250);
        expect(error.retry_after_ms).toBeLessThanOrEqual(60_000);
        expect(Number.isInteger(error.retry_after_ms)).toBe(true);
      }),
    );
  });

  it('throws the reason of the signal, and a `cancelled` where that is none of ours', async () => {
    const real = makeReal({ concurrency: 1, max_waiting: 4 });
    arrive(real, 'interactive');
    const late = new PlatformError('deadline_exceeded', 'Too late.');
    const reasons: readonly [unknown, PlatformError['code']][] = [
      [late, 'deadline_exceeded'],
      [new Error('socket closed'), 'cancelled'],
      [undefined, 'cancelled'],
    ];
    for (const [reason, code] of reasons) {
      const stop = new AbortController();
      const waiting = refusal(real.enter('batch', stop.signal));
      stop.abort(reason);
      // Its place is free in the same turn, before the promise is even read.
      expect(real.queue.status().waiting_batch).toBe(0);
      expect((await waiting).code).toBe(code);
      expect((await refusal(real.enter('batch', stop.signal))).code).toBe(code);
    }
    expect(real.queue.status()).toMatchObject({ running: 1, waiting_interactive: 0, waiting_batch: 0 });
  });

  it('keeps a place that was handed over even if its caller leaves in that very turn', async () => {
    const real = makeReal({ concurrency: 1, max_waiting: 4 });
    const first = arrive(real, 'interactive');
    await turn();
    const second = arrive(real, 'interactive');
    const third = arrive(real, 'interactive');
    first.release();
    second.stop.abort();
    await turn();
    expect([second.fate, third.fate]).toEqual(['running', 'waiting']);
    second.release();
    await turn();
    expect(third.fate).toBe('running');
  });

  it('keeps room for exactly as many as it would let in or let wait, and lets each of them come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.record(LIMITS), fc.nat(12), async (limits, present) => {
        const real = makeReal(limits);
        const routes = [routeOf(limits.concurrency)];
        const { signal } = new AbortController();
        const enter = (place?: string) =>
          real.queue.enter({
            who: 'alice',
            class: 'interactive',
            expected: { tokens: 1, kind: 0 },
            signal,
            routes,
            place,
          });
        const all = limits.concurrency + limits.max_waiting;
        const here = Math.min(present, all);
        for (let n = 0; n < here; n++) void enter();
        const places = Array.from({ length: all - here }, () => real.queue.reserve(routes, 'alice'));
        expect(() => real.queue.reserve(routes, 'alice')).toThrow(/is full/);
        expect(await refusal(enter())).toMatchObject({ code: 'overloaded' });
        // Nobody who holds a place is refused, and a place is good for one.
        const came = places.map(({ id }) => enter(id));
        const { running, waiting_interactive } = real.queue.status();
        expect(running + waiting_interactive).toBe(all);
        const [first] = places;
        if (first !== undefined) expect(await refusal(enter(first.id))).toMatchObject({ code: 'overloaded' });
        await Promise.all(places.map(({ gone }) => gone));
        expect(came).toHaveLength(all - here);
      }),
      { numRuns: 50 },
    );
  });

  it('forgets room that nobody comes for after 10 s, and room that is given back at once', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const real = makeReal({ concurrency: 1, max_waiting: 1 });
    const routes = [routeOf(1)];
    const [kept, given] = [real.queue.reserve(routes, 'alice'), real.queue.reserve(routes, 'alice')];
    given.release();
    await given.gone;
    real.queue.reserve(routes, 'alice').release();
    vi.advanceTimersByTime(9999);
    real.queue.reserve(routes, 'alice');
    expect(() => real.queue.reserve(routes, 'alice')).toThrow(/is full/);
    vi.advanceTimersByTime(1);
    await kept.gone;
    real.queue.reserve(routes, 'alice');
  });
});
