/** Which servers have which models, whatever their lists do: merge, order, failure, kind, and one server by name. */
import { ModelAliases, type ModelInfo, PlatformError } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Catalog } from '../src/catalog.ts';
import { nearby } from '../src/nearby.ts';
import { sumByModel } from '../src/queue-sums.ts';
import { choose, Route } from '../src/route.ts';
import {
  answerOf,
  backendOf,
  callOf,
  type FakeBackend,
  gatewayOf,
  infoOf,
  outcomeOf,
  requestFor,
} from './support.ts';

const signal = new AbortController().signal;
const good = [{ events: answerOf('good') }];
const failing = (message: string) => async () => {
  throw new Error(message);
};
function catalogOf(backends: readonly FakeBackend[], concurrency: Record<string, number> = {}) {
  const warned: unknown[] = [];
  const log = { warn: (fields: unknown) => void warned.push(fields) };
  return { catalog: new Catalog({ backends, concurrency, log: log as never }), warned };
}

describe('a catalogue', () => {
  it('has every model once, with every server that has it, in their order', async () => {
    const lists = fc.array(fc.uniqueArray(fc.constantFrom<string>('a', 'b', 'c', 'd'), { maxLength: 4 }), {
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(lists, async (all) => {
        const backends = all.map((ids, at) =>
          backendOf(
            `kind-${at}`,
            ids.map((id) => infoOf(id)),
            good,
          ),
        );
        const { catalog } = catalogOf(backends);
        const ids = (await catalog.all()).map(({ id }) => id);
        expect(ids.toSorted()).toEqual([...new Set(all.flat())].toSorted());
        for (const id of ids) {
          const { routes } = await catalog.find(id, { signal });
          expect(routes.map(({ backend }) => backend)).toEqual(
            backends.filter((_, at) => all[at]?.includes(id)),
          );
        }
      }),
      { numRuns: 50 },
    );
  });

  it('lists nothing of a model that is for another kind at a later server', async () => {
    const { catalog } = catalogOf([
      backendOf('a', [infoOf('m')], good),
      backendOf('b', [infoOf('m', { kind: 'embedding' })], good),
    ]);
    await catalog.all();
    expect((await catalog.find('m', { signal })).routes).toHaveLength(1);
  });

  it('describes a model as a server that is ready does', async () => {
    const loading = infoOf('m', { status: 'loading', owned_by: 'first' });
    const { catalog } = catalogOf([
      backendOf('a', [loading], good),
      backendOf('b', [infoOf('m', { owned_by: 'second' })], good),
    ]);
    await catalog.all();
    expect(await catalog.one('m', signal)).toMatchObject({ owned_by: 'second', status: 'ready' });
  });

  it('finds one server of several by its name, and lists it under no second name', async () => {
    const near = Object.assign(backendOf('a', [infoOf('m')], good), { target: 'near' });
    const far = Object.assign(backendOf('a', [infoOf('m')], good), { target: 'far' });
    const { catalog } = catalogOf([near, far]);
    expect((await catalog.all()).map(({ id }) => id)).toEqual(['m']);
    const offer = await catalog.find('far/m', { signal });
    expect([offer.id, offer.routes.map(({ backend }) => backend)]).toEqual(['m', [far]]);
  });

  it('says what there is where a model is not, and cuts what was asked short', async () => {
    const many = Array.from({ length: 12 }, (_, at) => infoOf(`m${at}`));
    const { catalog } = catalogOf([backendOf('a', many, good)]);
    const error = await catalog
      .find('x'.repeat(500), { signal })
      .catch((thrown: unknown) => thrown as PlatformError);
    expect(error).toMatchObject({ code: 'model_not_found', param: 'model', retryable: false });
    expect((error as PlatformError).message).toMatch(/lists: m0, .*m7, ….$/);
    expect((error as PlatformError).message).not.toContain('x'.repeat(81));
  });

  it('says which kind a model is for, and which there are of the kind that was asked for', async () => {
    const { catalog } = catalogOf([backendOf('a', [infoOf('m'), infoOf('e', { kind: 'embedding' })], good)]);
    await expect(catalog.find('m', { kind: 'embedding', signal })).rejects.toMatchObject({
      code: 'invalid_request',
      message: "The model 'm' is for chat, not for embedding. Choose one of: e.",
    });
  });

  it('tells a server that never answered from a model that is not there, and warns of it once', async () => {
    const silent = Object.assign(backendOf('a', [], good), { target: 'http://far' });
    silent.list = failing('no route');
    const { catalog, warned } = catalogOf([silent, backendOf('b', [infoOf('m')], good)]);
    for (let time = 0; time < 3; time++)
      await expect(catalog.find('x', { signal })).rejects.toMatchObject({
        code: 'unavailable',
        param: 'model',
        retryable: true,
      });
    expect(warned).toHaveLength(1);
    expect((await catalog.find('m', { signal })).routes).toHaveLength(1);
  });

  it('keeps what it knew of a server whose list cannot be read any more, and forgets what a list drops', async () => {
    const backend = backendOf('a', [infoOf('m')], good);
    const { catalog } = catalogOf([backend]);
    await catalog.all();
    const { routes } = await catalog.find('m', { signal });
    backend.list = failing('gone');
    expect((await catalog.all()).map(({ id }) => id)).toEqual(['m']);
    expect((await catalog.find('m', { signal })).routes).toBe(routes);
    backend.list = async () => [infoOf('n')];
    expect((await catalog.all()).map(({ id }) => id)).toEqual(['n']);
  });

  it('keeps nobody waiting for a slow list when another has the model, and lets go of who leaves', async () => {
    const slow = backendOf('a', [], good);
    slow.list = () => new Promise<readonly ModelInfo[]>(() => undefined);
    const { catalog } = catalogOf([slow, backendOf('b', [infoOf('m')], good)]);
    expect((await catalog.find('m', { signal })).id).toBe('m');
    const left = new AbortController();
    const asked = catalog.find('x', { signal: left.signal });
    left.abort();
    await expect(asked).rejects.toMatchObject({ code: 'cancelled' });
  });

  it.each([
    [{ m: 3 }, 3],
    [{ constructor: 3 }, 2048],
    [{}, 2048],
  ])('works %j at once where that is said', async (concurrency, limit) => {
    const { catalog } = catalogOf(
      [backendOf('a', [infoOf('m')], good)],
      concurrency as Record<string, number>,
    );
    expect((await catalog.find('m', { signal })).routes[0]?.limit).toBe(limit);
  });
});

describe('the choice among servers', () => {
  const state = fc.record({
    tier: fc.nat(2),
    ready: fc.boolean(),
    fault: fc.constantFrom('none', 'failed', 'refused'),
    running: fc.nat(2),
    max: fc.integer({ min: 1, max: 2 }),
  });
  it('is one that is open, free and of the best rank, or says why there is none', () => {
    fc.assert(
      fc.property(
        fc.array(state, { minLength: 1, maxLength: 5 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (states, random) => {
          const routes = states.map(({ tier, ready, fault, running, max }) => {
            const info = infoOf('m', { max_concurrency: max, status: ready ? 'ready' : 'loading' });
            const route = new Route({ backend: backendOf('x', [], []), info, tier, now: () => 1000 });
            if (fault !== 'none') {
              const visit = route.visit(() => undefined);
              visit.failed(new PlatformError(fault === 'failed' ? 'upstream_failed' : 'overloaded', 'm'));
              visit.leave();
            }
            for (let one = 0; one < running && route.free; one++) route.visit(() => undefined);
            return route;
          });
          const open = routes.filter(({ wait_ms }) => wait_ms === 0);
          const rank = ({ info, shunned, tier }: Route) =>
            [info.status === 'ready' ? 0 : 1, shunned ? 1 : 0, tier].join();
          const best = open.map(rank).toSorted()[0];
          const candidates = open.filter((route) => rank(route) === best && route.free);
          const choice = choose(routes, undefined, () => random);
          if (choice.type === 'free') expect(candidates).toContain(choice.route);
          else if (choice.type === 'closed')
            expect([open.length, choice.wait_ms]).toEqual([
              0,
              Math.min(...routes.map(({ wait_ms }) => wait_ms)),
            ]);
          else expect([open.length > 0, candidates.length]).toEqual([true, 0]);
        },
      ),
    );
  });
});

it('queues of one model in several places are summed, whatever their order', () => {
  const status = fc.record({
    model: fc.constantFrom('a', 'b'),
    running: fc.nat(9),
    waiting_interactive: fc.nat(9),
    waiting_batch: fc.nat(9),
    capacity: fc.integer({ min: 1, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(status), (all) => {
      const sums = sumByModel(all);
      expect(new Set(sums.map(({ model }) => model)).size).toBe(sums.length);
      for (const field of ['running', 'waiting_interactive', 'waiting_batch', 'capacity'] as const)
        for (const { model, ...sum } of sums)
          expect(sum[field]).toBe(
            all.filter((one) => one.model === model).reduce((total, one) => total + one[field], 0),
          );
      const byName = (list: typeof sums) => list.toSorted((a, b) => a.model.localeCompare(b.model));
      expect(byName(sumByModel(all.toReversed()))).toEqual(byName(sums));
    }),
  );
});

describe('models near by', () => {
  const logs = { warn() {} } as never;
  it('are asked here once they are known, all others and those with stand-ins apart', async () => {
    const here = backendOf('a', [infoOf('near'), infoOf('shared')], good);
    const apart = backendOf('b', [infoOf('near'), infoOf('far'), infoOf('shared')], good);
    const far = gatewayOf([apart]).api;
    const api = nearby({
      here: gatewayOf([here]).api,
      apart: () => far,
      fallbacks: { shared: ['far'] },
      aliases: {},
      log: logs,
    });
    await expect
      .poll(async () => {
        await outcomeOf(api.generate(requestFor('near'), callOf()));
        return here.asked.length;
      })
      .toBeGreaterThan(0);
    const before = apart.asked.length;
    for (const model of ['near', 'shared', 'far']) await outcomeOf(api.generate(requestFor(model), callOf()));
    expect(apart.asked.slice(before)).toEqual(['shared', 'far']);
    expect((await api.models(callOf())).map(({ id }) => id).toSorted()).toEqual(['far', 'near', 'shared']);
  });

  it('answer an alias here where all of its models are, else apart', async () => {
    const here = backendOf('a', [infoOf('near')], good);
    const apart = backendOf('b', [infoOf('near'), infoOf('far')], good);
    const aliases = {
      close: { candidates: [{ model: 'near' }] },
      wide: { candidates: [{ model: 'near' }], fallbacks: { error: ['far'] } },
    };
    const far = gatewayOf([apart], {}, aliases).api;
    const near = gatewayOf([here], {}, aliases).api;
    await far.models(callOf());
    const parsed = ModelAliases.parse(aliases);
    const api = nearby({ here: near, apart: () => far, fallbacks: {}, aliases: parsed, log: logs });
    await expect
      .poll(async () => {
        await outcomeOf(api.generate(requestFor('close'), callOf()));
        return here.asked.length;
      })
      .toBeGreaterThan(0);
    const before = apart.asked.length;
    await outcomeOf(api.generate(requestFor('wide'), callOf()));
    expect(apart.asked.slice(before)).toEqual(['near']);
  });

  it('are listed while the other place is away; without any the reason is told', async () => {
    const broken = () => {
      const { api } = gatewayOf([]);
      return { ...api, models: failing('apart is away') };
    };
    const here = gatewayOf([backendOf('a', [infoOf('near')], good)]).api;
    const api = nearby({ here, apart: broken, fallbacks: {}, aliases: {}, log: logs });
    expect((await api.models(callOf())).map(({ id }) => id)).toEqual(['near']);
    const none = nearby({ here: gatewayOf([]).api, apart: broken, fallbacks: {}, aliases: {}, log: logs });
    await expect(none.models(callOf())).rejects.toThrow('apart is away');
  });
});
