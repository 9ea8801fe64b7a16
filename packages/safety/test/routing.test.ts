import { RiskRoute } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  AnomalyHistory,
  assess,
  DEFAULT_THRESHOLDS,
  dataClass,
  disagreementOf,
  LiveVolatility,
  routeOf,
  type Signals,
  tokenVolatility,
  withoutHistory,
} from '../src/routing/index.ts';

const unit = fc.double({ min: 0, max: 1, noNaN: true });
const signals = fc.record(
  { disagreement: unit, volatility: unit, history: unit, injection: unit, data: unit, content: unit },
  { requiredKeys: [] },
);

describe('the risk of a request', () => {
  it('is in [0, 1], and no signal that rises lowers it', () => {
    fc.assert(
      fc.property(
        signals,
        fc.constantFrom<keyof Signals>('volatility', 'injection', 'data', 'content'),
        unit,
        (given, name, value) => {
          const { risk, reasons } = assess(given);
          expect(risk).toBeGreaterThanOrEqual(0);
          expect(risk).toBeLessThanOrEqual(1);
          const more = assess({ ...given, [name]: Math.max(given[name] ?? 0, value) });
          expect(more.risk).toBeGreaterThanOrEqual(risk - 1e-12);
          expect(reasons.map(({ share }) => share)).toEqual(
            reasons.map(({ share }) => share).sort((a, b) => b - a),
          );
        },
      ),
    );
  });

  it('is nothing where nothing is known, and names what it comes from', () => {
    expect(assess({})).toEqual({ risk: 0, reasons: [] });
    expect(assess({ injection: 1, data: 0.2 }).reasons.map(({ signal }) => signal)).toEqual([
      'injection',
      'data',
    ]);
  });

  it('takes a more careful route the higher it is', () => {
    fc.assert(
      fc.property(unit, unit, (one, other) => {
        const at = (risk: number) => RiskRoute.options.indexOf(routeOf(risk, DEFAULT_THRESHOLDS));
        expect(at(Math.max(one, other))).toBeGreaterThanOrEqual(at(Math.min(one, other)));
      }),
    );
    expect([0, 0.3, 0.5, 0.6, 1].map((risk) => routeOf(risk, DEFAULT_THRESHOLDS))).toEqual(RiskRoute.options);
  });
});

test.each<[number, number]>([
  [disagreementOf(0, () => 0), 0],
  [disagreementOf(1, () => 0), 0],
  [disagreementOf(2, () => 0), 1],
  [disagreementOf(5, () => 0), 1],
  [disagreementOf(5, () => 1), 0],
  [disagreementOf(2, () => 0.5), -Math.log2(0.625)],
  [tokenVolatility([]), 0],
  [tokenVolatility([0, 0]), 0],
  [tokenVolatility([-1.2, -1.2]), 0.5],
  [tokenVolatility([Number.NEGATIVE_INFINITY]), 1],
  [dataClass([]), 0],
  [dataClass(['email', 'secret', 'unread']), 0.8],
])('%d is %d', (value, expected) => {
  expect(value).toBeCloseTo(expected, 10);
});

describe('the disagreement of answers', () => {
  it('is in [0, 1], and less the more alike any two of them are', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 6 }),
        fc.array(unit, { minLength: 36, maxLength: 36 }),
        (count, of) => {
          const likeness = (one: number, other: number) =>
            of[Math.min(one, other) * 6 + Math.max(one, other)] ?? 0;
          const nearer = (one: number, other: number) =>
            one + other === 1 ? (1 + likeness(one, other)) / 2 : likeness(one, other);
          const apart = disagreementOf(count, likeness);
          expect(apart).toBeGreaterThanOrEqual(0);
          expect(apart).toBeLessThanOrEqual(1);
          expect(disagreementOf(count, nearer)).toBeLessThanOrEqual(apart + 1e-12);
        },
      ),
    );
  });
});

test('the volatility of an answer that comes is that of its last 64 tokens', () => {
  const live = new LiveVolatility();
  const tokens = (count: number, logprob: number) => Array.from({ length: count }, () => ({ logprob }));
  expect(live.push(tokens(63, -3))).toBe(0);
  expect(live.push(tokens(1, -3))).toBe(1);
  expect(live.push(tokens(64, -1.2))).toBeCloseTo(0.5, 10);
});

describe('the history of a caller', () => {
  it('is a share of its requests that fades with time, and nobody else has it', () => {
    let now = 0;
    const history = new AnomalyHistory(() => now);
    for (let i = 0; i < 6; i++) history.note('a', 1);
    expect(history.density('a')).toBeCloseTo(6 / 9, 10);
    expect(history.density('b')).toBe(0);
    now = 600_000;
    expect(history.density('a')).toBeCloseTo(3 / 6, 10);
  });

  it('is that of a busy caller with few anomalies, however many these are', () => {
    const history = new AnomalyHistory(() => 0);
    for (let i = 0; i < 1000; i++) history.note('an application', i % 10 === 0 ? 1 : 0);
    expect(history.density('an application')).toBeCloseTo(0.1, 2);
    expect(assess({ history: history.density('an application') }).risk).toBe(0);
  });

  it('is not a reason for more of it', () => {
    fc.assert(
      fc.property(signals, (given) => {
        const { history: _, ...own } = given;
        expect(withoutHistory(assess(given).risk, given)).toBeCloseTo(assess(own).risk, 8);
      }),
    );
  });

  it('is bounded: those who were quiet for longest are forgotten', () => {
    const history = new AnomalyHistory();
    for (let i = 0; i < 10_001; i++) history.note(`caller ${i}`, 1);
    expect(history.density('caller 0')).toBe(0);
    expect(history.density('caller 1')).toBeGreaterThan(0);
  });
});
