import { type ModelEvent, PublicChatCompletionRequest } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chatChunkEncoder, collect, encodeChatCompletion, fromPublicChat } from '../src/index.ts';
import { generation, stream } from './support.ts';

const parse = (more: object) =>
  PublicChatCompletionRequest.parse({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...more });
const f = { name: 'f', description: 'd', parameters: { type: 'object' } };

it('is asked for text, which every model answers in, and for nothing else', () => {
  expect(fromPublicChat(parse({ modalities: ['text'] })).request).toEqual(fromPublicChat(parse({})).request);
  for (const modalities of [[], ['audio'], ['text', 'audio'], ['text', 'text']])
    expect(() => parse({ modalities })).toThrow(/modalities/);
});

describe('a request with functions', () => {
  it.each([
    [undefined, undefined],
    ['auto', 'auto'],
    ['none', 'none'],
    [{ name: 'f' }, { type: 'function', function: { name: 'f' } }],
  ])('becomes one with tools; function_call %j is tool_choice %j', (function_call, tool_choice) => {
    const { request, functions } = fromPublicChat(
      parse({ functions: [f], ...(function_call === undefined ? {} : { function_call }) }),
    );
    expect(functions).toBe(true);
    expect(request).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'hi' }],
      tools: [{ type: 'function', function: f }],
      parallel_tool_calls: false,
      ...(tool_choice === undefined ? {} : { tool_choice }),
    });
  });

  it('gives a result of a function to the last call of its name', () => {
    const call = (name: string) => ({
      role: 'assistant',
      content: null,
      function_call: { name, arguments: '{}' },
    });
    const result = (name: string, content: string | null) => ({ role: 'function', name, content });
    const { request } = fromPublicChat(
      parse({
        functions: [f],
        messages: [call('f'), result('f', '1'), call('g'), call('f'), result('f', null), result('g', '3')],
      }),
    );
    expect(request.messages).toMatchObject([
      { role: 'assistant', tool_calls: [{ id: 'call_0', function: { name: 'f' } }] },
      { role: 'tool', tool_call_id: 'call_0', content: '1' },
      { role: 'assistant', tool_calls: [{ id: 'call_2' }] },
      { role: 'assistant', tool_calls: [{ id: 'call_3' }] },
      { role: 'tool', tool_call_id: 'call_3', content: '' },
      { role: 'tool', tool_call_id: 'call_2', content: '3' },
    ]);
    expect(JSON.stringify(request)).not.toContain('function_call');
  });

  it('passes every other request on as it is', () => {
    const given = parse({
      tools: [{ type: 'function', function: f }],
      tool_choice: 'required',
      messages: [{ role: 'assistant', content: 'x', function_call: null }],
    });
    const { request, functions } = fromPublicChat(given);
    expect(functions).toBe(false);
    expect(request).toEqual({ ...given, messages: [{ role: 'assistant', content: 'x' }] });
  });

  it.each([
    ['a name twice', { functions: [f, f] }, 'functions.1.name'],
    ['tools beside them', { functions: [f], tools: [{ type: 'function', function: f }] }, 'functions'],
    ['a call of none of them', { functions: [f], function_call: { name: 'g' } }, 'function_call.name'],
    ['a call of none at all', { function_call: { name: 'f' } }, 'function_call.name'],
    [
      'a result before its call',
      { messages: [{ role: 'function', name: 'f', content: 'x' }] },
      'messages.0.name',
    ],
  ])('is refused for %s', (_name, more, path) => {
    const parsed = PublicChatCompletionRequest.safeParse({
      model: 'm',
      messages: [{ role: 'user', content: 'hi' }],
      ...more,
    });
    expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toContain(path);
  });
});

type Delta = {
  content?: string;
  function_call?: { name?: string; arguments?: string };
  tool_calls?: unknown;
};

/** What a client puts together from the chunks of a stream, by choice. */
function read(events: readonly ModelEvent[]) {
  const encode = chatChunkEncoder({ include_usage: false, functions: true });
  const choices = new Map<
    number,
    { text: string; call?: { name: string; arguments: string }; finish?: string }
  >();
  for (const frame of events.map(encode).join('').split('\n\n').filter(Boolean)) {
    const chunk = JSON.parse(frame.replace('data: ', '')) as {
      choices: { index: number; delta: Delta; finish_reason: string | null }[];
    };
    for (const { index, delta, finish_reason } of chunk.choices) {
      expect(delta.tool_calls).toBeUndefined();
      const one = choices.get(index) ?? { text: '' };
      one.text += delta.content ?? '';
      const part = delta.function_call;
      if (part !== undefined)
        one.call = {
          name: (one.call?.name ?? '') + (part.name ?? ''),
          arguments: (one.call?.arguments ?? '') + (part.arguments ?? ''),
        };
      if (finish_reason !== null) one.finish = finish_reason;
      choices.set(index, one);
    }
  }
  return choices;
}

it('an answer calls its first function, as a stream and as a whole', async () => {
  await fc.assert(
    fc.asyncProperty(generation, async (events) => {
      const completion = await collect(stream(events));
      const whole = encodeChatCompletion(completion, { functions: true }) as {
        choices: { index: number; message: Delta; finish_reason: string }[];
      };
      const streamed = read(events);
      for (const { index, message, finish_reason } of whole.choices) {
        const call = completion.choices.find((one) => one.index === index)?.tool_calls[0];
        expect(message.tool_calls).toBeUndefined();
        expect(message.function_call).toEqual(call?.function);
        expect(streamed.get(index)).toEqual({
          text: message.content ?? '',
          ...(call === undefined ? {} : { call: call.function }),
          finish: finish_reason,
        });
        expect(finish_reason).not.toBe('tool_calls');
      }
    }),
    { numRuns: 200 },
  );
});
