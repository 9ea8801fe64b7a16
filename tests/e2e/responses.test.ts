import { createOpenAI } from '@ai-sdk/openai';
import { generateText, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startPlatform } from './support.ts';

const platform = await startPlatform();
const openai = platform.openai();
afterAll(() => platform.stop());

const ask = (input: string, model = 'scripted/alpha') => ({ model, input });
const WEATHER = {
  type: 'function' as const,
  name: 'get_weather',
  description: 'The weather in a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
  strict: false,
};
const Beside = z.looseObject({ mcp: z.object({ conversation_id: z.uuid() }) });
const conversationOf = (response: unknown) => Beside.parse(response).mcp.conversation_id;
const Key = z.object({ key: z.string() });
const newKey = async () => Key.parse(await platform.json('/admin/keys', { name: 'a', scopes: ['chat'] })).key;

describe('the official openai client', () => {
  it('gets a response, with usage', async () => {
    const response = await openai.responses.create({
      ...ask('hello'),
      metadata: { a: 'b' },
      temperature: 0.5,
    });
    expect(response).toMatchObject({
      object: 'response',
      status: 'completed',
      model: 'scripted/alpha',
      output_text: 'Alpha says: hello',
      output: [{ type: 'message', role: 'assistant', status: 'completed' }],
      metadata: { a: 'b' },
      temperature: 0.5,
      store: true,
      error: null,
      incomplete_details: null,
    });
    expect(response.id).toMatch(/^resp_[0-9a-f]{48}$/);
    expect(response.usage?.output_tokens).toBeGreaterThan(0);
    expect(response.usage?.total_tokens).toBe(
      (response.usage?.input_tokens ?? 0) + (response.usage?.output_tokens ?? 0),
    );
  });

  it('streams, and its helper puts the same response together', async () => {
    const stream = openai.responses.stream(ask('hello'));
    const types: string[] = [];
    const numbers: number[] = [];
    let text = '';
    for await (const event of stream) {
      types.push(event.type);
      numbers.push(event.sequence_number);
      if (event.type === 'response.output_text.delta') text += event.delta;
    }
    const response = await stream.finalResponse();
    expect(text).toBe('Alpha says: hello');
    expect(response).toMatchObject({ status: 'completed', output_text: text });
    expect(numbers).toEqual(numbers.map((_, i) => i));
    expect([...new Set(types)]).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ]);
    const { output, usage } = await openai.responses.retrieve(response.id);
    expect(response).toMatchObject({ output, usage });
  });

  it.each([false, true])('calls a function and goes on with its result (streamed: %s)', async (streamed) => {
    const request = { ...ask('weather in Paris'), tools: [WEATHER], parallel_tool_calls: false };
    const called = streamed
      ? await openai.responses.stream(request).finalResponse()
      : await openai.responses.create(request);
    const output: OpenAI.Responses.ResponseInputItem[] = JSON.parse(JSON.stringify(called.output));
    const call = output.find((item) => item.type === 'function_call');
    expect(call).toMatchObject({ name: 'get_weather', arguments: '{"city":"Paris"}', status: 'completed' });
    const result = {
      type: 'function_call_output' as const,
      call_id: call?.call_id ?? '',
      output: [{ type: 'input_text' as const, text: '21 degrees' }],
    };
    const more = { role: 'user' as const, content: 'and tomorrow?' };
    const stateful = await openai.responses.create({
      model: request.model,
      previous_response_id: called.id,
      input: [result, more],
    });
    const stateless = await openai.responses.create({
      model: request.model,
      input: [{ role: 'user', content: request.input }, ...output, result, more],
      store: false,
    });
    expect(stateful.output_text).toBe('Alpha says: and tomorrow?');
    expect({ ...stateless.usage }).toEqual({ ...stateful.usage });
  });

  it('streams the arguments of a call', async () => {
    const events = await openai.responses.create({ ...ask('weather'), tools: [WEATHER], stream: true });
    let json = '';
    for await (const event of events) {
      if (event.type === 'response.function_call_arguments.delta') json += event.delta;
      if (event.type === 'response.function_call_arguments.done') expect(event.arguments).toBe(json);
    }
    expect(json).toBe('{"city":"Paris"}');
  });

  it('parses structured output', async () => {
    const response = await openai.responses.parse({
      ...ask('json please'),
      text: {
        format: {
          type: 'json_schema',
          name: 'answer',
          schema: { type: 'object', properties: { answer: { type: 'number' } } },
        },
      },
    });
    expect(JSON.parse(response.output_text)).toEqual({ answer: 42 });
    expect(response.text?.format).toMatchObject({ type: 'json_schema', name: 'answer' });
  });

  it('says what was cut, and what was thought', async () => {
    const short = await openai.responses.create({ ...ask('one two three'), max_output_tokens: 2 });
    expect(short).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    });
    const stream = openai.responses.stream({ ...ask('think'), reasoning: { summary: 'auto' } });
    const response = await stream.finalResponse();
    expect(response.output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
    expect(response.output[0]).toMatchObject({ summary: [{ text: 'Thinking first.' }] });
  });

  it('holds a conversation of two models, whose turns are its reasoning', async () => {
    const response = await openai.responses.create(ask('When is a queue better?', 'mcp/dual'));
    expect(response.output.map(({ type }) => type)).toEqual(['reasoning', 'message']);
    expect(JSON.stringify(response.output[0])).toContain('modelA');
    const more = await openai.responses
      .stream({ ...ask('And why?', 'mcp/dual'), previous_response_id: response.id })
      .finalResponse();
    expect(more.output_text).not.toBe('');
    const { messages } = z
      .object({ messages: z.array(z.object({ role: z.string(), content: z.string() })) })
      .parse(await platform.json(`/v1/conversations/${conversationOf(more)}`));
    expect(messages.find(({ role }) => role === 'user')?.content).toContain('When is a queue better?');
  });

  it('makes what is too long fit when it is asked to, and refuses it with the way out otherwise', async () => {
    const input = Array.from({ length: 6 }, (_, i) => ({
      role: 'user' as const,
      content: i === 5 ? 'the end' : 'word '.repeat(2000),
    }));
    await expect(openai.responses.create({ model: 'scripted/alpha', input })).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
      param: 'input',
      message: expect.stringContaining('x-mcp-context: fit'),
    });
    const { data, response } = await openai.responses
      .create({ model: 'scripted/alpha', input, truncation: 'auto' })
      .withResponse();
    expect(data.output_text).toBe('Alpha says: the end');
    expect(data.usage?.input_tokens).toBeGreaterThan(2000);
    expect(response.headers.get('x-mcp-context')).toMatch(
      /^(truncated|clustered|summarized); input_tokens=\d+; /,
    );
  });

  it('counts tokens', async () => {
    const { input_tokens } = await openai.responses.inputTokens.count(ask('one two three'));
    expect(input_tokens).toBeGreaterThan(2);
  });

  it('has errors of OpenAI', async () => {
    await expect(openai.responses.create(ask('hi', 'none'))).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(
      openai.responses.create({ ...ask('hi'), tools: [{ type: 'web_search' }] }),
    ).rejects.toMatchObject({ status: 400, param: 'tools.0.type', type: 'invalid_request_error' });
    await expect(openai.responses.create({ ...ask('hi'), background: true })).rejects.toMatchObject({
      status: 400,
      param: 'background',
    });
    const dual = openai.responses.create({
      ...ask('hi', 'mcp/dual'),
      text: { format: { type: 'json_object' } },
    });
    await expect(dual).rejects.toMatchObject({ status: 400, param: 'text.format' });
  });
});

describe.each([true, false])('the AI SDK, whose default this is (stored: %s)', (store) => {
  const providerOptions = { openai: { store } };
  const modelOf = (id: string) => createOpenAI({ baseURL: `${platform.url}/v1`, apiKey: platform.key })(id);
  const tools = {
    get_weather: tool({
      description: 'The weather in a city.',
      inputSchema: z.object({ city: z.string() }),
      execute: async ({ city }) => `21 degrees in ${city}`,
    }),
  };

  it('goes on over steps and turns', async () => {
    const asked = { model: modelOf('scripted/alpha'), tools, providerOptions, stopWhen: stepCountIs(2) };
    const { steps, response } = await generateText({ ...asked, prompt: 'weather' });
    expect(steps.map(({ toolResults }) => toolResults[0]?.output)).toEqual(
      Array(2).fill('21 degrees in Paris'),
    );
    const [first, second] = steps.map(({ usage }) => usage.inputTokens ?? 0);
    expect(second).toBeGreaterThan(first ?? 0);
    const messages = [...response.messages, { role: 'user' as const, content: 'thanks' }];
    expect((await generateText({ ...asked, messages })).text).toBe('Alpha says: thanks');
  });

  it('streams text and reasoning', async () => {
    const { fullStream } = streamText({ model: modelOf('scripted/alpha'), providerOptions, prompt: 'think' });
    const told = { text: '', reasoning: '' };
    for await (const part of fullStream) {
      if (part.type === 'text-delta') told.text += part.text;
      if (part.type === 'reasoning-delta') told.reasoning += part.text;
      expect(part.type).not.toBe('error');
    }
    expect(told).toEqual({ text: 'Done.', reasoning: 'Thinking first.' });
  });
});

describe('a stored response', () => {
  const first = () => openai.responses.create({ ...ask('my name is Ann'), instructions: 'be brief' });

  it('is there to be read with what was said, and gone when it is deleted', async () => {
    const response = await first();
    const { output_text } = await openai.responses.retrieve(response.id, {
      include: ['reasoning.encrypted_content'],
    });
    expect(output_text).toBe('Alpha says: my name is Ann');
    const items = await openai.responses.inputItems.list(response.id, { order: 'asc' });
    expect(items.data).toMatchObject([
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'my name is Ann' }] },
    ]);
    await expect(openai.responses.cancel(response.id)).rejects.toMatchObject({ status: 400 });
    await openai.responses.delete(response.id);
    await expect(openai.responses.retrieve(response.id)).rejects.toMatchObject({ status: 404 });
    await expect(openai.responses.delete(response.id)).rejects.toMatchObject({ status: 404 });
    await expect(
      openai.responses.create({ ...ask('and?'), previous_response_id: response.id }),
    ).rejects.toMatchObject({ status: 404, param: 'previous_response_id' });
  });

  it('is not there when store is false', async () => {
    const { id, ...rest } = await openai.responses.create({ ...ask('hello'), store: false });
    expect(rest).toMatchObject({ store: false });
    await expect(openai.responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
  });

  it('lists what was said in pages', async () => {
    const input = ['a', 'b', 'c'].map((content) => ({ role: 'user' as const, content }));
    const { id } = await openai.responses.create({ model: 'scripted/alpha', input });
    const seen: unknown[] = [];
    for await (const item of openai.responses.inputItems.list(id, { limit: 2 }))
      seen.push(item.type === 'message' ? item.content : item);
    expect(seen).toMatchObject([[{ text: 'c' }], [{ text: 'b' }], [{ text: 'a' }]]);
  });

  it('is gone on with in the same log, which verifies, and in another when it was gone on with before', async () => {
    const one = await first();
    const go = (input: string) => openai.responses.create({ ...ask(input), previous_response_id: one.id });
    const two = await go('who am I?');
    const other = await go('who was I?');
    expect(two.usage?.input_tokens).toBeGreaterThan(one.usage?.input_tokens ?? 0);
    expect(conversationOf(two)).toBe(conversationOf(one));
    expect(conversationOf(other)).not.toBe(conversationOf(one));
    for (const response of [two, other]) {
      const id = conversationOf(response);
      const { messages } = z
        .object({ messages: z.array(z.object({ role: z.string(), content: z.string() })) })
        .parse(await platform.json(`/v1/conversations/${id}`));
      const said = messages.map(({ content }) => content).join('\n');
      for (const text of ['my name is Ann', 'Alpha says: my name is Ann', response.output_text])
        expect(said).toContain(text);
      expect(await platform.json(`/v1/conversations/${id}/verify`, {})).toMatchObject({ ok: true });
    }
    const three = await openai.responses.create({ ...ask('still?'), previous_response_id: two.id });
    expect(conversationOf(three)).toBe(conversationOf(one));
    const [more, less] = [three, two].map(({ usage }) => usage?.input_tokens ?? 0);
    expect(more).toBeGreaterThan(less ?? 0);
  });

  it("is its owner's alone", async () => {
    const { id } = await first();
    const stranger = platform.openai(await newKey());
    for (const attempt of [
      () => stranger.responses.retrieve(id),
      () => stranger.responses.delete(id),
      () => stranger.responses.inputItems.list(id),
      () => stranger.responses.cancel(id),
      () => stranger.responses.create({ ...ask('and?'), previous_response_id: id }),
    ])
      await expect(attempt()).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    expect(await openai.responses.retrieve(id)).toMatchObject({ id });
  });

  it('gives its items to who refers to them', async () => {
    const { output } = await first();
    const reference = { type: 'item_reference' as const, id: output[0]?.id ?? '' };
    const request = {
      model: 'scripted/alpha',
      input: [reference, { role: 'user' as const, content: 'and?' }],
    };
    const by = await openai.responses.create(request);
    const plain = await openai.responses.create(ask('and?'));
    expect(by.usage?.input_tokens).toBeGreaterThan(plain.usage?.input_tokens ?? 0);
    await expect(platform.openai(await newKey()).responses.create(request)).rejects.toMatchObject({
      status: 404,
      param: 'input.0',
    });
  });

  it('is there when the core has died and come back', async () => {
    const { id } = await first();
    (await platform.killer('core'))();
    await platform.ready();
    const more = await openai.responses.create({ ...ask('who am I?'), previous_response_id: id });
    expect(more.previous_response_id).toBe(id);
    expect(await openai.responses.retrieve(id)).toMatchObject({ id });
  });
});

describe('a stored completion', () => {
  const kept = (content: string, metadata: Record<string, string>) =>
    openai.chat.completions.create({
      model: 'scripted/alpha',
      messages: [{ role: 'user', content }],
      store: true,
      metadata,
    });
  const ids = async (query: OpenAI.ChatCompletionListParams) =>
    (await openai.chat.completions.list(query)).data.map(({ id }) => id);

  it('is listed, read, given metadata and deleted', async () => {
    const first = await kept('one', { test: 'list', n: '1' });
    const second = await kept('two', { test: 'list', n: '2' });
    const metadata = { test: 'list' };
    expect(await ids({ metadata })).toEqual([first.id, second.id]);
    expect(await ids({ metadata, order: 'desc' })).toEqual([second.id, first.id]);
    expect(await ids({ metadata: { ...metadata, n: '2' } })).toEqual([second.id]);
    expect(await ids({ metadata, model: 'scripted/beta' })).toEqual([]);
    expect(await ids({ metadata, after: first.id })).toEqual([second.id]);
    const paged: string[] = [];
    for await (const { id } of openai.chat.completions.list({ metadata, limit: 1 })) paged.push(id);
    expect(paged).toEqual([first.id, second.id]);
    expect(await openai.chat.completions.retrieve(first.id)).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { content: 'Alpha says: one' } }],
      metadata: { n: '1' },
      usage: first.usage,
    });
    const { data } = await openai.chat.completions.messages.list(first.id);
    expect(data).toMatchObject([{ role: 'user', content: 'one', content_parts: null }]);
    await openai.chat.completions.update(first.id, { metadata: { test: 'other' } });
    expect(await ids({ metadata })).toEqual([second.id]);
    expect(await openai.chat.completions.delete(first.id)).toMatchObject({ deleted: true });
    await expect(openai.chat.completions.retrieve(first.id)).rejects.toMatchObject({ status: 404 });
  });

  it('may have been streamed, or be of two models', async () => {
    const request = { messages: [{ role: 'user' as const, content: 'three' }], store: true as const };
    const stream = openai.chat.completions.stream({ model: 'scripted/alpha', ...request });
    const { id } = await stream.finalChatCompletion();
    expect(await openai.chat.completions.retrieve(id)).toMatchObject({
      choices: [{ finish_reason: 'stop' }],
    });
    const dual = await openai.chat.completions.create({ model: 'mcp/dual', ...request });
    expect(await openai.chat.completions.retrieve(dual.id)).toMatchObject({ model: 'mcp/dual' });
  });

  it("is its owner's alone", async () => {
    const { id } = await kept('mine', { test: 'mine' });
    const { completions } = platform.openai(await newKey()).chat;
    expect((await completions.list()).data).toEqual([]);
    for (const attempt of [
      () => completions.retrieve(id),
      () => completions.messages.list(id),
      () => completions.update(id, { metadata: null }),
      () => completions.delete(id),
    ])
      await expect(attempt()).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });
});
