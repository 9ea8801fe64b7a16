/** The joules of models that replicas know together: over a real event bus, past restarts, and day by day. */
import { type Bus, connectBus, createLogger } from '@mcp/service-kit';
import { type NatsServer, startNats } from '@mcp/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { bringEnergyUpToDate, type EnergyFigure } from '../src/energy/daily.ts';
import { EnergyMeter } from '../src/energy/meter.ts';
import { type EnergyRecord, energyBucket, upToDate, withSpent } from '../src/energy/record.ts';
import { SharedEnergy } from '../src/energy/shared.ts';
import { answerOf, backendOf, callOf, gatewayIn, infoOf, outcomeOf, requestFor } from './support.ts';

const DAY_MS = 24 * 60 * 60_000;
const kit = { log: createLogger('test', 'silent') };
let server: NatsServer;
let bus: Bus;
beforeAll(async () => {
  server = await startNats();
  bus = await connectBus(server.url, {
    service: 'test',
    replicas: 1,
    log: kit.log,
    signal: new AbortController().signal,
  });
});
afterAll(async () => {
  await bus.close();
  await server.close();
});

/** A replica whose models use what a test says. */
function replicaOf(connection: () => Promise<Bus> = async () => bus) {
  const at = { now_ms: 0, joules: 0 };
  const meter = new EnergyMeter({
    cpu: () => at.joules,
    gpu: { watts: undefined, look: () => undefined },
    now: () => at.now_ms,
  });
  const shared = new SharedEnergy({ kit, bus: connection });
  shared.follow(meter);
  onTestFinished(() => shared.close());
  return {
    shared,
    use(model: string, { joules, tokens }: { joules: number; tokens: number }) {
      const end = meter.begin({ id: model, backend: 'embedded', own: true });
      at.now_ms += 1000;
      at.joules += joules;
      end(tokens);
    },
  };
}

async function daily(now_ms: number, model: string): Promise<EnergyFigure | undefined> {
  let found: EnergyFigure | undefined;
  for await (const figure of bringEnergyUpToDate(bus, now_ms)) if (figure.model === model) found = figure;
  return found;
}

it('replicas share one figure, a new one has it at once, and it moves once a day by what all used', async () => {
  const model = 'qwen/2.5:1.5b';
  const [one, two] = [replicaOf(), replicaOf()];
  one.use(model, { joules: 300, tokens: 300 });
  two.use(model, { joules: 900, tokens: 300 });
  // Neither alone has enough tokens; both write at the same moment.
  await Promise.all([one.shared.sync(), two.shared.sync()]);
  await Promise.all([one.shared.sync(), two.shared.sync()]);
  const first = { j_per_token: 2, source: 'measured' };
  expect([one.shared.of(model), two.shared.of(model)]).toEqual([first, first]);

  one.use(model, { joules: 3000, tokens: 400 });
  await one.shared.close();
  two.use(model, { joules: 1000, tokens: 600 });
  await two.shared.sync();
  const later = replicaOf();
  await later.shared.sync();
  expect(later.shared.of(model)).toEqual(first);

  const tomorrow_ms = Date.now() + DAY_MS;
  const moved = 2 + 0.3 * (4000 / 1000 - 2);
  expect(await daily(Date.now(), model)).toEqual({ model, j_per_token: 2, changed: false });
  expect(await daily(tomorrow_ms, model)).toEqual({ model, j_per_token: moved, changed: true });
  // Once more on the same day, and on a day without work.
  expect(await daily(tomorrow_ms, model)).toMatchObject({ j_per_token: moved, changed: false });
  expect(await daily(tomorrow_ms + DAY_MS, model)).toMatchObject({ j_per_token: moved, changed: false });
  await later.shared.sync();
  expect(later.shared.of(model)?.j_per_token).toBe(moved);
});

it('the strategy energy and the list of models go by what the replicas know, though this one never asked the model', async () => {
  const replica = replicaOf();
  replica.use('a', { joules: 500, tokens: 1000 });
  await replica.shared.sync();
  const fresh = new SharedEnergy({ kit, bus: async () => bus });
  onTestFinished(() => fresh.close());
  const declared = (j_per_token: number) => ({
    energy: { j_per_token, source: 'declared' as const },
    own: true as const,
  });
  const events = answerOf('hi');
  const a = backendOf('embedded', [infoOf('a', declared(100))], [{ events }]);
  const b = backendOf('other', [infoOf('b', declared(10))], [{ events }]);
  const green = { candidates: [{ model: 'b' }, { model: 'a' }], strategy: 'energy' as const };
  const { api } = gatewayIn({}, [a, b], { aliases: { green }, shared: fresh });
  await fresh.sync();
  expect(await api.models(callOf())).toMatchObject([
    { id: 'a', energy: { j_per_token: 0.5, source: 'measured' } },
    { id: 'b', energy: { j_per_token: 10, source: 'declared' } },
    { id: 'green' },
  ]);
  await outcomeOf(api.generate(requestFor('green'), callOf()));
  expect([a.asked, b.asked]).toEqual([['a'], []]);
});

it('a record that cannot be read is begun anew, and a bus that is away loses nothing', async () => {
  const kv = await energyBucket(bus);
  await kv.put(Buffer.from('spoilt').toString('base64url'), '{"joules":"many"}');
  let away = true;
  const { shared, use } = replicaOf(() => (away ? Promise.reject(new Error('away')) : Promise.resolve(bus)));
  use('spoilt', { joules: 700, tokens: 1000 });
  await shared.sync();
  expect(shared.of('spoilt')).toBeUndefined();
  away = false;
  await shared.sync();
  expect(shared.of('spoilt')).toEqual({ j_per_token: 0.7, source: 'measured' });
});

it('however what was used is split among replicas and reports, the first figure is of all of it, and no sum is lost', () => {
  const spent = fc.record({
    joules: fc.double({ min: 0.001, max: 1e6, noNaN: true }),
    tokens: fc.nat(2000),
  });
  fc.assert(
    fc.property(fc.array(spent, { maxLength: 30 }), (parts) => {
      const empty: EnergyRecord = { model: 'm', joules: 0, tokens: 0, j_per_token: null, updated_ms: 0 };
      let record = empty;
      let seen = { joules: 0, tokens: 0 };
      for (const [at, part] of parts.entries()) {
        const had = record.j_per_token;
        record = withSpent(record, part, at);
        seen = { joules: seen.joules + part.joules, tokens: seen.tokens + part.tokens };
        if (had === null && record.j_per_token !== null) {
          expect(record.j_per_token).toBeCloseTo(seen.joules / seen.tokens, 6);
          expect(seen.tokens).toBeGreaterThanOrEqual(500);
          seen = { joules: 0, tokens: 0 };
        }
        expect(record.joules).toBeCloseTo(seen.joules, 3);
        expect(record.tokens).toBe(seen.tokens);
      }
      const after = upToDate(record, DAY_MS * 2);
      // Between what it was and what is new, and the same when it is asked for again that day.
      if (after !== record && record.j_per_token !== null) {
        const newest = record.joules / record.tokens;
        expect(after.j_per_token).toBeGreaterThanOrEqual(Math.min(newest, record.j_per_token) * 0.999_999);
        expect(after.j_per_token).toBeLessThanOrEqual(Math.max(newest, record.j_per_token) * 1.000_001);
      }
      const more = withSpent(after, { joules: 5, tokens: 600 }, DAY_MS * 2);
      if (after !== record) expect(upToDate(more, DAY_MS * 2)).toBe(more);
    }),
  );
});
