/** Joules per token of the platform's own models, from what the machine tells. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EnergyMeter } from '../src/energy/meter.ts';
import { byCpuTime, byRapl, GpuPower } from '../src/energy/sources.ts';
import { answerOf, backendOf, callOf, gatewayOf, infoOf, outcomeOf, requestFor } from './support.ts';

const embedded = (id: string) => ({ id, backend: 'embedded', own: true as const });

/** A meter whose clock and processors a test moves: so many watts at each moment. */
function rigOf(gpu_watts?: number) {
  const at = { now_ms: 0, joules: 0 };
  const gpu = { watts: gpu_watts, look: () => undefined };
  const meter = new EnergyMeter({ cpu: () => at.joules, gpu, now: () => at.now_ms });
  return {
    meter,
    pass(ms: number, watts: number) {
      at.now_ms += ms;
      at.joules += (ms / 1000) * watts;
    },
  };
}

describe('the meter', () => {
  it('shares what was taken by how long each model worked, and counts no idle time', () => {
    const { meter, pass } = rigOf();
    pass(60_000, 50);
    const a = meter.begin(embedded('a'));
    pass(1000, 10);
    const b = meter.begin(embedded('b'));
    pass(1000, 20);
    b(1000);
    pass(2000, 10);
    a(1000);
    // 30 J in the first two seconds: a worked for two thirds of it; then 20 J that are a's alone.
    expect(meter.of('b')).toEqual({ j_per_token: 10 / 1000, source: 'measured' });
    expect(meter.of('a')?.j_per_token).toBeCloseTo((20 + 20) / 1000, 12);
  });

  it('says nothing before 500 tokens, nor of models elsewhere', () => {
    const { meter, pass } = rigOf();
    const work = (tokens: number, joules: number) => {
      const end = meter.begin(embedded('a'));
      pass(1000, joules);
      end(tokens);
    };
    work(499, 1);
    expect(meter.of('a')).toBeUndefined();
    work(1, 1);
    expect(meter.of('a')?.j_per_token).toBeCloseTo(2 / 500, 12);
    meter.begin({ id: 'gpt', backend: 'openai' })(10_000);
    expect(meter.of('gpt')).toBeUndefined();
  });

  it('takes the graphics cards for the models of its own servers', () => {
    const { meter, pass } = rigOf(300);
    const end = meter.begin({ id: 'v', backend: 'vllm', own: true });
    pass(2000, 5);
    end(1000);
    expect(meter.of('v')?.j_per_token).toBeCloseTo(0.6, 12);
  });

  it('never gives out more than was taken while somebody worked', () => {
    const step = fc.record({
      model: fc.constantFrom('a', 'b', 'c'),
      ms: fc.integer({ min: 0, max: 5000 }),
      watts: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { meter, pass } = rigOf();
        let taken = 0;
        const open: { model: string; end: (tokens: number) => void }[] = [];
        for (const { model, ms, watts } of steps) {
          open.push({ model, end: meter.begin(embedded(model)) });
          pass(ms, watts);
          taken += (ms / 1000) * watts;
          if (open.length > 3) open.shift()?.end(0);
        }
        // The last of each model has all its tokens: the figure times them is what it was given.
        for (const { end } of open.splice(0)) end(0);
        let given = 0;
        for (const model of ['a', 'b', 'c']) {
          meter.begin(embedded(model))(500);
          given += (meter.of(model)?.j_per_token ?? 0) * 500;
        }
        expect(given).toBeCloseTo(taken, 6);
      }),
    );
  });
});

describe('the sources', () => {
  function powercap(zones: Readonly<Record<string, { uj: number; range_uj: number }>>) {
    const folder = mkdtempSync(join(tmpdir(), 'mcp-rapl-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const write = (name: string, uj: number) => writeFileSync(join(folder, name, 'energy_uj'), `${uj}\n`);
    for (const [name, { uj, range_uj }] of Object.entries(zones)) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'max_energy_range_uj'), `${range_uj}\n`);
      write(name, uj);
    }
    return { folder, write };
  }

  it('RAPL: the packages alone, this process by its share of the CPU time, and around the end of the counter', () => {
    const { folder, write } = powercap({
      'intel-rapl:0': { uj: 1_000_000, range_uj: 10_000_000 },
      'intel-rapl:1': { uj: 9_000_000, range_uj: 10_000_000 },
      'intel-rapl:0:0': { uj: 0, range_uj: 10_000_000 },
    });
    let machine = { process_s: 10, busy_s: 100 };
    const joules = byRapl(folder, () => machine);
    write('intel-rapl:0', 3_000_000);
    write('intel-rapl:1', 1_000_000);
    write('intel-rapl:0:0', 9_000_000);
    machine = { process_s: 15, busy_s: 110 };
    // 2 J and 2 J, half of them ours.
    expect(joules?.()).toBeCloseTo(2, 9);
    expect(joules?.()).toBeCloseTo(2, 9);
  });

  it('none where there is no RAPL, or it may not be read: then CPU time by declared watts', () => {
    expect(byRapl('/nowhere')).toBeUndefined();
    expect(byRapl(powercap({}).folder)).toBeUndefined();
    expect(byCpuTime(3.5, () => 4)()).toBe(14);
  });

  it.each([
    ['printf "100.5\\n200\\n"', 300.5],
    ['echo "[N/A]"', undefined],
    ['exit 1', undefined],
  ])('nvidia-smi as `%s`', async (script, watts) => {
    const folder = mkdtempSync(join(tmpdir(), 'mcp-smi-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const command = join(folder, 'smi');
    writeFileSync(command, `#!/bin/sh\n[ "$1" = --query-gpu=power.draw ] || exit 2\n${script}\n`, {
      mode: 0o755,
    });
    const gpu = new GpuPower(command);
    gpu.look(0);
    if (watts !== undefined) await expect.poll(() => gpu.watts, { timeout: 10_000 }).toBe(watts);
    else expect(gpu.watts).toBeUndefined();
  });
});

it('is in the list of models after 500 tokens, and the strategy energy goes by it', async () => {
  const usage = { input_tokens: 400, output_tokens: 200 };
  const own = (id: string) =>
    infoOf(id, { backend: 'embedded', own: true, energy: { j_per_token: 1e9, source: 'declared' } });
  const backend = backendOf('embedded', [own('a')], [{ events: answerOf('hi', usage) }]);
  const other = backendOf(
    'other',
    [infoOf('b', { energy: { j_per_token: 1e6, source: 'declared' } })],
    [{ events: answerOf('hi', usage) }],
  );
  const alias = { green: { candidates: [{ model: 'a' }, { model: 'b' }], strategy: 'energy' as const } };
  const { api } = gatewayOf([backend, other], {}, alias);
  await api.models(callOf());
  await outcomeOf(api.generate(requestFor('green'), callOf()));
  expect([backend.asked, other.asked]).toEqual([[], ['b']]);
  await outcomeOf(api.generate(requestFor('a'), callOf()));
  const [listed] = await api.models(callOf());
  expect(listed).toMatchObject({ id: 'a', energy: { source: 'measured' } });
  expect(listed?.energy?.j_per_token).toBeLessThan(1);
  await outcomeOf(api.generate(requestFor('green'), callOf()));
  expect([backend.asked, other.asked]).toEqual([['a', 'a'], ['b']]);
});
