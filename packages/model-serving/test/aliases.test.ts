/** Aliases: which of their models a request may go to, in which order, and who stands in for what goes wrong. */
import {
  type AliasStrategy,
  ERROR_CODES,
  type ErrorCode,
  type FallbackCause,
  ModelAliases,
  type ModelInfo,
  PlatformError,
  type PublicChatCompletionRequest,
} from '@mcp/contracts';
import { RetryBudget } from '@mcp/service-kit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { causeOf } from '../src/aliases/causes.ts';
import { inOrder } from '../src/aliases/strategies.ts';
import { Route } from '../src/route.ts';
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
const candidates = (...models: string[]) => models.map((model) => ({ model }));

/** A gateway with one server that has these models, and an alias `fast` of them all. */
function aliased(
  models: readonly ModelInfo[],
  alias: Partial<Parameters<typeof ModelAliases.parse>[0]> & object = {},
  deeds: Deed[] = [good],
) {
  const backend = backendOf('a', models, deeds);
  const fast = { candidates: candidates(...models.map(({ id }) => id)), strategy: 'order', ...alias };
  return { backend, ...gatewayOf([backend], {}, { fast: fast as never }) };
}

const asks = {
  tools: {
    tools: [{ type: 'function', function: { name: 'f', parameters: {} } }],
  },
  json_schema: { response_format: { type: 'json_schema', json_schema: { name: 's', schema: {} } } },
  logprobs: { logprobs: true },
  images: {
    messages: [
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }] },
    ],
  },
} as const satisfies Record<string, Partial<PublicChatCompletionRequest>>;

describe('an alias', () => {
  it('is listed beside the models, as wide and able as they, and keeps its name in the answer', async () => {
    const { api } = aliased([
      infoOf('m', { max_context: 100, capabilities: ['tools'] }),
      infoOf('n', { max_context: 900, cost_input_per_mtok_usd: 5 }),
    ]);
    const listed = (await api.models(callOf())).find(({ id }) => id === 'fast');
    expect(listed).toMatchObject({
      backend: 'alias',
      status: 'ready',
      max_context: 900,
      capabilities: ['tools'],
      cost_input_per_mtok_usd: null,
      cost_output_per_mtok_usd: 2,
    });
    expect(await api.model('fast', callOf())).toEqual(listed);
    const { events } = await outcomeOf(api.generate(requestFor('fast'), callOf()));
    expect(events[0]).toMatchObject({ type: 'start', model: 'fast', served_by: 'n' });
  });

  it('that nobody declared is one clear 404 that names those there are', async () => {
    const { api } = aliased([infoOf('m')]);
    const { error } = await outcomeOf(api.generate(requestFor('fastt'), callOf()));
    expect(error).toMatchObject({ code: 'model_not_found', param: 'model' });
    expect(error?.message).toContain('m, fast');
  });

  it('passes over a model that no server has, and says so where all are gone', async () => {
    const { api, backend } = aliased([infoOf('m')], { candidates: candidates('gone', 'm') });
    expect((await outcomeOf(api.generate(requestFor('fast'), callOf()))).text).toBe('good');
    expect(backend.asked).toEqual(['m']);
    const none = aliased([infoOf('m')], { candidates: candidates('gone') });
    expect((await outcomeOf(none.api.generate(requestFor('fast'), callOf()))).error?.code).toBe(
      'model_not_found',
    );
  });

  it('is not for vectors, counts by its widest model and keeps room at one of them', async () => {
    const { api, backend } = aliased([infoOf('m', { max_context: 10 }), infoOf('n')]);
    await expect(api.embed({ model: 'fast', input: 'x' }, callOf())).rejects.toMatchObject({
      code: 'invalid_request',
    });
    await api.models(callOf());
    const asked: string[] = [];
    backend.countTokens = async ({ model }) => {
      asked.push(model);
      return { tokens: 1, exact: true, max_context: 8192 };
    };
    await api.countTokens({ model: 'fast', messages: [] }, callOf());
    expect(asked).toEqual(['n']);
    (await api.reserve('fast', callOf())).release();
  });

  it.each([
    ['of another alias', { a: { candidates: candidates('b') }, b: { candidates: candidates('m') } }],
    ['of itself', { a: { candidates: candidates('a') } }],
    ['in a chain', { a: { candidates: candidates('m'), fallbacks: { error: ['a'] } } }],
    ['without models', { a: { candidates: [] } }],
    ['of the platform', { 'mcp/own': { candidates: candidates('m') } }],
    ['with a negative weight', { a: { candidates: [{ model: 'm', weight: -1 }] } }],
    ['with two hedges', { a: { candidates: candidates('m'), hedge: { after_ms: 5, max: 2 } } }],
  ])('%s is refused where it is declared', (_, aliases) => {
    expect(ModelAliases.safeParse(aliases).success).toBe(false);
  });
});

describe('the filters of an alias', () => {
  const residencies = [undefined, 'eu', 'us', 'any'] as const;
  const wanted = [undefined, 'eu', 'us', 'any'] as const;

  it.each(
    residencies.flatMap((is) => wanted.flatMap((caller) => wanted.map((alias) => [is, caller, alias]))),
  )(
    'let a model in %s answer a caller that wants %s by an alias for %s only where that is known to fit',
    async (is, caller, alias) => {
      const { api, backend } = aliased(
        [infoOf('m', is === undefined ? {} : { residency: is as 'eu' })],
        alias === undefined || alias === 'any' ? {} : { residency: [alias] },
      );
      const demanded = [caller, alias].filter((one) => one !== undefined && one !== 'any');
      const { error } = await outcomeOf(
        api.generate(requestFor('fast'), callOf({ residency: caller as 'eu' })),
      );
      if (demanded.every((one) => one === is)) expect(error).toBeUndefined();
      else expect([error?.code, backend.asked]).toEqual(['wrong_region', []]);
    },
  );

  it("take the platform's own models to be where the platform is", async () => {
    const { api } = aliased([infoOf('m', { own: true })], { residency: ['eu'] });
    expect((await outcomeOf(api.generate(requestFor('fast'), callOf()))).text).toBe('good');
  });

  it('hold for those that stand in, too', async () => {
    const { api, backend } = aliased(
      [infoOf('m', { residency: 'eu' }), infoOf('n', { residency: 'us' })],
      { candidates: candidates('m'), residency: ['eu'], fallbacks: { error: ['n'] } },
      [{ fails: new PlatformError('upstream_failed', 'down', { retryable: false }) }],
    );
    expect((await outcomeOf(api.generate(requestFor('fast'), callOf()))).error?.code).toBe('upstream_failed');
    expect(backend.asked).toEqual(['m']);
  });

  it.each(Object.entries(asks))('ask for %s only a model that may be able to', async (capability, ask) => {
    const { api, backend } = aliased([
      infoOf('cannot', { capabilities: [] }),
      infoOf('can', { capabilities: [capability as 'tools'] }),
    ]);
    await outcomeOf(api.generate({ ...requestFor('fast'), ...ask } as never, callOf()));
    await outcomeOf(api.generate(requestFor('fast'), callOf()));
    expect(backend.asked).toEqual(['can', 'cannot']);
    const none = aliased([infoOf('cannot', { capabilities: [] })]);
    const { error } = await outcomeOf(
      none.api.generate({ ...requestFor('fast'), ...ask } as never, callOf()),
    );
    expect(error).toMatchObject({ code: 'unsupported_parameter', param: 'model' });
    const unknown = aliased([infoOf('silent')]);
    expect(
      (await outcomeOf(unknown.api.generate({ ...requestFor('fast'), ...ask } as never, callOf()))).text,
    ).toBe('good');
    const strict = aliased([infoOf('silent')], { needs: [capability] });
    expect((await outcomeOf(strict.api.generate(requestFor('fast'), callOf()))).error?.code).toBe(
      'unsupported_parameter',
    );
  });

  it('send no model more than it holds, by an estimate of input and output', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(4000), fc.integer({ min: 1, max: 600 }), async (chars, max_tokens) => {
        const { api, backend } = aliased([
          infoOf('small', { max_context: 500 }),
          infoOf('large', { max_context: 1000 }),
        ]);
        const request = {
          ...requestFor('fast'),
          messages: [{ role: 'user' as const, content: 'x'.repeat(chars) }],
          max_tokens,
        };
        const { error } = await outcomeOf(api.generate(request, callOf()));
        const tokens = Math.ceil(chars / 4) + max_tokens;
        if (tokens <= 500) expect(backend.asked).toEqual(['small']);
        else if (tokens <= 1000) expect(backend.asked).toEqual(['large']);
        else expect([error?.code, backend.asked]).toEqual(['context_length_exceeded', []]);
      }),
      { numRuns: 40 },
    );
  });

  it('keep a candidate for a class and for short requests', async () => {
    const only = {
      candidates: [{ model: 'b', class: 'batch' }, { model: 's', max_input_tokens: 2 }, { model: 'l' }],
    };
    const { api, backend } = aliased([infoOf('b'), infoOf('s'), infoOf('l')], only);
    const long = { ...requestFor('fast'), messages: [{ role: 'user' as const, content: 'x'.repeat(50) }] };
    await outcomeOf(api.generate(requestFor('fast'), callOf({ class: 'batch' })));
    await outcomeOf(api.generate(requestFor('fast'), callOf()));
    await outcomeOf(api.generate(long, callOf()));
    expect(backend.asked).toEqual(['b', 's', 'l']);
  });
});

describe('the strategy', () => {
  const NOW_MS = 1000;
  const route = (id: string, change: Partial<ModelInfo> = {}) =>
    new Route({ backend: backendOf('a', [], []), info: infoOf(id, change), tier: 0, now: () => NOW_MS });
  const option = (one: Route, weight = 1) => ({ model: one.info.id, weight, routes: [one] });
  const order = (options: ReturnType<typeof option>[], strategy: AliasStrategy, random = Math.random) =>
    inOrder(options, strategy, {
      demands: { input_tokens: 100, output_tokens: 50 },
      streamed: true,
      now_ms: NOW_MS,
      random,
    }).map(({ model }) => model);
  const figures = fc.array(fc.option(fc.nat(9), { nil: null }), { minLength: 1, maxLength: 6 });

  it.each(['order', 'weighted', 'latency', 'cost', 'energy'] as const)(
    '%s leaves none out and asks first who did not just fail',
    (strategy) => {
      fc.assert(
        fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }), (failing) => {
          const options = failing.map((fails, at) => {
            const one = route(`m${at}`);
            if (fails) one.visit(() => {}).failed(new PlatformError('upstream_failed', 'down'));
            return option(one);
          });
          const ordered = order(options, strategy).map((model) => failing[Number(model.slice(1))]);
          expect(ordered.toSorted()).toEqual(failing.toSorted());
          expect(ordered).toEqual(ordered.toSorted((a, b) => Number(a) - Number(b)));
        }),
        { numRuns: 50 },
      );
    },
  );

  it('cost asks the cheapest first and an unknown price last; energy likewise', () => {
    fc.assert(
      fc.property(figures, (all) => {
        const rank = (model: string) => all[Number(model.slice(1))] ?? Number.POSITIVE_INFINITY;
        const sorted = all.map((one) => one ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
        const priced = all.map((price, at) =>
          option(route(`m${at}`, { cost_input_per_mtok_usd: price, cost_output_per_mtok_usd: price })),
        );
        expect(order(priced, 'cost').map(rank)).toEqual(sorted);
        const rated = all.map((joules, at) =>
          option(
            route(
              `m${at}`,
              joules === null ? {} : { energy: { j_per_token: joules, source: 'declared' as const } },
            ),
          ),
        );
        expect(order(rated, 'energy').map(rank)).toEqual(sorted);
      }),
    );
  });

  it('weighted gives each its share', () => {
    let first = 0;
    for (let time = 0; time < 4000; time++)
      if (order([option(route('a'), 3), option(route('b'), 1)], 'weighted')[0] === 'a') first++;
    // Seven standard deviations of a binomial with p = 3/4.
    expect(Math.abs(first - 3000)).toBeLessThan(192);
  });

  it('latency never asks the slowest of three first, and spreads over who has no answer yet', () => {
    const [a, b, c] = [route('a'), route('b'), route('c')] as const;
    for (const [one, ms] of [
      [a, 10],
      [b, 20],
      [c, 500],
    ] as const) {
      const visit = one.visit(() => {});
      visit.answered(ms, true);
      visit.leave();
    }
    const firsts = Array.from({ length: 300 }, () => order([option(a), option(b), option(c)], 'latency')[0]);
    expect(new Set(firsts)).toEqual(new Set(['a', 'b']));
    // Three requests under way at the fastest make the second one the better choice.
    for (let time = 0; time < 3; time++) a.visit(() => {});
    expect(order([option(a), option(b)], 'latency')[0]).toBe('b');
    const fresh = route('fresh');
    expect(order([option(fresh), option(b)], 'latency')[0]).toBe('fresh');
    fresh.visit(() => {});
    expect(order([option(fresh), option(b)], 'latency')[0]).toBe('b');
  });
});

describe('fallback by cause', () => {
  const CODES = Object.keys(ERROR_CODES) as ErrorCode[];
  const chains = { rate: ['rate'], context: ['context'], content: ['content'], error: ['error'] };
  const models = ['m', 'rate', 'context', 'content', 'error'].map((id) => infoOf(id));
  const with_chains = { candidates: candidates('m'), fallbacks: chains };

  it.each(CODES)('after %s asks the chain of its cause, or nobody', async (code) => {
    const fails = new PlatformError(code, 'first');
    const { api, backend } = aliased(models, with_chains, [{ fails }, good]);
    const { text, error } = await outcomeOf(api.generate(requestFor('fast'), callOf()));
    const cause: FallbackCause | undefined = causeOf(fails);
    if (cause === undefined) expect([error?.code, backend.asked]).toEqual([code, ['m']]);
    else expect([text, backend.asked]).toEqual(['good', ['m', cause]]);
  });

  it('takes an answer withheld before its first word for a refusal, and none after that', async () => {
    const reason = { unified: 'content_filter' as const, raw: 'content_filter' };
    const [start, word] = answerOf('half');
    if (start === undefined || word === undefined) throw new Error('an answer has a beginning');
    const withheld = [start, { type: 'finish' as const, choice: 0, reason }];
    const early = aliased(models, with_chains, [{ events: withheld }, good]);
    expect((await outcomeOf(early.api.generate(requestFor('fast'), callOf()))).text).toBe('good');
    expect(early.backend.asked).toEqual(['m', 'content']);
    const late = aliased(models, with_chains, [
      { events: [start, word, { type: 'finish', choice: 0, reason }] },
    ]);
    expect((await outcomeOf(late.api.generate(requestFor('fast'), callOf()))).text).toBe('half');
    const alone = aliased(models, { candidates: candidates('m') }, [{ events: withheld }]);
    expect((await outcomeOf(alone.api.generate(requestFor('fast'), callOf()))).events.at(-1)).toMatchObject({
      type: 'finish',
      reason,
    });
  });

  it('tries the wider of the other candidates after a context that was too long', async () => {
    const three = [
      infoOf('m', { max_context: 5000 }),
      infoOf('n', { max_context: 4000 }),
      infoOf('w', { max_context: 9000 }),
    ];
    const { api, backend } = aliased(three, {}, [
      { fails: new PlatformError('context_length_exceeded', 'too long') },
      good,
    ]);
    expect((await outcomeOf(api.generate(requestFor('fast'), callOf()))).text).toBe('good');
    expect(backend.asked).toEqual(['m', 'w']);
  });

  it('goes on where a stream breaks off before its first word', async () => {
    const events = answerOf('x').slice(0, 1);
    const { api, backend } = aliased(models, with_chains, [
      { events, fails: new PlatformError('upstream_interrupted', 'broke off') },
      good,
    ]);
    const { text, events: seen } = await outcomeOf(api.generate(requestFor('fast'), callOf()));
    expect([text, backend.asked]).toEqual(['good', ['m', 'error']]);
    expect(seen.filter(({ type }) => type === 'start')).toHaveLength(1);
  });

  it('never costs more than the retries of the request, however many models there are', async () => {
    const count = fc.integer({ min: 1, max: 6 });
    await fc.assert(
      fc.asyncProperty(count, count, fc.nat(4), async (own, chained, retries) => {
        const names = Array.from({ length: own + chained }, (_, at) => `m${at}`);
        const { api, backend } = aliased(
          names.map((id) => infoOf(id)),
          { candidates: candidates(...names.slice(0, own)), fallbacks: { error: names.slice(own) } },
          [{ fails: new PlatformError('upstream_failed', 'down', { retryable: false }) }],
        );
        const budget = new RetryBudget(retries);
        const { error } = await outcomeOf(api.generate(requestFor('fast'), callOf({ retries: budget })));
        expect(error?.code).toBe('upstream_failed');
        expect(backend.asked).toEqual(names.slice(0, retries + 1));
      }),
      { numRuns: 40 },
    );
  });
});
