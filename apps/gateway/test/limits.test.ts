import { GatewayReport } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Admission, formatReset } from '../src/limits/admission.ts';
import { LiveStats, merge } from '../src/live/stats.ts';

describe('admission', () => {
  const at = (limits: { requests_per_minute: number; max_parallel_requests: number }) => {
    const clock = { ms: 0 };
    return { clock, admission: new Admission(limits, () => clock.ms) };
  };

  test('in no minute more than twice the limit, over time exactly the limit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 120 }),
        fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 400 }),
        (limit, pauses) => {
          const { clock, admission } = at({ requests_per_minute: limit, max_parallel_requests: 1e6 });
          let granted = 0;
          for (const pause of pauses) {
            clock.ms += pause;
            if (admission.enter('a').refusal === undefined) granted++;
          }
          expect(granted).toBeLessThanOrEqual(limit + (clock.ms * limit) / 60_000 + 1);
        },
      ),
    );
  });

  test('whoever waits as long as told is let in', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6000 }), fc.nat({ max: 100 }), (limit, pause) => {
        const { clock, admission } = at({ requests_per_minute: limit, max_parallel_requests: 1e6 });
        for (;;) {
          clock.ms += pause / 1000;
          const { refusal } = admission.enter('a');
          if (refusal === undefined) continue;
          clock.ms += refusal.retry_after_ms ?? 0;
          expect(admission.enter('a').refusal).toBeUndefined();
          return;
        }
      }),
      { numRuns: 30 },
    );
  });

  test('as many at once as allowed, each caller for itself', () => {
    const { admission } = at({ requests_per_minute: 1000, max_parallel_requests: 2 });
    expect(admission.enter('a').refusal).toBeUndefined();
    expect(admission.enter('a').refusal).toBeUndefined();
    expect(admission.enter('a').refusal).toMatchObject({ code: 'rate_limited', retry_after_ms: 1000 });
    expect(admission.enter('b').refusal).toBeUndefined();
    admission.leave('a');
    expect(admission.enter('a').refusal).toBeUndefined();
  });

  test('a refused request costs nothing', () => {
    const { admission } = at({ requests_per_minute: 10, max_parallel_requests: 1 });
    admission.enter('a');
    const before = admission.enter('a').remaining;
    expect(admission.enter('a').remaining).toBe(before);
  });

  test('callers of long ago are forgotten, those at work are not', () => {
    const { clock, admission } = at({ requests_per_minute: 10, max_parallel_requests: 1 });
    admission.enter('busy');
    for (let i = 0; i < 10_000; i++) {
      admission.enter(`caller ${i}`);
      admission.leave(`caller ${i}`);
    }
    clock.ms += 61_000;
    admission.enter('new');
    expect(admission.enter('busy').refusal?.message).toMatch(/open at once/);
    expect(admission.enter('caller 5').remaining).toBe(9);
  });

  test.each<[number, string]>([
    [7, '7ms'],
    [1249, '1.2s'],
    [59_960, '60s'],
    [60_000, '1m0s'],
    [361_000, '6m1s'],
  ])('%i ms are written as OpenAI writes them: %s', (ms, text) => expect(formatReset(ms)).toBe(text));
});

describe('live figures', () => {
  /** Within half a bucket of the histogram. */
  const near = (value: number | null, exact: number) =>
    exact <= 0.05 ? (value ?? 1) <= 0.05 : Math.abs((value ?? 0) / exact - 1) <= 0.026;

  test('quantiles are those of the times of the last minute, over all replicas', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 9e5, noNaN: true }), { minLength: 1, maxLength: 500 }),
        fc.integer({ min: 1, max: 5 }),
        (times, replicas) => {
          const clock = { ms: 0 };
          const all = Array.from({ length: replicas }, () => new LiveStats(() => clock.ms));
          for (const stats of all) stats.add(1e9, true);
          clock.ms = 60_001;
          for (const [at, time] of times.entries()) all[at % replicas]?.add(time, false);
          const sorted = [...times].sort((a, b) => a - b);
          const merged = merge(all.map((stats) => stats.report()));
          expect(merged).toMatchObject({ error_ratio: 0, requests_per_s: times.length / 60, replicas });
          expect(near(merged.p50_ms, sorted[Math.ceil(times.length * 0.5) - 1] ?? 0)).toBe(true);
          expect(near(merged.p95_ms, sorted[Math.ceil(times.length * 0.95) - 1] ?? 0)).toBe(true);
        },
      ),
    );
  });

  test('nothing yet is null, not zero', () => {
    const nothing = merge([new LiveStats().report()]);
    expect(nothing).toMatchObject({ p50_ms: null, p95_ms: null, error_ratio: 0 });
  });

  test('any number of requests fits the window, and its report stays small', () => {
    const clock = { ms: 0 };
    const stats = new LiveStats(() => clock.ms);
    for (let i = 0; i < 600_000; i++) {
      clock.ms += 0.1;
      stats.add(i % 10_000, i % 2 === 0);
    }
    const report = stats.report();
    const { requests_per_s, error_ratio } = merge([report]);
    expect(requests_per_s).toBeCloseTo(10_000, -3);
    expect(error_ratio).toBeCloseTo(0.5);
    expect(JSON.stringify(report).length).toBeLessThan(10_000);
    expect(GatewayReport.safeParse(report).success).toBe(true);
  });

  test('tokens add up', () => {
    const [one, two] = [new LiveStats(), new LiveStats()];
    one.addTokens({ input_tokens: 3, output_tokens: 4 });
    two.addTokens({ input_tokens: 1, output_tokens: 0 });
    const merged = merge([one.report(), two.report()]);
    expect(merged).toMatchObject({ tokens_in_total: 4, tokens_out_total: 4 });
  });
});
