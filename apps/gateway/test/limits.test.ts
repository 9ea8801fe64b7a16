import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Admission, formatReset } from '../src/admission.ts';
import { LiveStats } from '../src/stats.ts';

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
  test('quantiles are those of the sorted times of the last minute', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 500 }),
        (times) => {
          const clock = { ms: 0 };
          const stats = new LiveStats(() => clock.ms);
          stats.add(1e9, true);
          clock.ms = 60_001;
          for (const time of times) stats.add(time, false);
          const sorted = [...times].sort((a, b) => a - b);
          expect(stats.snapshot()).toMatchObject({
            p50_ms: sorted[Math.ceil(times.length * 0.5) - 1],
            p95_ms: sorted[Math.ceil(times.length * 0.95) - 1],
            error_ratio: 0,
            requests_per_s: times.length / 60,
          });
        },
      ),
    );
  });

  test('nothing yet is null, not zero', () => {
    expect(new LiveStats().snapshot()).toMatchObject({ p50_ms: null, p95_ms: null, error_ratio: 0 });
  });

  test('more requests than the ring holds shorten the window, not the rate', () => {
    const clock = { ms: 0 };
    const stats = new LiveStats(() => clock.ms);
    for (let i = 0; i < 40_000; i++) {
      clock.ms += 1;
      stats.add(5, i % 2 === 0);
    }
    const { requests_per_s, error_ratio } = stats.snapshot();
    expect(requests_per_s).toBeCloseTo(1000, -1);
    expect(error_ratio).toBeCloseTo(0.5);
  });

  test('tokens add up', () => {
    const stats = new LiveStats();
    stats.addTokens({ input_tokens: 3, output_tokens: 4 });
    stats.addTokens({ input_tokens: 1, output_tokens: 0 });
    expect(stats.snapshot()).toMatchObject({ tokens_in_total: 4, tokens_out_total: 4 });
  });
});
