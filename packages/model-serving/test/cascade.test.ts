/** Cascades: the cheapest model's answer is kept where it is adequate, and nobody sees it where it is not. */
import type { Cascade, ModelEvent } from '@mcp/contracts';
import { PlatformError } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adequacy, answerFeatures, questionFeatures } from '../src/aliases/adequacy.ts';
import { backendOf, callOf, type Deed, gatewayOf, infoOf, outcomeOf, requestFor } from './support.ts';

/** Sure enough is what has a mean surprisal under 1. */
const AFTER = { bias: 5, weights: { surprisal: -25 }, at_least: 0.5 } as const;

function said(text: string, logprob?: number): ModelEvent[] {
  const tokens = text.split(/(?<= )/);
  return [
    { type: 'start', id: 'r', model: 'inner', backend: 'fake', created_s: 1 },
    ...tokens.map((token): ModelEvent => {
      const logprobs =
        logprob === undefined ? undefined : [{ token, logprob, bytes: null, top_logprobs: [] }];
      return { type: 'text', choice: 0, text: token, ...(logprobs === undefined ? {} : { logprobs }) };
    }),
    { type: 'finish', choice: 0, reason: { unified: 'stop', raw: null } },
    { type: 'usage', usage: { input_tokens: 3, output_tokens: tokens.length } },
  ];
}

const down = () => new PlatformError('upstream_failed', 'down');

function cascading(
  cheap: Deed,
  dear: Deed = { events: said('the dear answer') },
  terms: Partial<Cascade> = {},
) {
  const [small, large] = [
    backendOf('s', [infoOf('small')], [cheap]),
    backendOf('l', [infoOf('large')], [dear]),
  ];
  const alias = {
    candidates: [{ model: 'small' }, { model: 'large' }],
    strategy: 'order' as const,
    cascade: { after: AFTER, ...terms },
  };
  return { small, large, ...gatewayOf([small, large], {}, { adaptive: alias }) };
}

const ask = ({ api }: ReturnType<typeof gatewayOf>, change: object = {}, call = callOf()) =>
  outcomeOf(api.generate({ ...requestFor('adaptive'), ...change }, call));

describe('the answer of the cheapest model', () => {
  it.each<[string, Deed, object, string, string, string[]]>([
    ['is kept where it is sure', { events: said('I am sure', -0.1) }, {}, 'kept', 'I am sure', []],
    ['is left where it is not', { events: said('I guess', -3) }, {}, 'left', 'the dear answer', ['large']],
    [
      'is left where nothing says how sure it is',
      { events: said('Who knows') },
      {},
      'left',
      'the dear answer',
      ['large'],
    ],
    ['is not waited for where it fails', { fails: down() }, {}, 'failed', 'the dear answer', ['large']],
    [
      'is not asked for with tools',
      { events: said('I am sure', -0.1) },
      { tools: [{ type: 'function', function: { name: 'f' } }] },
      'skipped',
      'the dear answer',
      ['large'],
    ],
    [
      'is not asked for several times',
      { events: said('I am sure', -0.1) },
      { n: 2 },
      'skipped',
      'the dear answer',
      ['large'],
    ],
  ])('%s', async (_, cheap, change, status, text, asked) => {
    for (const stream of [true, false]) {
      const gateway = cascading(cheap);
      const outcome = await ask(gateway, { ...change, stream });
      expect(outcome.text).toBe(text);
      expect(outcome.events.some((event) => 'logprobs' in event)).toBe(false);
      expect(outcome.events.filter(({ type }) => type === 'start')).toHaveLength(1);
      expect(gateway.large.asked).toEqual(asked);
      expect(gateway.seen.counts.get(`model_cascades_total adaptive ${status}`)).toBe(1);
    }
  });

  it('is not asked for where the request calls for care, or the question alone is too hard', async () => {
    const careful = cascading({ events: said('I am sure', -0.1) });
    expect((await ask(careful, {}, callOf({ careful: true }))).text).toBe('the dear answer');
    const hard = cascading({ events: said('I am sure', -0.1) }, undefined, {
      before: { bias: 0, weights: {}, at_least: 0.6 },
    });
    expect((await ask(hard)).text).toBe('the dear answer');
    expect([...careful.small.asked, ...hard.small.asked]).toEqual([]);
  });

  it('is given out as it comes from where it was held back to, with its probabilities if they were asked for', async () => {
    const words = said('one two three four', -0.1);
    const gateway = cascading({ events: words }, undefined, { hold_tokens: 2 });
    const { text, events } = await ask(gateway, { logprobs: true, stream: true });
    expect(text).toBe('one two three four');
    expect(events.filter((event) => 'logprobs' in event)).toHaveLength(4);
  });

  it('is better than none where all others fail', async () => {
    const gateway = cascading({ events: said('I guess', -3) }, { fails: down() });
    expect((await ask(gateway)).text).toBe('I guess');
  });
});

describe('adequacy', () => {
  const unit = fc.double({ min: 0, max: 1, noNaN: true });
  it('is a probability that falls with a feature of negative weight', () => {
    fc.assert(
      fc.property(unit, unit, fc.double({ min: -20, max: 0, noNaN: true }), (one, other, weight) => {
        const at = (surprisal: number) =>
          adequacy({ bias: 1, weights: { surprisal: weight } }, new Map([['surprisal', surprisal]]));
        expect(at(Math.max(one, other))).toBeLessThanOrEqual(at(Math.min(one, other)));
        expect(at(one)).toBeGreaterThanOrEqual(0);
        expect(at(one)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('knows the words of a question, and neither its names nor its numbers', () => {
    const features = questionFeatures([
      { role: 'user', content: 'Order 12 left Oslo. Where is it for Ada now?' },
    ]);
    expect([...features.keys()].filter((name) => name.startsWith('asked:'))).toEqual([
      'asked:order',
      'asked:left',
      'asked:where',
      'asked:is',
      'asked:it',
      'asked:for',
      'asked:now',
    ]);
    const hard = { bias: 0, weights: { 'asked:where': -2 } } as const;
    expect(adequacy(hard, features)).toBeLessThan(0.2);
  });

  it('is told by features in [0, 1], whatever the text and the probabilities are', () => {
    const logprobs = fc.array(
      fc.oneof(fc.double({ max: 0, noNaN: true }), fc.constant(Number.NEGATIVE_INFINITY)),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), logprobs, (content, of) => {
        const features = [...questionFeatures([{ role: 'user', content }]), ...answerFeatures(content, of)];
        for (const [, value] of features) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
      }),
    );
    expect(answerFeatures('yes', []).size).toBe(0);
  });
});
