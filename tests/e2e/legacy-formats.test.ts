/** What OpenAI's wire was before chats and tools, and what its clients send beside, by the official client. */
import { encode } from 'gpt-tokenizer/encoding/cl100k_base';
import OpenAI from 'openai';
import { afterAll, describe, expect, it } from 'vitest';
import { startPlatform } from './support.ts';

const platform = await startPlatform();
const openai = platform.openai();
afterAll(() => platform.stop());

const model = 'scripted/alpha';

describe('a completion of a prompt', () => {
  it('is a text, with usage', async () => {
    const answer = await openai.completions.create({ model, prompt: 'hello' });
    expect(answer).toMatchObject({
      id: expect.stringMatching(/^cmpl-/),
      object: 'text_completion',
      model,
      choices: [{ index: 0, text: 'Alpha says: hello', finish_reason: 'stop', logprobs: null }],
      usage: { completion_tokens: 4 },
    });
  });

  it('is one for each of several prompts, n times, after what was echoed', async () => {
    const asked = { model, prompt: ['one', 'two'], n: 2, echo: true };
    const expected = ['one', 'one', 'two', 'two'].map((prompt) => `${prompt}Alpha says: ${prompt}`);
    const { choices, usage } = await openai.completions.create(asked);
    expect(choices.map(({ text }) => text)).toEqual(expected);
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    const texts = ['', '', '', ''];
    const finished: unknown[] = [];
    let streamed: unknown;
    const stream = await openai.completions.create({
      ...asked,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) {
      for (const { index, text, finish_reason } of chunk.choices) {
        texts[index] += text;
        if (finish_reason !== null) finished.push(finish_reason);
      }
      streamed = chunk.usage ?? streamed;
    }
    expect(texts).toEqual(expected);
    expect(finished).toEqual(Array(4).fill('stop'));
    expect(streamed).toEqual(usage);
  });

  it('takes prompts as tokens, stops, limits, and an alias of a conversation', async () => {
    const tokens = await openai.completions.create({ model, prompt: [encode('hello'), encode(' there')] });
    expect(tokens.choices.map(({ text }) => text)).toEqual(['Alpha says: hello', 'Alpha says:  there']);
    const flat = await openai.completions.create({ model, prompt: encode('hello'), stop: 'hello' });
    expect(flat.choices[0]).toMatchObject({ text: 'Alpha says: ', finish_reason: 'stop' });
    const short = await openai.completions.create({ model, prompt: 'hello', max_tokens: 2 });
    expect(short.choices[0]).toMatchObject({ text: 'Alpha says', finish_reason: 'length' });
    const dual = await openai.completions.create({
      model: 'mcp/dual',
      prompt: 'Is water wet?',
      max_tokens: 200,
    });
    expect(dual.choices[0]?.text).toMatch(/Alpha says|Beta doubts/);
  });

  it('is refused in the shape of the wire', async () => {
    await expect(openai.completions.create({ model, prompt: 'a', suffix: 'z' })).rejects.toMatchObject({
      status: 400,
      param: 'suffix',
    });
    await expect(
      openai.completions.create({ model: 'no/such', prompt: 'a', stream: true }),
    ).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });
});

describe('functions from before there were tools', () => {
  const functions = [
    {
      name: 'get_weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } } },
    },
  ];
  const messages = [{ role: 'user' as const, content: 'weather in Paris' }];

  it('are called, and their results are taken', async () => {
    const answer = await openai.chat.completions.create({
      model,
      messages,
      functions,
      function_call: 'auto',
    });
    const [choice] = answer.choices;
    expect(choice?.finish_reason).toBe('function_call');
    expect(choice?.message).toMatchObject({
      content: null,
      function_call: { name: 'get_weather', arguments: '{"city":"Paris"}' },
    });
    expect(choice?.message.tool_calls).toBeUndefined();
    const next = await openai.chat.completions.create({
      model,
      functions,
      messages: [
        ...messages,
        choice?.message as OpenAI.ChatCompletionMessage,
        { role: 'function', name: 'get_weather', content: '21 degrees' },
        { role: 'user', content: 'thanks' },
      ],
    });
    expect(next.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { content: 'Alpha says: thanks' },
    });
  });

  it('are called in a stream', async () => {
    const stream = await openai.chat.completions.create({ model, messages, functions, stream: true });
    const call = { name: '', arguments: '' };
    let finish: unknown;
    for await (const { choices } of stream) {
      const part = choices[0]?.delta.function_call;
      call.name += part?.name ?? '';
      call.arguments += part?.arguments ?? '';
      expect(choices[0]?.delta.tool_calls).toBeUndefined();
      finish = choices[0]?.finish_reason ?? finish;
    }
    expect(call).toEqual({ name: 'get_weather', arguments: '{"city":"Paris"}' });
    expect(finish).toBe('function_call');
  });
});

it('texts are embedded as tokens as they are as texts', async () => {
  const texts = ['the cat sat', 'Überlingen'];
  const byText = await openai.embeddings.create({ model: 'scripted/embed', input: texts });
  const byTokens = await openai.embeddings.create({
    model: 'scripted/embed',
    input: texts.map((text) => encode(text)),
  });
  expect(byTokens.data).toEqual(byText.data);
  const one = await openai.embeddings.create({ model: 'scripted/embed', input: encode('the cat sat') });
  expect(one.data).toEqual([byText.data[0]]);
});

describe('the header x-mcp-ignored-fields', () => {
  const ask = async (path: string, body: object) => {
    const response = await platform.fetch(path, { method: 'POST', body: JSON.stringify(body) });
    expect([response.status, await response.text()]).toEqual([200, expect.any(String)]);
    return response.headers.get('x-mcp-ignored-fields');
  };
  const messages = [{ role: 'user', content: 'hi' }];

  it.each([false, true])(
    'names what neither schema nor backend makes use of (stream: %s)',
    async (stream) => {
      const asked = {
        model,
        stream,
        messages: [{ ...messages[0], cache_control: { type: 'ephemeral' } }],
        prediction: { type: 'content', content: 'hi' },
        prompt_cache_retention: '24h',
        prompt_cache_key: 'k',
        safety_identifier: 's',
        verbosity: 'low',
        max_tokens: 9,
        user: null,
      };
      expect((await ask('/v1/chat/completions', asked))?.split(', ').sort()).toEqual([
        'messages.cache_control',
        'prediction',
        'prompt_cache_key',
        'prompt_cache_retention',
        'safety_identifier',
        'verbosity',
      ]);
    },
  );

  it('is not there where nothing was ignored', async () => {
    expect(await ask('/v1/chat/completions', { model, messages, max_tokens: 9 })).toBeNull();
  });

  it('speaks of a conversation, a prompt and a message of Anthropic, too', async () => {
    expect(await ask('/v1/chat/completions', { model: 'mcp/dual', messages, user: 'u' })).toBe('user');
    expect(await ask('/v1/completions', { model, prompt: ['a', 'b'], best_of: 2, top_p: 0.5 })).toBe(
      'best_of, top_p',
    );
    const asked = {
      model,
      max_tokens: 9,
      messages,
      metadata: { user_id: 'u' },
      service_tier: 'auto',
      top_k: 3,
    };
    expect((await ask('/v1/messages', asked))?.split(', ').sort()).toEqual([
      'metadata.user_id',
      'service_tier',
      'top_k',
    ]);
  });

  it('goes no further: no chunk of a stream names it', async () => {
    const response = await platform.fetch('/v1/chat/completions', {
      method: 'POST',
      body: JSON.stringify({ model, messages, user: 'u', stream: true }),
    });
    expect(await response.text()).not.toContain('mcp_ignored');
  });
});

it('what clients of Anthropic say in the query is taken', async () => {
  const asked = { model, max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };
  const answer = await platform.fetch('/v1/messages?beta=true', {
    method: 'POST',
    body: JSON.stringify(asked),
  });
  expect([answer.status, await answer.json()]).toMatchObject([200, { type: 'message' }]);
});

/** What is too long for the model, whose context is 8,192 tokens, in each format. */
const LONG = 'word '.repeat(12_000);
const said = [
  { role: 'user', content: LONG },
  { role: 'assistant', content: 'Yes.' },
  { role: 'user', content: 'the end' },
];
const TOO_LONG = {
  '/v1/chat/completions': { model, messages: said },
  '/v1/completions': { model, prompt: `${LONG}the end`, max_tokens: 40 },
  '/v1/messages': { model, max_tokens: 40, messages: said },
  '/v1/responses': { model, input: said },
};

describe.each(Object.entries(TOO_LONG))('a context that is too long on %s', (path, body) => {
  const ask = (more: object, headers: Record<string, string> = {}) =>
    platform.fetch(path, { method: 'POST', body: JSON.stringify({ ...body, ...more }), headers });

  it.each([{}, { stream: true }])('is made to fit where the header asks for it: %o', async (more) => {
    const answer = await ask(more, { 'x-mcp-context': 'fit' });
    const text = await answer.text();
    expect(answer.status, text).toBe(200);
    expect(text).toMatch(path === '/v1/completions' ? /word/ : /end/);
    const told =
      /^(truncated|clustered|summarized); input_tokens=(\d+); max_context_tokens=8192; dropped_messages=\d$/.exec(
        answer.headers.get('x-mcp-context') ?? '',
      );
    expect(Number(told?.[2])).toBeGreaterThan(2);
    expect(Number(told?.[2])).toBeLessThan(8192);
  });

  it('is refused without it, with the way out; a header that means nothing is, too', async () => {
    for (const headers of [{}, { 'x-mcp-context': 'whole' }]) {
      const answer = await ask({}, headers);
      expect(answer.status).toBe(400);
      expect(answer.headers.get('x-mcp-context')).toBeNull();
      expect(await answer.text()).toContain('header x-mcp-context: fit');
    }
    const answer = await ask({}, { 'x-mcp-context': 'squeeze' });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('must be fit or whole');
  });
});
