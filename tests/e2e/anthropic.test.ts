import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Platform, startPlatform } from './support.ts';

let platform: Platform;
let anthropic: Anthropic;
beforeAll(async () => {
  platform = await startPlatform();
  anthropic = new Anthropic({ baseURL: platform.url, apiKey: platform.key, maxRetries: 0 });
});
afterAll(() => platform.stop());

const ask = (content: string, model = 'scripted/alpha') => ({
  model,
  max_tokens: 100,
  messages: [{ role: 'user' as const, content }],
});
const WEATHER = {
  name: 'get_weather',
  description: 'The weather in a city.',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } },
};

describe('the official anthropic client', () => {
  it('gets a message, with usage', async () => {
    const message = await anthropic.messages.create(ask('hello'));
    expect(message).toMatchObject({
      type: 'message',
      role: 'assistant',
      model: 'scripted/alpha',
      content: [{ type: 'text', text: 'Alpha says: hello' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
    });
    expect(message.id).toMatch(/^msg_/);
    expect(message._request_id).toMatch(/./);
    expect(message.usage.output_tokens).toBeGreaterThan(0);
  });

  it('streams, and its helper puts the same message together', async () => {
    const stream = anthropic.messages.stream(ask('hello'));
    const types: string[] = [];
    stream.on('streamEvent', ({ type }) => types.push(type));
    const texts: string[] = [];
    stream.on('text', (text) => texts.push(text));
    const message = await stream.finalMessage();
    expect(texts.length).toBeGreaterThan(1);
    expect(texts.join('')).toBe('Alpha says: hello');
    expect([...new Set(types)]).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    const { content, stop_reason, usage, model } = await anthropic.messages.create(ask('hello'));
    expect(message).toMatchObject({ content, stop_reason, usage, model });
  });

  it.each([false, true])('calls a tool and goes on with its result (streamed: %s)', async (streamed) => {
    const request = { ...ask('weather in Paris'), tools: [WEATHER] };
    const called = streamed
      ? await anthropic.messages.stream(request).finalMessage()
      : await anthropic.messages.create(request);
    expect(called.stop_reason).toBe('tool_use');
    const call = called.content.find((block) => block.type === 'tool_use');
    expect(call).toMatchObject({ name: 'get_weather', input: { city: 'Paris' } });
    const answer = await anthropic.messages.create({
      ...request,
      tools: [],
      messages: [
        ...request.messages,
        { role: 'assistant', content: called.content },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: call?.id ?? '',
              content: [{ type: 'text', text: '21 degrees' }],
            },
            { type: 'text', text: 'and tomorrow?', cache_control: { type: 'ephemeral' } },
          ],
        },
      ],
    });
    expect(answer.content[0]).toMatchObject({ type: 'text', text: expect.stringContaining('tomorrow') });
  });

  it('takes system prompts, stop sequences, limits and settings of thinking', async () => {
    const stopped = await anthropic.messages.create({ ...ask('one two three'), stop_sequences: ['two'] });
    expect(stopped.content[0]).toMatchObject({ text: expect.not.stringContaining('two') });
    const short = await anthropic.messages.create({
      ...ask('one two three'),
      max_tokens: 2,
      system: [{ type: 'text', text: 'be brief', cache_control: { type: 'ephemeral' } }],
      metadata: { user_id: 'u' },
    });
    expect(short.stop_reason).toBe('max_tokens');
    const alone = await anthropic.beta.messages.create({ ...ask('hello'), thinking: { type: 'disabled' } });
    expect(alone.content).toMatchObject([{ type: 'text', text: 'Alpha says: hello' }]);
  });

  it('holds a conversation of two models, whose turns are its thinking', async () => {
    const asked = ask('When is a queue better?', 'mcp/dual');
    const quiet = await anthropic.messages.create(asked);
    expect(quiet.content.map(({ type }) => type)).toEqual(['text']);
    const open = await anthropic.messages
      .stream({ ...asked, max_tokens: 2000, thinking: { type: 'enabled', budget_tokens: 1024 } })
      .finalMessage();
    expect(open.content.map(({ type }) => type)).toEqual(['thinking', 'text']);
    expect(open.content[0]).toMatchObject({ thinking: expect.stringContaining('modelA') });
  });

  it('counts tokens', async () => {
    const { input_tokens } = await anthropic.messages.countTokens({
      model: 'scripted/alpha',
      messages: ask('one two three').messages,
    });
    expect(input_tokens).toBeGreaterThan(2);
  });

  it('lists the models that answer messages, page by page in both directions, and finds one', async () => {
    const all = (await anthropic.models.list({ limit: 1000 })).data;
    const ids = all.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['scripted/alpha', 'mcp/dual']));
    expect(ids).not.toContain('scripted/embed');
    expect(all[0]).toMatchObject({
      type: 'model',
      display_name: ids[0],
      max_input_tokens: expect.any(Number),
    });
    const paged: string[] = [];
    for await (const { id } of anthropic.beta.models.list({ limit: 2 })) paged.push(id);
    expect(paged).toEqual(ids);
    const back: string[] = [];
    for await (const { id } of anthropic.models.list({ limit: 2, before_id: ids.at(-1) ?? '' }))
      back.push(id);
    expect(back.toSorted()).toEqual(ids.slice(0, -1).toSorted());
    expect(await anthropic.models.retrieve('mcp/dual')).toEqual(all.find(({ id }) => id === 'mcp/dual'));
    await expect(anthropic.models.list({ after_id: 'none' })).rejects.toMatchObject({
      status: 400,
      error: { type: 'error', error: { type: 'invalid_request_error' } },
    });
    await expect(anthropic.models.list({ after_id: 'a', before_id: 'b' })).rejects.toMatchObject({
      status: 400,
    });
    await expect(anthropic.beta.models.retrieve('none')).rejects.toBeInstanceOf(Anthropic.NotFoundError);
  });

  it('says which settings of its output change nothing', async () => {
    const { data, response } = await anthropic.messages
      .create({
        ...ask('json please'),
        output_config: { effort: 'low', format: { type: 'json_schema', schema: { type: 'object' } } },
      })
      .withResponse();
    expect(data.content).toMatchObject([{ type: 'text', text: '{"answer":42}' }]);
    const ignored = response.headers.get('x-mcp-ignored-fields')?.split(', ') ?? [];
    expect(ignored).toEqual(expect.arrayContaining(['output_config.effort', 'output_config.format']));
  });

  it('has its errors as classes of its own', async () => {
    await expect(anthropic.messages.create(ask('hi', 'none'))).rejects.toBeInstanceOf(
      Anthropic.NotFoundError,
    );
    await expect(anthropic.messages.create({ ...ask('hi'), max_tokens: 0 })).rejects.toMatchObject({
      status: 400,
      error: { error: { type: 'invalid_request_error' } },
    });
    const stranger = new Anthropic({ baseURL: platform.url, apiKey: 'mcp_wrong', maxRetries: 0 });
    await expect(stranger.messages.create(ask('hi'))).rejects.toBeInstanceOf(Anthropic.AuthenticationError);
  });
});
