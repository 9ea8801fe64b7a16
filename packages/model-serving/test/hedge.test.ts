/** Hedged requests and the circuits of servers as a gateway has them: who is asked beside whom, who answers, what is left running. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendCallOptions, ChatCompletionRequest } from '@mcp/contracts';
import { PlatformError } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HedgeBudget } from '../src/aliases/hedging.ts';
import { RecentTimes } from '../src/latency.ts';
import { answerOf, backendOf, callOf, gatewayOf, infoOf, outcomeOf, requestFor } from './support.ts';

/** Models that wait before they say their own name, or fail; and who of them was ended. */
function waiting(waits_ms: Readonly<Record<string, number>>, failing: readonly string[] = []) {
  const ended: string[] = [];
  const backend = backendOf(
    'a',
    Object.keys(waits_ms).map((id) => infoOf(id)),
    [],
  );
  backend.generate = async function* ({ model }: ChatCompletionRequest, { signal }: BackendCallOptions) {
    backend.asked.push(model);
    yield* answerOf('').slice(0, 1);
    await sleep(waits_ms[model] ?? 0, undefined, { signal }).catch(() => {
      ended.push(model);
      throw signal.reason;
    });
    if (failing.includes(model)) throw new PlatformError('upstream_failed', `${model} is down`);
    yield* answerOf(model).slice(1);
  };
  return { backend, ended };
}

/** Long beside what an answer without a wait takes, on a busy machine too. */
const LATE_MS = 200;

const hedged = (after_ms: number | 'p95') => ({
  fast: {
    candidates: [{ model: 'one' }, { model: 'two' }],
    strategy: 'order' as const,
    hedge: { after_ms },
  },
});
const asked = { ...requestFor('fast'), stream: true };

/** Requests that no hedge is needed for, so that the budget has room for some. */
async function warm(api: ReturnType<typeof gatewayOf>['api'], times: number): Promise<void> {
  for (let time = 0; time < times; time++) await outcomeOf(api.generate(asked, callOf()));
}

describe('a hedged alias', () => {
  it('asks a second model when the first is slow; who speaks first answers, the other is ended at once', async () => {
    const waits = { one: 0, two: 0 };
    const { backend, ended } = waiting(waits);
    const { api, seen } = gatewayOf([backend], {}, hedged(LATE_MS));
    await warm(api, 20);
    backend.asked.length = 0;
    waits.one = 10_000;
    const { text, events } = await outcomeOf(api.generate(asked, callOf()));
    expect([text, backend.asked]).toEqual(['two', ['one', 'two']]);
    expect(events.filter(({ type }) => type === 'start')).toHaveLength(1);
    await expect.poll(() => ended).toEqual(['one']);
    expect(seen.counts.get('model_hedges_total fast second')).toBe(1);
    await expect.poll(async () => (await api.queues(callOf())).map(({ running }) => running)).toEqual([0, 0]);
    // What was spent is spent: the next slow one is waited for.
    waits.one = 2 * LATE_MS;
    expect((await outcomeOf(api.generate(asked, callOf()))).text).toBe('one');
  });

  it('keeps the first where it speaks before the second, and its failure where both fail', async () => {
    const waits = { one: 0, two: 10_000 };
    const failing: string[] = [];
    const { backend, ended } = waiting(waits, failing);
    const { api } = gatewayOf([backend], {}, hedged(LATE_MS));
    await warm(api, 45);
    waits.one = 2 * LATE_MS;
    expect((await outcomeOf(api.generate(asked, callOf()))).text).toBe('one');
    await expect.poll(() => ended).toEqual(['two']);
    failing.push('one', 'two');
    waits.two = 5;
    const call = callOf({ retries: { left: 0, take: () => false, settle() {} } });
    expect((await outcomeOf(api.generate(asked, call))).error?.message).toBe('one is down');
  });

  it('leaves nothing running when its caller leaves while both are asked', async () => {
    const waits = { one: 0, two: 10_000 };
    const { backend, ended } = waiting(waits);
    const { api } = gatewayOf([backend], {}, hedged(LATE_MS));
    await warm(api, 20);
    waits.one = 10_000;
    const left = new AbortController();
    const outcome = outcomeOf(api.generate(asked, callOf({ signal: left.signal })));
    await expect.poll(() => backend.asked.at(-1)).toBe('two');
    left.abort(new PlatformError('cancelled', 'left'));
    expect((await outcome).error?.code).toBe('cancelled');
    expect(ended.toSorted()).toEqual(['one', 'two']);
    expect((await api.queues(callOf())).map(({ running }) => running)).toEqual([0, 0]);
  });

  it('asks nobody else where no p95 is known, and for an answer as a whole', async () => {
    const { backend } = waiting({ one: 30, two: 0 });
    const { api } = gatewayOf([backend], {}, hedged('p95'));
    await outcomeOf(api.generate(asked, callOf()));
    await outcomeOf(api.generate({ ...asked, stream: false }, callOf()));
    expect(backend.asked).toEqual(['one', 'one']);
  });
});

describe('the measures of hedging', () => {
  it('the budget lets through at most a twentieth', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 3000 }), (wishes) => {
        const budget = new HedgeBudget();
        let taken = 0;
        for (const [at, wish] of wishes.entries()) {
          budget.request();
          if (wish && budget.take()) taken++;
          expect(taken).toBeLessThanOrEqual((at + 1) * 0.05);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('the p95 is that of the last hundred, by nearest rank', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { maxLength: 250 }), (times) => {
        const recent = new RecentTimes();
        for (const one of times) recent.add(one);
        const last = times.slice(-100).sort((a, b) => a - b);
        expect(recent.p95_ms).toBe(last.length < 20 ? undefined : last[Math.ceil(last.length * 0.95) - 1]);
      }),
    );
  });
});

describe('an open circuit', () => {
  it('is not asked, is told with the time to come back, and is passed over by an alias', async () => {
    const broken = waiting({ one: 0, two: 0 }, ['one']);
    const { api, seen } = gatewayOf(
      [broken.backend],
      {},
      {
        fast: { candidates: [{ model: 'one' }], fallbacks: { error: ['two'] } },
      },
    );
    const once = () => callOf({ retries: { left: 0, take: () => false, settle() {} } });
    for (let time = 0; time < 5; time++)
      expect((await outcomeOf(api.generate(requestFor('one'), once()))).error?.code).toBe('upstream_failed');
    expect(seen.counts.get('model_circuit_changes_total one a open')).toBe(1);
    expect(seen.spans.at(-1)?.attributes).toMatchObject({ 'mcp.circuit': 'open' });
    broken.backend.asked.length = 0;
    const alias = callOf();
    expect((await outcomeOf(api.generate(requestFor('fast'), alias))).text).toBe('two');
    expect(broken.backend.asked).toEqual(['two']);
  });
});
