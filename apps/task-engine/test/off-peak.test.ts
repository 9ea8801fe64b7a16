/** Jobs that wait for cheap electricity: until then, never for longer than they may, and no others. */
import { OffPeak } from '@mcp/contracts';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { heldFor } from '../src/off-peak.ts';
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
      const held_ms = heldFor(off_peak, { kind: 'embed-batch', created_ms }, now_ms);
      expect(heldFor(off_peak, { kind: 'export', created_ms }, now_ms)).toBe(0);
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
  const dear = { tariff: Array.from({ length: 24 }, () => 2), max_price: 1, latest_s: 5 };
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
  expect(Date.parse(done.updated_at) - Date.parse(done.created_at)).toBeGreaterThanOrEqual(5000);
  expect(await ended(engine.api, other.id)).toMatchObject({ status: 'completed' });
}, 30_000);

it.each([
  [{ tariff: [1], max_price: 1 }, /24 hours/],
  [{ tariff: Array.from({ length: 24 }, () => 1), max_price: 1, kinds: ['chat'] }, /embed-batch/],
])('refuses terms that cannot be kept', (terms, message) => {
  expect(OffPeak.safeParse(terms).error?.message).toMatch(message);
});
