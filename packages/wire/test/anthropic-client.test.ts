import { AnthropicMessagesRequest, type ChatCompletionRequest, type ChatMessage } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anthropicEncoder,
  collect,
  decodeAnthropicMessage,
  decodeAnthropicStream,
  encodeAnthropicMessage,
  fromAnthropic,
  toAnthropic,
} from '../src/index.ts';
import { all, body, cut, generation, pieces, stream } from './support.ts';

/** A generation has several choices; Anthropic's format has one. */
const single = generation.map((events) =>
  events.filter((event) => !('choice' in event) || event.choice === 0),
);
const frame = (type: string, fields: object) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
const begun = frame('message_start', {
  message: { id: 'msg_1', model: 'm', usage: { input_tokens: 3, cache_read_input_tokens: 5 } },
});

describe('what Anthropic answers', () => {
  it('says the same streamed, however its bytes are cut, and whole', async () => {
    await fc.assert(
      fc.asyncProperty(single, fc.array(fc.nat(5000), { maxLength: 12 }), async (events, places) => {
        const { encode, end } = anthropicEncoder({ thinking: true });
        const bytes = new TextEncoder().encode(events.map(encode).join('') + end());
        const streamed = await collect(decodeAnthropicStream(pieces(cut(bytes, places))));
        const given = await collect(stream(events));
        const [said, meant] = [streamed.choices[0], given.choices[0]];
        expect([said?.text, said?.reasoning]).toEqual([meant?.text, meant?.reasoning]);
        const calls = (meant?.tool_calls ?? []).map(({ id, function: { name, arguments: json } }) => [
          id,
          name,
          json === '' ? '{}' : json,
        ]);
        expect(
          said?.tool_calls.map((call) => [call.id, call.function.name, call.function.arguments]),
        ).toEqual(calls);
        const whole = await collect(
          stream(decodeAnthropicMessage(encodeAnthropicMessage(given, { thinking: true }))),
        );
        expect([whole.choices[0]?.text, whole.choices[0]?.reasoning]).toEqual([said?.text, said?.reasoning]);
        expect(whole.choices[0]?.finish).toEqual(said?.finish);
        expect(whole.usage).toEqual(streamed.usage);
      }),
      { numRuns: 150 },
    );
  });

  it('counts what was cached with what was read, and takes later counts for earlier ones', async () => {
    const text = `${begun}${frame('message_delta', { delta: { stop_reason: 'max_tokens' }, usage: { output_tokens: 7 } })}${frame('message_stop', {})}`;
    expect(await collect(decodeAnthropicStream(body(text)))).toMatchObject({
      usage: { input_tokens: 8, output_tokens: 7, cached_input_tokens: 5 },
      choices: [{ finish: { unified: 'length', raw: 'max_tokens' } }],
    });
  });

  it('passes over pings, signatures and kinds of events to come', async () => {
    const text = [
      begun,
      frame('ping', {}),
      frame('weather_report', { sky: 'grey' }),
      frame('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
      frame('content_block_delta', { index: 0, delta: { type: 'signature_delta', signature: 'x' } }),
      frame('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'well' } }),
      frame('content_block_stop', { index: 0 }),
      frame('message_delta', { delta: { stop_reason: 'refusal' } }),
      frame('message_stop', {}),
    ].join('');
    expect(await collect(decodeAnthropicStream(body(text)))).toMatchObject({
      choices: [{ text: 'well', finish: { unified: 'content_filter', raw: 'refusal' } }],
    });
  });

  it.each([
    ['overloaded_error', 'unavailable'],
    ['rate_limit_error', 'overloaded'],
    ['api_error', 'upstream_failed'],
    ['authentication_error', 'upstream_failed'],
    ['invalid_request_error', 'invalid_request'],
  ])('ends with the error that comes within a stream: %s', async (type, code) => {
    const text = `${begun}${frame('error', { error: { type, message: 'no' } })}`;
    await expect(all(decodeAnthropicStream(body(text)))).rejects.toMatchObject({ code });
  });
});

const word = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' }).map((text) => `a${text}b`);
const message: fc.Arbitrary<ChatMessage[]> = fc.oneof(
  word.map((content): ChatMessage[] => [{ role: 'user', content }]),
  word.map((content): ChatMessage[] => [{ role: 'system', content }]),
  word.map((content): ChatMessage[] => [{ role: 'assistant', content }]),
  fc.tuple(word, word, word).map(([content, key, value]): ChatMessage[] => [
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: 'c', type: 'function', function: { name: 'f', arguments: JSON.stringify({ [key]: value }) } },
      ],
    },
    { role: 'tool', tool_call_id: 'c', content },
  ]),
);
const request: fc.Arbitrary<ChatCompletionRequest> = fc.record(
  {
    model: fc.constant('m'),
    messages: fc
      .array(message, { maxLength: 6 })
      .map((list) => [{ role: 'user' as const, content: 'begin' }, ...list.flat()]),
    max_tokens: fc.integer({ min: 1, max: 9000 }),
    temperature: fc.double({ min: 0, max: 2, noNaN: true }),
    stop: fc.array(word, { maxLength: 3 }),
    stream: fc.boolean(),
  },
  { requiredKeys: ['model', 'messages'] },
);

describe('what Anthropic is asked', () => {
  it('is of its format, its sides take turns, and no word is lost', () => {
    fc.assert(
      fc.property(request, (asked) => {
        const sent = AnthropicMessagesRequest.parse(toAnthropic(asked));
        for (const [at, { role }] of sent.messages.entries())
          if (at > 0) expect(role).not.toBe(sent.messages[at - 1]?.role);
        expect(sent.temperature ?? 0).toBeLessThanOrEqual(1);
        const back = JSON.stringify(fromAnthropic(sent));
        for (const { content } of asked.messages)
          if (typeof content === 'string') expect(back).toContain(JSON.stringify(content).slice(1, -1));
      }),
    );
  });

  it.each([
    [{ n: 2 }, 'n'],
    [{ logprobs: true }, 'logprobs'],
    [{ response_format: { type: 'json_object' } }, 'response_format'],
  ] as const)('has no word for %j', (more, param) => {
    const asked = { model: 'm', messages: [{ role: 'user' as const, content: 'hi' }], ...more };
    expect(() => toAnthropic(asked)).toThrow(
      expect.objectContaining({ code: 'unsupported_parameter', param }),
    );
  });

  it('calls tools by name, at will, not at all, or one at a time', () => {
    const tools = [{ type: 'function' as const, function: { name: 'f' } }];
    const choice = (more: Partial<ChatCompletionRequest>) =>
      toAnthropic({ model: 'm', messages: [{ role: 'user', content: 'hi' }], tools, ...more }).tool_choice;
    expect(choice({})).toBeUndefined();
    expect(choice({ tool_choice: 'required' })).toEqual({ type: 'any' });
    expect(choice({ tool_choice: 'none' })).toEqual({ type: 'none' });
    expect(choice({ tool_choice: { type: 'function', function: { name: 'f' } } })).toEqual({
      type: 'tool',
      name: 'f',
    });
    expect(choice({ parallel_tool_calls: false })).toEqual({ type: 'auto', disable_parallel_tool_use: true });
  });
});
