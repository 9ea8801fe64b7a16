/** Isotonic calibration of risks: what holds for whatever was decided. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  calibrated,
  calibrationError,
  crossCalibrated,
  type Decided,
  isotonic,
  reliability,
  thresholdsFor,
} from '../src/routing/calibration.ts';

const unit = fc.double({ min: 0, max: 1, noNaN: true });
const decisions = fc.array(fc.record({ risk: unit, bad: fc.boolean() }), { minLength: 1, maxLength: 60 });
const LEAST = { baseline: 0.1, critic: 0.3, sandbox: 0.5, refuse: 0.9 };
const badOf = (decided: readonly Decided[]) => decided.filter(({ bad }) => bad).length;

describe('the calibrated risk', () => {
  it('never falls, is a share, and has the mean of the outcomes', () => {
    fc.assert(
      fc.property(decisions, unit, unit, (decided, one, other) => {
        const curve = isotonic(decided);
        const [low, high] = [Math.min(one, other), Math.max(one, other)].map((risk) =>
          calibrated(curve, risk),
        );
        expect(low).toBeLessThanOrEqual(high ?? 0);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        const sum = decided.reduce((total, { risk }) => total + calibrated(curve, risk), 0);
        expect(sum).toBeCloseTo(badOf(decided), 8);
      }),
    );
  });

  it('is nearer to the outcomes than any other that never falls, and does not depend on their order', () => {
    fc.assert(
      fc.property(decisions, fc.array(unit, { minLength: 60, maxLength: 60 }), (decided, steps) => {
        const curve = isotonic(decided);
        const rising = [...steps].sort((a, b) => a - b);
        const ordered = [...decided].sort((a, b) => a.risk - b.risk);
        const ranks = [...new Set(ordered.map(({ risk }) => risk))];
        const off = (of: (one: Decided) => number) =>
          ordered.reduce((sum, one) => sum + (of(one) - Number(one.bad)) ** 2, 0);
        const other = off(({ risk }) => rising[ranks.indexOf(risk)] ?? 0);
        expect(off(({ risk }) => calibrated(curve, risk))).toBeLessThanOrEqual(other + 1e-9);
        expect(isotonic([...decided].reverse())).toEqual(curve);
      }),
    );
  });

  it('gives thresholds that ascend, at each of which so many are bad', () => {
    fc.assert(
      fc.property(decisions, (decided) => {
        const curve = isotonic(decided);
        const found = thresholdsFor(curve, LEAST);
        const { baseline, critic, sandbox, refuse } = found;
        expect([baseline, critic, sandbox, refuse]).toEqual(
          [baseline, critic, sandbox, refuse].sort((a, b) => a - b),
        );
        for (const route of ['baseline', 'critic', 'sandbox', 'refuse'] as const)
          if (found[route] < 1) expect(calibrated(curve, found[route])).toBeGreaterThanOrEqual(LEAST[route]);
      }),
    );
  });

  it('is told of each decision by a curve that has not seen it', () => {
    const decided = Array.from({ length: 50 }, (_, at) => ({ risk: at / 50, bad: at % 2 === 0 }));
    const after = crossCalibrated(decided);
    expect(after).toHaveLength(50);
    const changed = crossCalibrated(decided.map((one, at) => (at === 7 ? { ...one, bad: true } : one)));
    expect(changed[7]?.risk).toBe(after[7]?.risk);
    expect(changed[8]?.risk).not.toBe(after[8]?.risk);
  });
});

test.each<[string, Decided[], number, number]>([
  ['nothing', [], 0.4, 0.4],
  ['one that is good', [{ risk: 0.5, bad: false }], 0.9, 0],
  ['one that is bad', [{ risk: 0.5, bad: true }], 0, 1],
  [
    'all of one risk',
    [
      { risk: 0.5, bad: true },
      { risk: 0.5, bad: false },
    ],
    0.5,
    0.5,
  ],
  [
    'the wrong way round',
    [
      { risk: 0.1, bad: true },
      { risk: 0.9, bad: false },
    ],
    0.1,
    0.5,
  ],
])('%s can be calibrated by', (_, decided, risk, expected) => {
  expect(calibrated(isotonic(decided), risk)).toBe(expected);
});

test('the calibration error is a share: 0 where what came was foretold, 1 where the opposite came', () => {
  const of = (risk: number, bad: boolean) => Array.from({ length: 10 }, () => ({ risk, bad }));
  expect(calibrationError([])).toBe(0);
  expect(calibrationError([...of(0, false), ...of(1, true)])).toBe(0);
  expect(calibrationError([...of(0, true), ...of(1, false)])).toBe(1);
  expect(calibrationError([...of(0.05, false), ...of(0.95, true)])).toBeCloseTo(0.05, 10);
  fc.assert(
    fc.property(decisions, (decided) => {
      expect(reliability(decided).reduce((sum, { count }) => sum + count, 0)).toBe(decided.length);
      const error = calibrationError(decided);
      expect(error).toBeGreaterThanOrEqual(0);
      expect(error).toBeLessThanOrEqual(1);
    }),
  );
});
