import { AnthropicMessagesRequest, ChatCompletionRequest, type ModelEvent } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { anthropicEncoder, collect, encodeAnthropicMessage, fromAnthropic } from '../src/index.ts';
import { framesIn, generation, stream } from './support.ts';

const Frame = z.looseObject({
  type: z.string(),
  index: z.number().optional(),
  content_block: z.looseObject({ type: z.string() }).optional(),
  delta: z.looseObject({}).optional(),
});
type Frame = z.infer<typeof Frame>;

function framesOf(events: readonly ModelEvent[], thinking: boolean): Frame[] {
  const { encode, end } = anthropicEncoder({ thinking });
  return framesIn(events.map(encode).join('') + end(), Frame);
}

/** What a client puts together from the frames: the blocks in order. */
function blocksOf(frames: readonly Frame[]): Record<string, unknown>[] {
  const blocks: Record<string, unknown>[] = [];
  let open: number | undefined;
  for (const { type, index, content_block, delta } of frames) {
    if (type === 'content_block_start') {
      expect([open, index]).toEqual([undefined, blocks.length]);
      open = index;
      blocks.push({ ...content_block });
    } else if (type === 'content_block_delta') {
      expect(index).toBe(open);
      const block = blocks[index ?? -1] ?? {};
      for (const [key, value] of Object.entries(delta ?? {}))
        if (key !== 'type') block[key] = `${block[key] ?? ''}${String(value)}`;
    } else if (type === 'content_block_stop') {
      expect(index).toBe(open);
      open = undefined;
    }
  }
  expect(open).toBeUndefined();
  return blocks;
}

/** A generation has several choices; Anthropic's format has one. */
const single = generation.map((events) =>
  events.filter((event) => !('choice' in event) || event.choice === 0),
);

describe('a stream', () => {
  it('has its blocks one after the other, and in them what the whole message has', async () => {
    await fc.assert(
      fc.asyncProperty(single, fc.boolean(), async (events, thinking) => {
        const frames = framesOf(events, thinking);
        expect(frames[0]?.type).toBe('message_start');
        expect(frames.slice(-2).map(({ type }) => type)).toEqual(['message_delta', 'message_stop']);
        const blocks = blocksOf(frames);
        const whole = await collect(stream(events));
        const told = (type: string, key: string) =>
          blocks.filter((block) => block.type === type).map((block) => block[key]);
        expect(told('text', 'text').join('')).toBe(whole.choices[0]?.text ?? '');
        expect(told('thinking', 'thinking').join('')).toBe(
          thinking ? (whole.choices[0]?.reasoning ?? '') : '',
        );
        const calls = whole.choices[0]?.tool_calls ?? [];
        expect(told('tool_use', 'id')).toEqual(calls.map(({ id }) => id));
        expect(told('tool_use', 'partial_json').map((text) => text ?? '')).toEqual(
          calls.map((call) => call.function.arguments),
        );
        const { stop_reason, usage } = encodeAnthropicMessage(whole, { thinking });
        expect(frames.at(-2)).toMatchObject({ delta: { stop_reason }, usage });
      }),
      { numRuns: 200 },
    );
  });

  it('says nothing of an empty answer but that it is one', () => {
    const frames = framesOf(
      [
        { type: 'start', id: 'chatcmpl-1', model: 'm', backend: 'b', created_s: 1 },
        { type: 'finish', choice: 0, reason: { unified: 'stop', raw: 'stop' } },
      ],
      false,
    );
    expect(blocksOf(frames)).toEqual([{ type: 'text', text: '' }]);
  });

  it('begins the next call when one is whole, and holds back what is mixed in before', () => {
    const call = (index: number, arguments_delta: string): ModelEvent => ({
      type: 'tool_call',
      choice: 0,
      index,
      ...(arguments_delta === '' ? { id: `c${index}`, name: 'f' } : {}),
      arguments_delta,
    });
    const { encode } = anthropicEncoder({ thinking: false });
    encode(call(0, ''));
    encode(call(0, '{"a":1}'));
    expect(encode(call(1, ''))).toContain('content_block_start');
    expect(encode(call(2, ''))).toBe('');
    expect(encode({ type: 'text', choice: 0, text: 'so' })).toBe('');
    expect(encode(call(1, '{}'))).toContain('input_json_delta');
    expect(() => encode(call(0, '{}'))).not.toThrow();
  });
});

describe('a request', () => {
  const plain = { model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] };
  const from = (change: object) => fromAnthropic(AnthropicMessagesRequest.parse({ ...plain, ...change }));
  const tools = [{ name: 'f', input_schema: { type: 'object' } }];

  it.each<[string, object, object]>([
    ['a system prompt', { system: 'be brief' }, { messages: [{ role: 'system', content: 'be brief' }, {}] }],
    [
      'a system prompt in blocks',
      {
        system: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      { messages: [{ role: 'system', content: 'a\nb' }, {}] },
    ],
    ['stop sequences', { stop_sequences: ['a'] }, { stop: ['a'] }],
    [
      'the schema of an answer, which is held to as strictly as there',
      { output_config: { format: { type: 'json_schema', schema: { type: 'object' } }, effort: 'low' } },
      {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'output', schema: { type: 'object' }, strict: true },
        },
      },
    ],
    ['who asks', { metadata: { user_id: 'u' } }, { user: 'u' }],
    [
      'tools',
      { tools },
      { tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }] },
    ],
    ['any tool', { tools, tool_choice: { type: 'any' } }, { tool_choice: 'required' }],
    [
      'one tool, once',
      { tools, tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: true } },
      { tool_choice: { type: 'function', function: { name: 'f' } }, parallel_tool_calls: false },
    ],
    [
      'an image',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } }],
          },
        ],
      },
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }],
          },
        ],
      },
    ],
    [
      'a call, its result, and what is said beside it',
      {
        messages: [
          { role: 'assistant', content: [{ type: 'tool_use', id: '1', name: 'f', input: { a: 1 } }] },
          {
            role: 'user',
            content: [
              { type: 'text', text: 'and?' },
              { type: 'tool_result', tool_use_id: '1', content: 'no', is_error: true },
            ],
          },
        ],
      },
      {
        messages: [
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
          },
          { role: 'tool', tool_call_id: '1', content: 'Error: no' },
          { role: 'user', content: [{ type: 'text', text: 'and?' }] },
        ],
      },
    ],
    [
      'what was thought earlier, which is left out',
      {
        messages: [
          { role: 'assistant', content: [{ type: 'thinking', thinking: 'x', signature: 's' }] },
          plain.messages[0],
        ],
      },
      { messages: [{ role: 'user', content: 'hi' }] },
    ],
  ])('keeps %s', (_, change, expected) => {
    const made = from(change);
    expect(made).toMatchObject(expected);
    expect(ChatCompletionRequest.safeParse(made).error).toBeUndefined();
  });

  it('keeps what a model wrote as arguments, object or not', async () => {
    const inputOf = async (given: string) => {
      const events: ModelEvent[] = [
        { type: 'start', id: 'c', model: 'm', backend: 'b', created_s: 1 },
        { type: 'tool_call', choice: 0, index: 0, id: '1', name: 'f', arguments_delta: given },
      ];
      const { content } = encodeAnthropicMessage(await collect(stream(events)), { thinking: false });
      return (content as { input?: unknown }[])[0]?.input;
    };
    expect(await inputOf('{"a":1}')).toEqual({ a: 1 });
    expect(await inputOf('')).toEqual({});
    expect(await inputOf('[1]')).toEqual({ arguments: '[1]' });
    expect(await inputOf('{"a":')).toEqual({ arguments: '{"a":' });
  });
});
