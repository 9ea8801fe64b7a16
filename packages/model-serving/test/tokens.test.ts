/** The queue counts tokens: shares by weight, waits by pace, and what a request will take. */
import { setImmediate as turn } from 'node:timers/promises';
import {
  type ChatCompletionRequest,
  type ModelBackend,
  type ModelInfo,
  PlatformError,
  type Usage,
} from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExpectedTokens } from '../src/expected-tokens.ts';
import { FairLine } from '../src/fair-line.ts';
import { Pace } from '../src/pace.ts';
import { ModelQueue } from '../src/queue.ts';
import { Route, type Visit } from '../src/route.ts';
import { answerOf, backendOf, callOf, gatewayOf, infoOf, outcomeOf, requestFor } from './support.ts';

describe('the fair line', () => {
  it('gives callers that always wait tokens by their weights, within one request of each', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 60, maxLength: 60 });
    const weight = fc.integer({ min: 1, max: 8 });
    fc.assert(
      fc.property(sizes, sizes, weight, weight, (a, b, weight_a, weight_b) => {
        const line = new FairLine<{ who: 'a' | 'b'; tokens: number }>((kind) => kind);
        const add = (who: 'a' | 'b', tokens: number, share: number) =>
          line.add(who, { who, tokens }, { tokens, weight: share, kind: 0, since_ms: 0 });
        for (const tokens of a) add('a', tokens, weight_a);
        for (const tokens of b) add('b', tokens, weight_b);
        const served = { a: 0, b: 0 };
        const left = { a: a.length, b: b.length };
        while (left.a > 0 && left.b > 0) {
          const [first] = line.inTurn();
          if (first === undefined) throw new Error('the line is empty');
          const { who, tokens } = first;
          line.serve(who, first);
          served[who] += tokens;
          left[who]--;
          // Goyal, Vin, Cheng 1996, theorem 1.
          expect(Math.abs(served.a / weight_a - served.b / weight_b)).toBeLessThanOrEqual(
            Math.max(...a) / weight_a + Math.max(...b) / weight_b,
          );
        }
      }),
    );
  });

  it('knows the tokens that wait, and those before a caller', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('ann', 'bob', 'cat'), fc.integer({ min: 1, max: 500 }))),
        (entries) => {
          const line = new FairLine<number>((kind) => kind);
          const plain = { weight: 1, kind: 0, since_ms: 0 };
          for (const [at, [who, tokens]] of entries.entries()) line.add(who, at, { tokens, ...plain });
          const sizes = entries.map(([, tokens]) => tokens);
          expect(line.tokens).toBe(sizes.reduce((sum, one) => sum + one, 0));
          const before = line.ahead('ann', 0);
          line.add('ann', -1, { tokens: 1, ...plain });
          const whoOf = (at: number) => entries[at]?.[0] ?? 'ann';
          let sum = 0;
          for (let [at] = line.inTurn(); at !== undefined && at !== -1; [at] = line.inTurn()) {
            sum += sizes[at] ?? 0;
            line.serve(whoOf(at), at);
          }
          expect(before).toBe(sum);
          for (const at of [...line.inTurn()]) line.remove(whoOf(at), at);
          expect(line.tokens).toBe(0);
        },
      ),
    );
  });
});

describe('the pace', () => {
  const seen = fc.record({
    tokens: fc.integer({ min: 1, max: 10_000 }),
    ms: fc.integer({ min: 1, max: 60_000 }),
    waiting: fc.integer({ min: 0, max: 100_000 }),
    places: fc.integer({ min: 1, max: 64 }),
  });

  it('predicts the drain of a server that never changes, at any scale of the estimate', () => {
    fc.assert(
      fc.property(seen, fc.double({ min: 0.1, max: 10, noNaN: true }), (one, scale) => {
        const pace = new Pace();
        for (let n = 0; n < 50; n++) pace.learn(one.tokens * scale, one.ms);
        const at = { running: one.places, places: one.places };
        const exact = (one.ms / 2 + (one.waiting / one.tokens) * one.ms) / one.places;
        expect(pace.waitMs(one.waiting * scale, at)).toBeCloseTo(exact, 3);
      }),
    );
  });

  it('says nothing before it has seen enough, and no wait where a place is free', () => {
    const pace = new Pace();
    for (let n = 0; n < 7; n++) pace.learn(100, 100);
    expect(pace.waitMs(1000, { running: 1, places: 1 })).toBeUndefined();
    pace.learn(100, 100);
    expect(pace.waitMs(0, { running: 0, places: 1 })).toBe(0);
    expect(pace.waitMs(1000, { running: 1, places: 1 })).toBeCloseTo(1050);
  });
});

describe('what a request will take', () => {
  const request = (chars: number, more: Partial<ChatCompletionRequest> = {}): ChatCompletionRequest => ({
    model: 'm',
    messages: [{ role: 'user', content: 'x'.repeat(chars) }],
    ...more,
  });

  it('comes near what requests of one kind took, whatever the tokenizer', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 20_000 }),
        fc.double({ min: 1, max: 8, noNaN: true }),
        fc.integer({ min: 1, max: 4000 }),
        (chars, chars_per_token, output_tokens) => {
          const expected = new ExpectedTokens();
          const input_tokens = Math.round(chars / chars_per_token);
          for (let n = 0; n < 80; n++) expected.learn(request(chars), { input_tokens, output_tokens });
          const exact = input_tokens + output_tokens;
          expect(Math.abs(expected.of(request(chars)).tokens - exact)).toBeLessThan(0.02 * exact + 2);
        },
      ),
    );
  });

  it.each([
    ['no more than max_tokens allows', { max_tokens: 5 }, 100 + 5],
    ['no more than max_completion_tokens allows', { max_completion_tokens: 7, max_tokens: 50 }, 100 + 7],
    ['the output of every choice', { max_tokens: 10, n: 3 }, 100 + 30],
  ])('counts %s', (_, more, tokens) => {
    expect(new ExpectedTokens().of(request(400, more)).tokens).toBe(tokens);
  });

  it('counts pictures and texts in parts, and never less than one', () => {
    const picture = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AA==' } };
    const text = { type: 'text' as const, text: 'abcd' };
    const of = (content: ChatCompletionRequest['messages'][number]['content']) =>
      new ExpectedTokens().of({
        model: 'm',
        messages: [{ role: 'user', content: content as string }],
        max_tokens: 1,
      }).tokens;
    expect(of([text, picture] as never)).toBeGreaterThan(500);
    expect(of('')).toBe(1);
    expect(new ExpectedTokens().ofTexts('').tokens).toBe(1);
    expect(new ExpectedTokens().ofTexts(['abcd', 'abcd']).tokens).toBe(2);
  });
});

describe('what tokens cost', () => {
  const asked = async (info: Partial<ModelInfo>, usage: Usage) => {
    const { api, seen } = gatewayOf([
      backendOf('b', [infoOf('m', info)], [{ events: answerOf('hi', usage) }]),
    ]);
    await outcomeOf(api.generate(requestFor('m'), callOf()));
    return (name: string) => seen.counts.get(`${name} m`);
  };
  const usage = { input_tokens: 1000, output_tokens: 100, cached_input_tokens: 600 };

  it.each<[string, Partial<ModelInfo>, number]>([
    ['at the price of cached input', { cost_cached_input_per_mtok_usd: 0.1 }, 400 * 1 + 600 * 0.1 + 100 * 2],
    ['as other input, where that price is unknown', {}, 1000 * 1 + 100 * 2],
    ['nothing, where cached input is free', { cost_cached_input_per_mtok_usd: 0 }, 400 * 1 + 100 * 2],
  ])('is cached input %s', async (_, info, millionths) => {
    const count = await asked(info, usage);
    expect(count('model_cost_usd_total')).toBeCloseTo(millionths / 1_000_000, 12);
    expect(count('model_cost_unknown_total')).toBeUndefined();
  });

  it('is an alarm where a price is unknown, and energy only where that is known', async () => {
    const unknown = await asked({ cost_input_per_mtok_usd: null }, usage);
    expect(unknown('model_cost_unknown_total')).toBe(1);
    expect(unknown('model_cost_usd_total')).toBeUndefined();
    expect(unknown('model_energy_joules_total')).toBeUndefined();
    const known = await asked({ energy: { j_per_token: 0.5, source: 'declared' } }, usage);
    expect(known('model_energy_joules_total')).toBe(550);
  });
});

describe('a queue that is known', () => {
  const routes = () => [
    new Route({ backend: {} as ModelBackend, tier: 0, info: infoOf('m', { max_concurrency: 1 }) }),
  ];
  const { signal } = new AbortController();

  it('refuses what would only begin after its caller has left, and tells when to come again', async () => {
    let clock_ms = 0;
    const now = () => clock_ms;
    const queue = new ModelQueue({ model: 'm', max_waiting: 100, now }, () => undefined);
    const where = routes();
    const expected = { tokens: 100, kind: 0 };
    const enter = (who: string, time_left_ms: number) =>
      queue.enter({ who, class: 'interactive', expected, time_left_ms, signal, routes: where });
    // Eight inferences of a second each: now it knows its pace.
    for (let n = 0; n < 8; n++) {
      const visit: Visit = await enter('ann', 60_000);
      clock_ms += 1000;
      visit.leave();
    }
    const first = await enter('ann', 60_000);
    const waiting = [enter('ann', 60_000), enter('ann', 60_000)];
    // Half of the one at work, then two of ann's: 2.5 s.
    const refused = await enter('ann', 2000).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(PlatformError);
    expect(refused).toMatchObject({ code: 'overloaded', retry_after_ms: 500 });
    const late = enter('ann', 3000);
    first.leave();
    for (const one of [...waiting, late]) (await one).leave();
    await turn();
    expect(queue.status()).toMatchObject({ running: 0, waiting_interactive: 0 });
  });

  it('gives a caller of weight 3 three of four places while both wait', async () => {
    const queue = new ModelQueue({ model: 'm', max_waiting: 100, weights: { gold: 3 } }, () => undefined);
    const where = routes();
    const served: string[] = [];
    const visits: Visit[] = [];
    const enter = (who: string) =>
      queue
        .enter({ who, class: 'interactive', expected: { tokens: 10, kind: 0 }, signal, routes: where })
        .then((visit) => {
          served.push(who);
          visits.push(visit);
        });
    const all = [enter('plain')];
    for (let n = 0; n < 12; n++) all.push(enter('plain'), enter('gold'));
    for (let n = 0; n < 12; n++) {
      await turn();
      visits.shift()?.leave();
    }
    await turn();
    expect(served.slice(1, 13).filter((who) => who === 'gold')).toHaveLength(9);
    while (visits.length > 0) {
      visits.shift()?.leave();
      await turn();
    }
    await Promise.all(all);
  });
});
