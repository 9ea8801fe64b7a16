import type { ChatCompletionRequest, ModelBackend, ModelEvent } from '@mcp/contracts';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { scriptedTokens } from '../src/scripted/index.ts';
import { eventsOf, plain, refusalOf, signal, textOf } from './support.ts';
import { backendEnv, make } from './under-test.ts';
import { callOptions } from './upstreams.ts';

const TOOL = { type: 'function' as const, function: { name: 'add' } };
let open: ModelBackend[] = [];
afterEach(async () => {
  for (const backend of open.splice(0)) await backend.close();
  open = [];
});

async function script(...models: object[]): Promise<ModelBackend> {
  const backend = await make('scripted', { MCP_SCRIPTED_MODELS: JSON.stringify(models) });
  open.push(backend);
  return backend;
}

const ask = (
  backend: ModelBackend,
  content: string,
  more: Partial<ChatCompletionRequest> = {},
): AsyncIterable<ModelEvent> =>
  backend.generate({ model: 'm', messages: [{ role: 'user', content }], ...more }, callOptions(signal()));
const said = async (backend: ModelBackend, content: string, more: Partial<ChatCompletionRequest> = {}) =>
  textOf(await eventsOf(ask(backend, content, more)));

describe('the tokens of a text', () => {
  it('are the text, in pieces of a word or a mark, each with the white space before it', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('a', 'ß', '7', '_', '.', ' ', '\n', '語', '😀', '\u0301', '\ud800'),
        }),
        (text) => {
          const tokens = scriptedTokens(text);
          expect(tokens.join('')).toBe(text);
          for (const [at, token] of tokens.entries())
            if (at < tokens.length - 1) expect(token.trim()).not.toBe('');
        },
      ),
    );
  });

  it.each([
    ['', []],
    ['Hello, world!', ['Hello', ',', ' world', '!']],
    ['a_b 12\n', ['a_b', ' 12', '\n']],
    ['  ', ['  ']],
  ])('of %j are %j', (text, tokens) => {
    expect(scriptedTokens(text)).toEqual(tokens);
  });
});

describe('a scripted answer', () => {
  it('is the one of the first rule that matches the last user message, else an echo', async () => {
    const backend = await script({
      id: 'm',
      rules: [
        { match: 'cat', reply: 'A cat.' },
        { match: 'ca', reply: 'Perhaps a cat.' },
      ],
    });
    expect(await said(backend, 'a cat')).toBe('A cat.');
    expect(await said(backend, 'a car')).toBe('Perhaps a cat.');
    expect(await said(backend, 'a dog')).toBe('You said: a dog');
    const messages: ChatCompletionRequest['messages'] = [
      { role: 'system', content: 'cat' },
      { role: 'user', content: 'cat' },
      { role: 'assistant', content: 'cat' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a ' },
          { type: 'text', text: 'cow' },
        ],
      },
      { role: 'assistant', content: 'cat' },
    ];
    expect(await said(backend, '', { messages })).toBe('You said: a cow');
    expect(await said(backend, '', { messages: messages.slice(0, 1) })).toBe('You said: ');
  });

  it('says the question as it is, whatever stands in it', async () => {
    const backend = await script({ id: 'm', rules: [{ reply: '<{last}|{last}>' }] });
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom('$', '&', '`', "'", '1', '{last}', '\\', 'a', ' ') }),
        async (question) => {
          expect(await said(backend, question)).toBe(`<${question}|${question}>`);
        },
      ),
      { numRuns: 50 },
    );
  });

  const limits = fc.record({
    reply: fc.stringMatching(/^[ab .]{0,30}$/),
    max_tokens: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
    stop: fc.option(fc.array(fc.stringMatching(/^[ab ]{0,2}$/), { maxLength: 2 }), { nil: undefined }),
    n: fc.integer({ min: 1, max: 3 }),
  });
  it('ends before a stop string or at the limit, whichever comes first, the same for each choice', async () => {
    await fc.assert(
      fc.asyncProperty(limits, async ({ reply, max_tokens, stop = [], n }) => {
        const backend = await script({ id: 'm', rules: [{ reply }] });
        const events = await eventsOf(
          ask(backend, 'x', { n, stop, ...(max_tokens === undefined ? {} : { max_tokens }) }),
        );
        const places = stop
          .filter((one) => one !== '')
          .map((one) => reply.indexOf(one))
          .filter((at) => at >= 0);
        const whole = scriptedTokens(reply.slice(0, Math.min(reply.length, ...places)));
        const tokens = whole.slice(0, max_tokens ?? whole.length);
        for (let choice = 0; choice < n; choice++) {
          expect(textOf(events, choice)).toBe(tokens.join(''));
          const finish = events.find((event) => event.type === 'finish' && event.choice === choice);
          const cut = tokens.length < whole.length;
          const raw = places.length > 0 ? 'stop_sequence' : 'end';
          expect(finish).toMatchObject({
            reason: cut ? { unified: 'length', raw: 'max_tokens' } : { unified: 'stop', raw },
          });
        }
        expect(events.at(-1)).toEqual({
          type: 'usage',
          usage: { input_tokens: 4, output_tokens: n * tokens.length },
        });
      }),
    );
  });

  it('has its reasoning before its words, and a call only for who brings tools', async () => {
    const call = { name: 'add', arguments: '{"a": 1}' };
    const backend = await script({ id: 'm', rules: [{ reasoning: 'Hm.', reply: 'Ok', tool_call: call }] });
    const head = [
      { type: 'start', model: 'm' },
      { type: 'reasoning', choice: 0, text: 'Hm.' },
    ];
    expect(plain(await eventsOf(ask(backend, 'add')))).toEqual([
      ...head,
      { type: 'text', choice: 0, text: 'Ok' },
      { type: 'finish', choice: 0, reason: { unified: 'stop', raw: 'end' } },
      { type: 'usage', usage: { input_tokens: 4, output_tokens: 1 } },
    ]);
    expect(plain(await eventsOf(ask(backend, 'add', { tools: [TOOL] })))).toEqual([
      ...head,
      { type: 'tool_call', choice: 0, index: 0, id: 'an id', name: 'add', arguments_delta: '' },
      { type: 'tool_call', choice: 0, index: 0, arguments_delta: '{"a": 1}' },
      { type: 'finish', choice: 0, reason: { unified: 'tool_calls', raw: 'tool_calls' } },
      { type: 'usage', usage: { input_tokens: 4, output_tokens: 7 } },
    ]);
  });

  it('is as long as its context lets it be, and refused where nothing is left', async () => {
    const backend = await script({ id: 'm', max_context: 8, rules: [{ reply: 'a b c d e f' }] });
    expect(await said(backend, 'one two')).toBe('a b c');
    expect(await refusalOf(eventsOf(ask(backend, 'one two three four five')))).toMatchObject({
      code: 'context_length_exceeded',
      param: 'messages',
      message: 'The messages have 8 tokens; m reads at most 8. Shorten them.',
    });
  });

  it.each([
    ['at once, before any event', {}, 0],
    ['after some tokens', { fail_after_tokens: 2 }, 2],
  ])('fails %s', async (_, more, words) => {
    const backend = await script({ id: 'm', rules: [{ error: 'overloaded', reply: 'a b c d', ...more }] });
    const seen: ModelEvent[] = [];
    const work = (async () => {
      for await (const event of ask(backend, 'x')) seen.push(event);
    })();
    expect(await refusalOf(work)).toMatchObject({ code: 'overloaded', retry_after_ms: 50 });
    expect(seen.filter(({ type }) => type === 'text')).toHaveLength(words);
    expect(seen.some(({ type }) => type === 'start')).toBe(words > 0);
  });

  it('applies a rule as often as the script says, and then the next', async () => {
    const rules = [{ match: 'x', times: 2, reply: 'first' }, { reply: 'later' }];
    const backend = await script({ id: 'm', rules });
    const heard: string[] = [];
    for (const question of ['x', 'y', 'x', 'x']) heard.push(await said(backend, question));
    expect(heard).toEqual(['first', 'later', 'first', 'later']);
  });

  it('fails as often as the script says, and answers then', async () => {
    const backend = await script({ id: 'm', rules: [{ error: 'unavailable', fail_times: 2, reply: 'ok' }] });
    const outcome = () => said(backend, 'x').catch((error: { code: string }) => error.code);
    expect([await outcome(), await outcome(), await outcome(), await outcome()]).toEqual([
      'unavailable',
      'unavailable',
      'ok',
      'ok',
    ]);
  });

  it.each([
    ['log-probabilities', { logprobs: true }, 'unsupported_parameter', 'logprobs'],
    ['another model', { model: 'other' }, 'model_not_found', 'model'],
    ['an embedding model', { model: 'e' }, 'model_not_found', 'model'],
  ])('refuses %s', async (_, more, code, param) => {
    const backend = await script({ id: 'm' }, { id: 'e', kind: 'embedding' });
    expect(await refusalOf(eventsOf(ask(backend, 'x', more)))).toMatchObject({ code, param });
  });
});

describe('scripted vectors', () => {
  const embed = async (input: string | string[], dimensions?: number) => {
    const backend = await script({ id: 'e', kind: 'embedding' }, { id: 'm' });
    return backend.embed(
      { model: 'e', input, ...(dimensions === undefined ? {} : { dimensions }) },
      callOptions(signal()),
    );
  };

  it('are unit vectors, one for each text, in order, the same for the same words in any case', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 5 }),
        async (texts) => {
          const { vectors, input_tokens } = await embed(texts);
          expect(vectors).toHaveLength(texts.length);
          for (const vector of vectors) expect(Math.hypot(...vector)).toBeCloseTo(1, 9);
          expect(vectors[0]).toEqual((await embed(texts[0] ?? '')).vectors[0]);
          expect(input_tokens).toBe(texts.flatMap(scriptedTokens).length);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('are nearer to each other the more words texts share', async () => {
    const { vectors } = await embed(['The quick brown fox', 'the QUICK brown cat', 'interest rates rise']);
    const [first = [], near = [], far = []] = vectors;
    const dot = (a: number[], b: number[]) => a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
    expect(dot(first, near)).toBeGreaterThan(dot(first, far));
  });

  it('have one size', async () => {
    expect((await embed('x', 64)).vectors[0]).toHaveLength(64);
    expect(await refusalOf(embed('x', 65))).toMatchObject({
      code: 'unsupported_parameter',
      param: 'dimensions',
    });
  });
});

it('counts as it answers', async () => {
  const backend = await script({ id: 'm' });
  const messages: ChatCompletionRequest['messages'] = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hello, world!' },
  ];
  const counted = await backend.countTokens({ model: 'm', messages }, callOptions(signal()));
  expect(counted).toEqual({ tokens: 3 + 3 + 3 + 4, exact: true, max_context: 8192 });
  const events = await eventsOf(ask(backend, '', { messages }));
  expect(events.at(-1)).toMatchObject({ usage: { input_tokens: counted.tokens } });
});

it('comes with models of its own', async () => {
  const backend = await make('scripted', {});
  open.push(backend);
  const models = await backend.models(signal());
  expect(models.map(({ id, kind }) => `${id} ${kind}`)).toEqual([
    'scripted/alpha chat',
    'scripted/beta chat',
    'scripted/echo chat',
    'scripted/slow chat',
    'scripted/embed embedding',
  ]);
});

it.each([
  ['no JSON', '{'],
  ['no model', '[]'],
  ['a field that is not known', '[{"id": "m", "reply": "x"}]'],
  ['an error that is not known', '[{"id": "m", "rules": [{"error": "oops"}]}]'],
  ['a delay beyond a minute', '[{"id": "m", "rules": [{"token_delay_ms": 60001}]}]'],
])('refuses a script with %s', (_, text) => {
  expect(backendEnv.safeParse({ MCP_SCRIPTED_MODELS: text }).success).toBe(false);
});
