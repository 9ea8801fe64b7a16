import { ChatCompletionRequest, PlatformError, ResponseItem, ResponsesRequest } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { asResponsesError, fromResponses, inputItems, type SaidItem, withIds } from '../src/index.ts';

const ID = `resp_${'0af'.repeat(16)}`;

const said = (input: unknown): SaidItem[] =>
  inputItems(ResponsesRequest.parse({ model: 'm', input }).input).filter(
    (item) => item.type !== 'item_reference',
  );
const plain = { model: 'm', input: 'hi' };
const from = (change: object, earlier: readonly SaidItem[] = []) => {
  const request = ResponsesRequest.parse({ ...plain, ...change });
  const items = inputItems(request.input).filter((item) => item.type !== 'item_reference');
  return fromResponses(request, { earlier, items });
};
const TOOLS = ['f', 'g'].map((name) => ({ type: 'function', name, parameters: { type: 'object' } }));
const CALL = { type: 'function_call', call_id: '1', name: 'f', arguments: '{"a":1}' };
const called = {
  role: 'assistant',
  tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
};

describe('a request', () => {
  it.each<[string, object, object]>([
    ['a text', {}, { messages: [{ role: 'user', content: 'hi' }] }],
    [
      'instructions, before all else',
      { instructions: 'be brief' },
      { messages: [{ role: 'system', content: 'be brief' }, { role: 'user' }] },
    ],
    [
      'messages of any role, without their type',
      {
        input: [
          {
            role: 'developer',
            content: [
              { type: 'input_text', text: 'a' },
              { type: 'input_text', text: 'b' },
            ],
          },
          { role: 'user', content: 'c' },
          { role: 'assistant', content: [{ type: 'output_text', text: 'd', annotations: [] }] },
        ],
      },
      {
        messages: [
          { role: 'developer', content: 'a\nb' },
          { role: 'user', content: 'c' },
          { role: 'assistant', content: 'd' },
        ],
      },
    ],
    [
      'a picture',
      {
        input: [
          { role: 'user', content: [{ type: 'input_image', image_url: 'data:,', detail: 'original' }] },
        ],
      },
      { messages: [{ content: [{ type: 'image_url', image_url: { url: 'data:,', detail: 'high' } }] }] },
    ],
    [
      'what is said and called at once as one message, its result, and a picture of it',
      {
        input: [
          { role: 'assistant', content: 'Let me look.' },
          CALL,
          { ...CALL, call_id: '2' },
          { type: 'function_call_output', call_id: '2', output: 'x' },
          {
            type: 'function_call_output',
            call_id: '1',
            output: [
              { type: 'input_text', text: 'y' },
              { type: 'input_image', image_url: 'data:,' },
            ],
          },
          { role: 'user', content: 'so?' },
        ],
      },
      {
        messages: [
          { role: 'assistant', content: 'Let me look.', tool_calls: [{ id: '1' }, { id: '2' }] },
          { role: 'tool', tool_call_id: '2', content: 'x' },
          { role: 'tool', tool_call_id: '1', content: 'y' },
          { role: 'user', content: [{ type: 'image_url' }] },
          { role: 'user', content: 'so?' },
        ],
      },
    ],
    [
      'what was thought earlier, which is left out',
      {
        input: [
          { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'hm' }] },
          { role: 'user', content: 'hi' },
        ],
      },
      { messages: [{ role: 'user', content: 'hi' }] },
    ],
    [
      'limits',
      { max_output_tokens: 5, temperature: 0.5, top_p: 1 },
      { max_completion_tokens: 5, temperature: 0.5, top_p: 1 },
    ],
    ['log-probabilities', { include: ['message.output_text.logprobs'] }, { logprobs: true }],
    ['alternatives', { top_logprobs: 2 }, { logprobs: true, top_logprobs: 2 }],
    ['effort', { reasoning: { effort: 'low', summary: 'auto' } }, { reasoning_effort: 'low' }],
    ['JSON', { text: { format: { type: 'json_object' } } }, { response_format: { type: 'json_object' } }],
    [
      'a schema',
      {
        text: {
          verbosity: 'low',
          format: { type: 'json_schema', name: 's', schema: { type: 'object' }, strict: true },
        },
      },
      {
        verbosity: 'low',
        response_format: { json_schema: { name: 's', schema: { type: 'object' }, strict: true } },
      },
    ],
    [
      'functions, one at a time',
      { tools: TOOLS, tool_choice: { type: 'function', name: 'g' }, parallel_tool_calls: false },
      {
        tools: [{ function: { name: 'f', parameters: { type: 'object' } } }, { function: { name: 'g' } }],
        tool_choice: { type: 'function', function: { name: 'g' } },
        parallel_tool_calls: false,
      },
    ],
    [
      'the functions that are allowed',
      {
        tools: TOOLS,
        tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'g' }] },
      },
      { tools: [{ function: { name: 'g' } }], tool_choice: 'required' },
    ],
    [
      'who asks',
      { user: 'u', safety_identifier: 's', prompt_cache_key: 'k' },
      { user: 'u', safety_identifier: 's', prompt_cache_key: 'k' },
    ],
  ])('keeps %s', (_, change, expected) => {
    const made = from(change);
    expect(made).toMatchObject(expected);
    expect(ChatCompletionRequest.safeParse(JSON.parse(JSON.stringify(made))).error).toBeUndefined();
  });

  it('goes on with what was said before, whose instructions do not count any more', () => {
    const earlier = said([{ role: 'user', content: 'first' }, CALL]);
    const { messages } = from(
      { instructions: 'be brief', input: [{ type: 'function_call_output', call_id: '1', output: 'x' }] },
      earlier,
    );
    expect(messages).toMatchObject([
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'first' },
      called,
      { role: 'tool', content: 'x' },
    ]);
  });

  it('is refused with a result of no call, and with nothing to answer', () => {
    expect(() => from({ input: [{ type: 'function_call_output', call_id: '9', output: 'x' }] })).toThrow(
      /call_id 9/,
    );
    expect(() => from({ input: [{ type: 'reasoning', summary: [] }] })).toThrow(
      /nothing that a model could answer/,
    );
    const many = Array.from({ length: 1500 }, () => ({ role: 'user', content: 'a' }));
    expect(() => from({ input: many }, said(many))).toThrow(/3000 messages/);
  });

  it('is listed as items that say the same again', () => {
    const item = fc.oneof(
      fc.record({
        role: fc.constantFrom('user', 'assistant', 'system', 'developer'),
        content: fc.string({ minLength: 1, maxLength: 5 }),
      }),
      fc.constant(CALL),
      fc.constant({ type: 'reasoning', summary: [] }),
    );
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 8 }), (items) => {
        const input = [...items, { role: 'user', content: 'hi' }];
        const again = z.array(ResponseItem).parse(JSON.parse(JSON.stringify(withIds(said(input), ID))));
        expect(new Set(again.map((one) => one.id)).size).toBe(input.length);
        const textOf = (content: unknown) =>
          Array.isArray(content) ? content.map((part) => part.text).join('') : content;
        const texts = (made: ChatCompletionRequest) =>
          made.messages.map(({ role, content }) => [role, textOf(content)]);
        expect(texts(from({ input: again }))).toEqual(texts(from({ input })));
      }),
    );
  });
});

describe('an error', () => {
  it.each([
    ['messages.0.content', 'messages.0.content: is too long', 'input', 'input.0.content: is too long'],
    ['response_format', 'response_format: must be text', 'text.format', 'text.format: must be text'],
    ['max_tokens', 'Too many.', 'max_output_tokens', 'Too many.'],
    ['temperature', 'temperature: no', 'temperature', 'temperature: no'],
  ])('about %s names the field of the request', (param, message, mine, words) => {
    expect(asResponsesError(new PlatformError('invalid_request', message, { param }))).toMatchObject({
      param: mine,
      message: words,
      code: 'invalid_request',
    });
  });
});
