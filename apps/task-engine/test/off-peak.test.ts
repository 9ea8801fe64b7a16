/** Jobs that wait for cheap electricity: until then, never for longer than they may, and no others. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OffPeak } from '@mcp/contracts';
import { createLogger } from '@mcp/service-kit';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { heldFor } from '../src/off-peak.ts';
import { PowerSignal } from '../src/power-signal.ts';
import { callOf, ended, startEngine } from './support.ts';

const HOUR_MS = 3_600_000;

it('holds a job until the first cheap hour or its latest time, whichever is first', () => {
  const terms = fc.record({
    tariff: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 24, maxLength: 24 }),
    max_price: fc.integer({ min: 0, max: 9 }),
    latest_s: fc.integer({ min: 1, max: 48 * 3600 }),
  });
  const created = fc.integer({ min: 0, max: 365 * 24 * HOUR_MS });
  fc.assert(
    fc.property(terms, created, fc.nat(60 * HOUR_MS), (given, created_ms, waited_ms) => {
      const off_peak = OffPeak.parse(given);
      const now_ms = created_ms + waited_ms;
      const isCheap = (ms: number) => (given.tariff[new Date(ms).getUTCHours()] ?? 0) <= given.max_price;
      const held_ms = heldFor(off_peak, { kind: 'embed-batch', created_ms }, { now_ms, signal: undefined });
      expect(heldFor(off_peak, { kind: 'export', created_ms }, { now_ms, signal: undefined })).toBe(0);
      const until_ms = now_ms + held_ms;
      const latest_ms = created_ms + given.latest_s * 1000;
      if (held_ms === 0) expect(isCheap(now_ms) || now_ms >= latest_ms).toBe(true);
      else {
        expect(until_ms).toBeLessThanOrEqual(latest_ms);
        expect(isCheap(until_ms) || until_ms === latest_ms).toBe(true);
        // Nothing cheap was passed by.
        for (let ms = now_ms; ms < until_ms; ms += HOUR_MS / 4) expect(isCheap(ms)).toBe(false);
      }
    }),
  );
});

it('keeps a batch of embeddings queued in dear hours, says why, and does it at its latest time; others at once', async () => {
  const dear = { tariff: Array.from({ length: 24 }, () => 2), max_price: 1, latest_s: 3 };
  const engine = await startEngine('in process', { MCP_OFF_PEAK: JSON.stringify(dear) });
  onTestFinished(() => engine.close());
  const held = await engine.api.create({ spec: { kind: 'embed-batch', texts: ['one'] } }, callOf());
  const other = await engine.api.create({ spec: { kind: 'export', format: 'jsonl' } }, callOf());
  const seen: string[] = [];
  for await (const { status, progress } of engine.api.watch(held.id, callOf()))
    seen.push(`${status}: ${progress.note}`);
  expect(seen).toContainEqual(expect.stringMatching(/^queued: waits for off-peak hours until /));
  const done = await ended(engine.api, held.id);
  expect(done).toMatchObject({ status: 'completed', attempt: 1 });
  expect(Date.parse(done.updated_at) - Date.parse(done.created_at)).toBeGreaterThanOrEqual(3000);
  expect(await ended(engine.api, other.id)).toMatchObject({ status: 'completed' });
}, 30_000);

it('goes by the signal where it is known, and never holds a job for longer than it may', () => {
  const terms = fc.record({
    tariff: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 24, maxLength: 24 }),
    max_price: fc.integer({ min: 0, max: 9 }),
    latest_s: fc.integer({ min: 1, max: 48 * 3600 }),
  });
  const moment = fc.record({ waited_ms: fc.nat(60 * HOUR_MS), signal: fc.integer({ min: 0, max: 300 }) });
  fc.assert(
    fc.property(terms, moment, fc.boolean(), (hours, { waited_ms, signal }, declared) => {
      const { latest_s } = hours;
      const server = { url: 'http://grid.example/now', max: 150, every_s: 60 };
      const off_peak = OffPeak.parse({ ...(declared ? hours : { latest_s }), signal: server });
      const of = (said: number | undefined) =>
        heldFor(off_peak, { kind: 'embed-batch', created_ms: 0 }, { now_ms: waited_ms, signal: said });
      const left_ms = Math.max(0, latest_s * 1000 - waited_ms);
      expect(of(signal)).toBe(signal <= 150 ? 0 : Math.min(left_ms, 60_000));
      // Not known: the declared hours hold, and nothing where there are none.
      const byHours = heldFor(
        OffPeak.parse(hours),
        { kind: 'embed-batch', created_ms: 0 },
        { now_ms: waited_ms, signal: undefined },
      );
      expect(of(undefined)).toBe(declared ? byHours : 0);
    }),
  );
});

describe('a server of the signal', () => {
  /** One that a test scripts: what it answers now, and how often it was asked. */
  async function serverOf(body: unknown) {
    const at = { status: 200, body, asked: 0 };
    const server = createServer((_, answer) => {
      at.asked++;
      answer.writeHead(at.status, { 'content-type': 'application/json', location: '/elsewhere' });
      answer.end(typeof at.body === 'string' ? at.body : JSON.stringify(at.body));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    const address = server.address() as AddressInfo;
    return { at, url: `http://127.0.0.1:${address.port}/now` };
  }
  const kit = { log: createLogger('test', 'silent'), metrics: { replace: () => undefined } } as never;
  const terms = { max: 150, every_s: 300, stale_s: 1800 };

  it.each([
    ['a plain figure', { intensity: 120.5 }, 120.5],
    ['Electricity Maps', { zone: 'DE', carbonIntensity: 302, datetime: '2026-11-29T08:00:00.000Z' }, 302],
    [
      'Carbon Intensity (GB), measured',
      { data: [{ from: '2026-11-29T08:00Z', intensity: { forecast: 266, actual: 263, index: 'moderate' } }] },
      263,
    ],
    [
      'Carbon Intensity (GB), forecast',
      { data: [{ intensity: { forecast: 266, actual: null, index: 'moderate' } }] },
      266,
    ],
    [
      'the Carbon Aware SDK',
      [
        { location: 'a', rating: 10 },
        { location: 'a', rating: 65.2 },
      ],
      65.2,
    ],
    ['no figure', { intensity: 'low' }, undefined],
    ['nothing forecast', { data: [{ intensity: { forecast: null, actual: null } }] }, undefined],
    ['no period', { data: [] }, undefined],
    ['no list', [], undefined],
    ['no JSON', '<html>', undefined],
    ['too much', `{"intensity":1,"more":"${'x'.repeat(70_000)}"}`, undefined],
  ])('is read: %s', async (_, body, figure) => {
    const { url } = await serverOf(body);
    expect(await new PowerSignal(kit, { ...terms, url }).now()).toBe(figure);
  });

  it.each([500, 401, 302])('is not known while it answers %i', async (status) => {
    const { at, url } = await serverOf({ intensity: 1 });
    at.status = status;
    expect(await new PowerSignal(kit, { ...terms, url }).now()).toBeUndefined();
  });

  it('is asked once for many, and forgotten when it cannot be read for too long', async () => {
    const { at, url } = await serverOf({ intensity: 200 });
    const once = new PowerSignal(kit, { ...terms, url });
    expect(await Promise.all(Array.from({ length: 20 }, () => once.now()))).toEqual(Array(20).fill(200));
    expect(at.asked).toBe(1);
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const later = new PowerSignal(kit, { ...terms, url });
    expect(await later.now()).toBe(200);
    at.status = 503;
    vi.advanceTimersByTime(1799_000);
    expect(await later.now()).toBe(200);
    vi.advanceTimersByTime(2000);
    expect(await later.now()).toBeUndefined();
  });

  it('holds a batch while it is high, says so, and lets it go when it falls', async () => {
    const { at, url } = await serverOf({ intensity: 200 });
    const off_peak = { signal: { url, max: 150, every_s: 1 } };
    const engine = await startEngine('in process', { MCP_OFF_PEAK: JSON.stringify(off_peak) });
    onTestFinished(() => engine.close());
    const held = await engine.api.create({ spec: { kind: 'embed-batch', texts: ['one'] } }, callOf());
    const seen: string[] = [];
    for await (const { status, progress } of engine.api.watch(held.id, callOf())) {
      seen.push(`${status}: ${progress.note}`);
      if (progress.note.startsWith('waits')) at.body = { intensity: 90 };
    }
    expect(seen).toContainEqual('queued: waits while the power signal is 200, over 150');
    expect(await ended(engine.api, held.id)).toMatchObject({ status: 'completed', attempt: 1 });
  }, 30_000);
});

it.each([
  [{ latest_s: 5 }, /name a tariff/],
  [{ tariff: Array.from({ length: 24 }, () => 1) }, /go together/],
  [{ signal: { url: 'file:///etc/passwd', max: 1 } }, /http or https/],
  [{ tariff: [1], max_price: 1 }, /24 hours/],
  [{ tariff: Array.from({ length: 24 }, () => 1), max_price: 1, kinds: ['chat'] }, /embed-batch/],
])('refuses terms that cannot be kept', (terms, message) => {
  expect(OffPeak.safeParse(terms).error?.message).toMatch(message);
});
