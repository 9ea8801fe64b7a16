/** Where requests go among the pools of a model's servers: tested through the queue and the catalogue. */
import { setImmediate as turn } from 'node:timers/promises';
import { ModelPools, type QueueClass } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Catalog } from '../src/catalog.ts';
import { Pools } from '../src/pools.ts';
import { ModelQueue } from '../src/queue.ts';
import { Route, type Visit } from '../src/route.ts';
import { backendOf, infoOf } from './support.ts';

const DECLARED = ModelPools.parse({
  m: [
    { name: 'long', servers: ['big-a', 'big-b'] },
    { name: 'short', servers: ['small'], max_tokens: 1000 },
  ],
});

interface Rig {
  readonly queue: ModelQueue;
  readonly pools: Pools;
  /** Asks; resolves with the visit, and knows the server. */
  ask(tokens: number, cls?: QueueClass): Promise<Visit>;
  clock_ms: number;
}

function rigOf(servers: Readonly<Record<string, number>>, declared: ModelPools = DECLARED): Rig {
  const pools = new Pools(declared);
  const now = () => rig.clock_ms;
  const routes = Object.entries(servers).map(([name, max_concurrency]) => {
    const backend = backendOf(name, [], []);
    const info = infoOf('m', { max_concurrency, max_context: 100_000 });
    return new Route({ backend, tier: 0, now, info, pool: pools.of('m', name) });
  });
  const rig: Rig = {
    pools,
    queue: new ModelQueue({ model: 'm', max_waiting: 100, now }, () => undefined),
    ask: (tokens, cls = 'interactive') =>
      rig.queue.enter({
        who: 'ann',
        class: cls,
        expected: { tokens, kind: tokens },
        signal: new AbortController().signal,
        routes,
      }),
    clock_ms: 0,
  };
  return rig;
}

/** Teaches the pools of a rig how long they take for 100 tokens. */
function teach({ pools }: Rig, took_ms: Readonly<Record<string, number>>): void {
  for (const [server, ms] of Object.entries(took_ms))
    for (let n = 0; n < 10; n++) pools.of('m', server)?.pace.learn(100, ms);
}

describe('the pools of a model', () => {
  it('get what fits them best, and what is left over when that is full', async () => {
    const rig = rigOf({ 'big-a': 1, 'big-b': 1, small: 2 });
    const at = async (tokens: number) => (await rig.ask(tokens)).route.server;
    expect([await at(10), await at(1000)]).toEqual(['small', 'small']);
    // The short pool is full: the long one takes what it can take as well.
    expect(await at(10)).toMatch(/^big-/);
    expect(await at(50_000)).toMatch(/^big-/);
  });

  it('let nobody fail: what fits nowhere goes where the most fits', async () => {
    const rig = rigOf(
      { small: 1, big: 1 },
      ModelPools.parse({
        m: [
          { name: 'short', servers: ['small'], max_tokens: 100 },
          { name: 'long', servers: ['big'], max_tokens: 1000 },
        ],
      }),
    );
    expect((await rig.ask(5000)).route.server).toBe('big');
    expect((await rig.ask(5000)).route.server).toBe('small');
  });

  it('keep short work waiting for a fast pool only as long as that is won', async () => {
    vi.useFakeTimers();
    try {
      const rig = rigOf({ 'big-a': 1, small: 1 });
      teach(rig, { 'big-a': 100, small: 1000 });
      const first = await rig.ask(100);
      expect(first.route.server).toBe('big-a');
      let second: Visit | undefined;
      void rig.ask(100).then((visit) => {
        second = visit;
      });
      await vi.advanceTimersByTimeAsync(0);
      // In about 50 ms the fast one is free, and 900 ms sooner done.
      expect(second).toBeUndefined();
      // It stays busy: when the gain is used up, the slow one is taken.
      rig.clock_ms += 950;
      await vi.advanceTimersByTimeAsync(950);
      expect(second?.route.server).toBe('small');
    } finally {
      vi.useRealTimers();
    }
  });

  it('give batch work the slower of those that fit', async () => {
    const rig = rigOf({ 'big-a': 1, small: 1 });
    teach(rig, { 'big-a': 100, small: 1000 });
    expect((await rig.ask(100, 'batch')).route.server).toBe('small');
    expect((await rig.ask(100, 'interactive')).route.server).toBe('big-a');
  });

  it('serve whoever comes once, whatever the lengths, and send nothing to a pool for less while another has room', async () => {
    const lengths = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.constantFrom('interactive', 'batch')),
      {
        minLength: 1,
        maxLength: 60,
      },
    );
    await fc.assert(
      fc.asyncProperty(lengths, async (asked) => {
        const rig = rigOf({ 'big-a': 2, 'big-b': 1, small: 2 });
        const running: { visit: Visit; tokens: number }[] = [];
        let served = 0;
        for (const [tokens, cls] of asked)
          void rig.ask(tokens, cls as QueueClass).then((visit) => {
            served++;
            running.push({ visit, tokens });
          });
        for (;;) {
          await turn();
          for (const { visit, tokens } of running)
            if (tokens > 1000) expect(visit.route.server).not.toBe('small');
          const [next] = running.splice(0, 1);
          if (next === undefined) break;
          rig.clock_ms += 10;
          next.visit.leave();
        }
        expect(served).toBe(asked.length);
      }),
      { numRuns: 50 },
    );
  });

  it('are those of the servers of the catalogue, by target or backend', async () => {
    const backends = [
      Object.assign(backendOf('openai', [infoOf('m')], []), { target: 'big-a' }),
      Object.assign(backendOf('small', [infoOf('m'), infoOf('other')], []), { name: 'small' }),
    ];
    const pools = new Pools(DECLARED);
    const log = { warn() {} };
    const catalog = new Catalog({ backends, concurrency: {}, pools, log });
    const poolsOf = async (id: string) =>
      (await catalog.find(id, { signal: new AbortController().signal })).routes.map(({ pool }) => pool?.name);
    await catalog.all();
    expect(await poolsOf('m')).toEqual(['long', 'short']);
    expect(await poolsOf('other')).toEqual([undefined]);
  });

  it.each([
    [
      [
        { name: 'a', servers: ['x'] },
        { name: 'a', servers: ['y'] },
      ],
      /pool a twice/,
    ],
    [
      [
        { name: 'a', servers: ['x'] },
        { name: 'b', servers: ['x'] },
      ],
      /server x twice/,
    ],
    [[], /Too small|>=1/],
  ])('are refused where they contradict themselves', (pools, message) => {
    expect(ModelPools.safeParse({ m: pools }).error?.message).toMatch(message);
  });
});
