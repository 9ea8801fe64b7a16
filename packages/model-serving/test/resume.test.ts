/** Streams that break off after their first word: who goes on, from what, and what is told and counted. */
import { type ChatCompletionRequest, type ModelEvent, PlatformError } from '@mcp/contracts';
import { RetryBudget } from '@mcp/service-kit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerOf, backendOf, callOf, gatewayOf, infoOf, outcomeOf, requestFor } from './support.ts';

const TEXT = 'It is all well, and all manner of thing shall be well.';
const asked = { ...requestFor('whole'), stream: true };
const broke = () => new PlatformError('upstream_interrupted', 'it broke off');

interface Say {
  /** Up to which character, then it breaks off. */
  readonly until?: number;
  /** How it answers a request that ends with what was said: `on`, or with all of it `anew`. */
  readonly prefill?: 'on' | 'anew';
  readonly before?: readonly ModelEvent[];
}

/** Models that say {@link TEXT} in pieces of some characters, each as it is told to. */
function speaking(says: Readonly<Record<string, Say>>, piece = 5) {
  const requests: ChatCompletionRequest[] = [];
  const models = Object.keys(says).map((id) => infoOf(id));
  const backend = backendOf('a', models, []);
  backend.generate = async function* (request) {
    requests.push(request);
    const { until, prefill = 'on', before = [] } = says[request.model] ?? {};
    const last = request.messages.at(-1);
    const said = last?.role === 'assistant' ? String(last.content) : '';
    const [start, , finish, usage] = answerOf('', { input_tokens: 10, output_tokens: 4 });
    if (start === undefined || finish === undefined || usage === undefined) throw new Error('no answer');
    yield start;
    yield* before;
    const text = TEXT.slice(prefill === 'on' ? said.length : 0, until);
    for (let at = 0; at < text.length; at += piece)
      yield { type: 'text', choice: 0, text: text.slice(at, at + piece) };
    if (until !== undefined) throw broke();
    yield finish;
    yield usage;
  };
  return { backend, requests };
}

function whole(says: Readonly<Record<string, Say>>, on_interrupt: 'resume' | 'fail' = 'resume', piece = 5) {
  const [first = '', ...rest] = Object.keys(says);
  const alias = { candidates: [{ model: first }], fallbacks: { error: rest }, on_interrupt };
  const made = speaking(says, piece);
  return { ...made, ...gatewayOf([made.backend], {}, { whole: alias }) };
}

describe('a stream that breaks off', () => {
  it('is one answer, wherever it broke off and whether the other model goes on or begins anew', async () => {
    const cut = fc.integer({ min: 1, max: TEXT.length - 1 });
    const how = fc.constantFrom('on' as const, 'anew' as const);
    await fc.assert(
      fc.asyncProperty(cut, how, fc.integer({ min: 1, max: 9 }), async (until, prefill, piece) => {
        const { api, requests } = whole({ m: { until }, n: { prefill } }, 'resume', piece);
        const { text, events, error } = await outcomeOf(api.generate(asked, callOf()));
        expect([error, text]).toEqual([undefined, TEXT]);
        expect(requests[1]?.messages.at(-1)).toEqual({
          role: 'assistant',
          content: TEXT.slice(0, until),
        });
        const types = events.map(({ type }) => type);
        for (const once of ['start', 'finish', 'usage', 'stream_resumed'])
          expect(types.filter((type) => type === once)).toHaveLength(1);
        expect(events.find(({ type }) => type === 'stream_resumed')).toEqual({
          type: 'stream_resumed',
          from: 'm',
          to: 'n',
          code: 'upstream_interrupted',
        });
        // Both are counted: what was asked for twice, and what each wrote.
        const pieces = Math.ceil(until / piece);
        expect(events.at(-1)).toEqual({
          type: 'usage',
          usage: { input_tokens: 10 + 1, output_tokens: 4 + pieces },
        });
      }),
      { numRuns: 60 },
    );
  });

  it('goes on with a third where the second breaks off, too, within the retries of the request', async () => {
    const says = { m: { until: 10 }, n: { until: 30 }, o: {} };
    const budget = new RetryBudget(2);
    const { api, seen } = whole(says);
    expect((await outcomeOf(api.generate(asked, callOf({ retries: budget })))).text).toBe(TEXT);
    expect(budget.left).toBe(0);
    expect(seen.counts.get('model_streams_resumed_total whole')).toBe(2);
    const poor = await outcomeOf(whole(says).api.generate(asked, callOf({ retries: new RetryBudget(1) })));
    expect([poor.text, poor.error?.code]).toEqual([TEXT.slice(0, 30), 'upstream_interrupted']);
  });

  it('asks another server of the same model first', async () => {
    const one = speaking({ m: { until: 10 } });
    const two = speaking({ m: {} });
    const first = Object.assign(one.backend, { name: 'first' });
    const { api } = gatewayOf([first, Object.assign(two.backend, { name: 'second' })]);
    const call = callOf({ on_interrupt: 'resume' });
    expect((await outcomeOf(api.generate({ ...asked, model: 'm' }, call))).text).toBe(TEXT);
    expect([one.requests.length, two.requests.length]).toEqual([1, 1]);
  });

  it.each([
    ['its caller wants that', {}, { on_interrupt: 'fail' as const }, []],
    ['it has several choices', { n: 2 }, {}, []],
    ['it is held to a schema', { response_format: { type: 'json_object' as const } }, {}, []],
    [
      'a call was begun',
      {},
      {},
      [{ type: 'tool_call' as const, choice: 0, index: 0, id: 'c', name: 'f', arguments_delta: '{"a' }],
    ],
  ])('ends with its error where %s', async (_, more, change, before) => {
    const { api, requests } = whole({ m: { until: 10, before }, n: {} });
    const { text, error } = await outcomeOf(api.generate({ ...asked, ...more }, callOf(change)));
    expect([text, error?.code, requests.length]).toEqual([TEXT.slice(0, 10), 'upstream_interrupted', 1]);
  });

  it('is left to end where nobody can go on, with the error that it broke off with', async () => {
    const { api } = whole({ m: { until: 10 } });
    const call = callOf({ retries: new RetryBudget(0) });
    expect((await outcomeOf(api.generate(asked, call))).error?.message).toBe('it broke off');
  });

  it('asks for no more than what is left of its limit', async () => {
    const { api, requests } = whole({ m: { until: 20 }, n: {} });
    await outcomeOf(api.generate({ ...asked, max_tokens: 6 }, callOf()));
    expect(requests.map(({ max_tokens }) => max_tokens)).toEqual([6, 2]);
  });

  it('leaves no place taken, whenever its caller leaves', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(14), fc.boolean(), async (leaves_after, by_signal) => {
        const { api } = whole({ m: { until: 20 }, n: {} });
        const left = new AbortController();
        let seen = 0;
        try {
          for await (const _ of api.generate(asked, callOf({ signal: left.signal })))
            if (seen++ === leaves_after) {
              if (by_signal) left.abort();
              break;
            }
        } catch (error) {
          expect(error).toBeInstanceOf(PlatformError);
        }
        expect((await api.queues(callOf())).map(({ running }) => running)).toEqual([0, 0]);
      }),
      { numRuns: 40 },
    );
  });
});
