/** Attempts under injected faults: who is asked after whom, how often at most, and what is counted and told. */
import { ERROR_CODES, type ErrorCode, PlatformError } from '@mcp/contracts';
import { RetryBudget } from '@mcp/service-kit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  answerOf,
  backendOf,
  callOf,
  type Deed,
  gatewayOf,
  infoOf,
  outcomeOf,
  requestFor,
} from './support.ts';

const good: Deed = { events: answerOf('good') };
const down = () => new PlatformError('upstream_failed', 'it is down');
const CODES = Object.keys(ERROR_CODES) as ErrorCode[];

describe('a first failure', () => {
  const passing = CODES.filter((code) => ERROR_CODES[code].retryable || code === 'upstream_failed');

  it.each(CODES)(
    'with %s is tried at the next server of the model where that may help, and else told',
    async (code) => {
      const first = backendOf('a', [infoOf('m')], [{ fails: new PlatformError(code, 'first') }]);
      const second = backendOf('b', [infoOf('m')], [good]);
      const { api } = gatewayOf([first, second]);
      const { text, error } = await outcomeOf(api.generate(requestFor('m'), callOf()));
      expect(first.asked).toEqual(['m']);
      if (passing.includes(code)) expect([text, second.asked]).toEqual(['good', ['m']]);
      else expect([error?.code, second.asked]).toEqual([code, []]);
    },
  );

  it('of another kind is no reason to ask another', async () => {
    const first = backendOf('a', [infoOf('m')], [{ fails: new TypeError('a mistake of ours') }]);
    const second = backendOf('b', [infoOf('m')], [good]);
    const { api } = gatewayOf([first, second]);
    await expect(outcomeOf(api.generate(requestFor('m'), callOf()))).rejects.toThrow('a mistake of ours');
    expect(second.asked).toEqual([]);
  });

  it('after something was said is told, never hidden behind another beginning', async () => {
    const first = backendOf('a', [infoOf('m')], [{ events: answerOf('half').slice(0, 2), fails: down() }]);
    const second = backendOf('b', [infoOf('m')], [good]);
    const { api } = gatewayOf([first, second]);
    const { text, error } = await outcomeOf(api.generate(requestFor('m'), callOf()));
    expect([text, error?.code, second.asked]).toEqual(['half', 'upstream_failed', []]);
  });

  it('is not tried again once its caller has left', async () => {
    const left = new AbortController();
    const first = backendOf('a', [infoOf('m')], []);
    first.generate = async function* () {
      left.abort();
      yield* [];
      throw down();
    };
    const second = backendOf('b', [infoOf('m')], [good]);
    const { api } = gatewayOf([first, second]);
    expect(
      (await outcomeOf(api.generate(requestFor('m'), callOf({ signal: left.signal })))).error?.code,
    ).toBe('upstream_failed');
    expect(second.asked).toEqual([]);
  });
});

describe('the servers of one model', () => {
  it('are asked in order, each once a round, within the retries of the request', async () => {
    const faults = fc.array(fc.boolean(), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(faults, fc.integer({ min: 0, max: 6 }), async (failing, retries) => {
        const backends = failing.map((fails, at) =>
          backendOf(
            `kind-${at}`,
            [infoOf('m')],
            [
              fails
                ? { fails: new PlatformError('upstream_failed', `fault ${at}`, { retryable: false }) }
                : good,
            ],
          ),
        );
        const budget = new RetryBudget(retries);
        const { api } = gatewayOf(backends);
        const { text, error } = await outcomeOf(api.generate(requestFor('m'), callOf({ retries: budget })));
        const first = failing.indexOf(false);
        const reached = backends.reduce((sum, { asked }) => sum + asked.length, 0);
        expect(backends.every(({ asked }) => asked.length <= 1)).toBe(true);
        expect(retries - budget.left).toBe(reached - 1);
        if (first >= 0 && first <= retries) {
          expect(text).toBe('good');
          expect(reached).toBe(first + 1);
        } else expect(error?.code).toBe('upstream_failed');
      }),
      { numRuns: 60 },
    );
  });
});

describe('a model that stands in for another', () => {
  it('answers under its own name, so that callers see who spoke', async () => {
    const first = backendOf('a', [infoOf('m'), infoOf('n')], [{ fails: down() }, good]);
    const { api } = gatewayOf([first], { m: ['n'] });
    const { events } = await outcomeOf(api.generate(requestFor('m'), callOf()));
    expect(first.asked).toEqual(['m', 'n']);
    expect(events[0]).toMatchObject({ type: 'start', model: 'n' });
  });

  it('is passed over where there is none of that name', async () => {
    const first = backendOf('a', [infoOf('m'), infoOf('o')], [{ fails: down() }, good]);
    const { api } = gatewayOf([first], { m: ['gone', 'o'] });
    expect((await outcomeOf(api.generate(requestFor('m'), callOf()))).text).toBe('good');
    expect(first.asked).toEqual(['m', 'o']);
  });

  it.each(['constructor', '__proto__', 'toString'])('is nobody for a model called %s', async (name) => {
    const { api } = gatewayOf([backendOf('a', [infoOf('m')], [good])]);
    expect((await outcomeOf(api.generate(requestFor(name), callOf()))).error).toMatchObject({
      code: 'model_not_found',
      param: 'model',
    });
  });
});

describe('what is counted', () => {
  const usage = fc.record({ input_tokens: fc.nat(10_000), output_tokens: fc.nat(10_000) });
  it('is every token once, and its cost by the price of the model that wrote it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(usage, { minLength: 1, maxLength: 5 }), async (usages) => {
        const backend = backendOf(
          'a',
          [infoOf('m')],
          usages.map((one) => ({ events: answerOf('x', one) })),
        );
        const { api, seen } = gatewayOf([backend]);
        for (const _ of usages) await outcomeOf(api.generate(requestFor('m'), callOf()));
        const sum = (field: 'input_tokens' | 'output_tokens') =>
          usages.reduce((total, one) => total + one[field], 0);
        expect(seen.counts.get('model_tokens_total m in')).toBe(sum('input_tokens'));
        expect(seen.counts.get('model_tokens_total m out')).toBe(sum('output_tokens'));
        expect(seen.counts.get('model_cost_usd_total m')).toBeCloseTo(
          (sum('input_tokens') + 2 * sum('output_tokens')) / 1e6,
          10,
        );
        expect(seen.counts.get('model_inferences_total m stop chat')).toBe(usages.length);
        expect(seen.spans).toHaveLength(usages.length);
      }),
      { numRuns: 30 },
    );
  });

  it('of an unknown price is an alarm, never free', async () => {
    const info = infoOf('m', { cost_output_per_mtok_usd: null });
    const { api, seen } = gatewayOf([backendOf('a', [info], [good])]);
    await outcomeOf(api.generate(requestFor('m'), callOf()));
    expect(seen.counts.get('model_cost_unknown_total m')).toBe(1);
    expect(seen.counts.has('model_cost_usd_total m')).toBe(false);
  });

  it('without a usage of the backend is what was seen being written', async () => {
    const said = answerOf('a').slice(0, 2);
    const piece = said[1];
    const { api, seen } = gatewayOf([
      backendOf(
        'a',
        [infoOf('m')],
        [{ events: [...said, ...(piece === undefined ? [] : [piece, piece])], fails: down() }],
      ),
    ]);
    await outcomeOf(api.generate(requestFor('m'), callOf()));
    expect(seen.counts.get('model_tokens_total m out')).toBe(3);
    expect(seen.counts.get('model_inferences_total m upstream_failed chat')).toBe(1);
    expect(seen.spans.map(({ failure }) => failure)).toEqual([
      expect.objectContaining({ code: 'upstream_failed' }),
    ]);
  });

  it('of a caller that leaves is cancelled, and gives its place back', async () => {
    const { api, seen } = gatewayOf([backendOf('a', [infoOf('m', { max_concurrency: 1 })], [good])]);
    for await (const event of api.generate(requestFor('m'), callOf())) if (event.type === 'text') break;
    expect(seen.counts.get('model_inferences_total m cancelled chat')).toBe(1);
    expect(await api.queues(callOf())).toEqual([expect.objectContaining({ model: 'm', running: 0 })]);
  });

  it.each(CODES)('of vectors that fail with %s is that code', async (code) => {
    const fails = new PlatformError(code, 'no', { retryable: false });
    const backend = backendOf('a', [infoOf('e', { kind: 'embedding' })], [{ fails }]);
    const { api, seen } = gatewayOf([backend]);
    const call = callOf({ retries: new RetryBudget(0) });
    await expect(api.embed({ model: 'e', input: 'x' }, call)).rejects.toMatchObject({ code });
    expect(seen.counts.get(`model_inferences_total e ${code} embedding`)).toBe(1);
    expect(await api.queues(callOf())).toEqual([expect.objectContaining({ model: 'e', running: 0 })]);
  });
});
