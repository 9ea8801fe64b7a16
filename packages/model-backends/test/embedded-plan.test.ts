/** What an embedded model is asked is checked before it is begun: a real model, of which no token is written. */
import { AssetStore } from '@mcp/assets';
import type { ChatCompletionRequest, ChatMessage } from '@mcp/contracts';
import fc from 'fast-check';
import { type Llama, type LlamaModel, resolveChatWrapper } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callSyntaxOf } from '../src/embedded/calls/syntax.ts';
import { countMessages, type PlanContext, planOf } from '../src/embedded/plan.ts';
import { runtime } from '../src/embedded/runtime.ts';
import { refusalOf } from './support.ts';

const MODEL = 'smollm2-135m-instruct';
let llama: Llama;
let model: LlamaModel;
let context: PlanContext;
beforeAll(async () => {
  llama = await runtime(1);
  model = await llama.loadModel({ modelPath: new AssetStore().expected(MODEL), vocabOnly: true });
  const wrapper = resolveChatWrapper(model);
  context = { id: MODEL, llama, model, wrapper, syntax: callSyntaxOf(MODEL), max_context: 1024 };
});
afterAll(async () => {
  await model.dispose();
  await llama.dispose();
});

const tool = (name: string, more: object = {}) => ({
  type: 'function' as const,
  function: { name, ...more },
});
const TOOLS = [
  tool('add'),
  tool('now', { parameters: { type: 'object', properties: { zone: { type: 'string' } } } }),
];
const plan = (more: Partial<ChatCompletionRequest> = {}) =>
  planOf({ model: MODEL, messages: [{ role: 'user', content: 'hi' }], ...more }, context);
const call = (json: string) => [
  { id: '1', type: 'function' as const, function: { name: 'add', arguments: json } },
];

describe('an answer that its request has begun', () => {
  const asked = { role: 'user', content: 'hi' } as const;
  const begun = (content: string): ChatMessage[] => [asked, { role: 'assistant', content }];
  const endOf = async (more: Partial<ChatCompletionRequest>) => {
    const { prompt } = await plan(more);
    return model.detokenize(prompt.slice(-24), true);
  };

  it.each([
    ['text', {}],
    ['with functions', { tools: TOOLS }],
    ['with probabilities', { logprobs: true }],
  ])('is gone on with: %s', async (_, more) => {
    expect(await endOf({ ...more, messages: begun('It is all') })).toMatch(
      /<\|im_start\|>assistant\nIt is all$/,
    );
  });

  it.each<[string, Partial<ChatCompletionRequest>]>([
    [
      'held to JSON, whose grammar begins with its first word',
      { response_format: { type: 'json_object' }, messages: begun('So') },
    ],
    ['empty', { messages: begun('') }],
    ['a call', { messages: [asked, { role: 'assistant', content: 'So:', tool_calls: call('{}') }] }],
    ['followed by another message', { messages: [...begun('It is'), asked] }],
  ])('is none where it is %s', async (_, more) => {
    expect(await endOf(more)).toMatch(/<\|im_end\|>\n<\|im_start\|>assistant\n$/);
  });
});

describe('the plan of an answer', () => {
  it.each<[string, Partial<ChatCompletionRequest>, object]>([
    ['text', {}, { type: 'text', grammar: undefined }],
    ['text that is asked for', { response_format: { type: 'text' } }, { type: 'text', grammar: undefined }],
    ['JSON', { response_format: { type: 'json_object' } }, { type: 'text', grammar: expect.anything() }],
    [
      'JSON of any schema',
      { response_format: { type: 'json_schema', json_schema: { name: 'a' } } },
      { type: 'text', grammar: expect.anything() },
    ],
    [
      'JSON of a schema',
      { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'null' } } } },
      { type: 'text', grammar: expect.anything() },
    ],
    ['probabilities', { logprobs: true }, { type: 'logprobs', top: 0 }],
    ['probabilities with others', { logprobs: true, top_logprobs: 3 }, { type: 'logprobs', top: 3 }],
    ['calls', { tools: TOOLS }, { type: 'calls', calls: { forced: false, max_calls: 128 } }],
    [
      'one call at a time',
      { tools: TOOLS, parallel_tool_calls: false },
      { calls: { forced: false, max_calls: 1 } },
    ],
    [
      'calls that must be',
      { tools: TOOLS, tool_choice: 'required' },
      { calls: { forced: true, max_calls: 128 } },
    ],
    [
      'a call of one function',
      { tools: TOOLS, tool_choice: { type: 'function', function: { name: 'now' } } },
      { calls: { forced: true, max_calls: 1 } },
    ],
    [
      'tools that must not be used',
      { tools: TOOLS, tool_choice: 'none', logprobs: true },
      { type: 'logprobs' },
    ],
  ])('is %s', async (_, more, mode) => {
    expect((await plan(more)).mode).toMatchObject(mode);
  });

  it('names the functions that may be called', async () => {
    const names = async (more: Partial<ChatCompletionRequest>) => {
      const { mode } = await plan({ tools: TOOLS, ...more });
      return mode.type === 'calls' ? [...mode.calls.functions.keys()] : [];
    };
    expect(await names({})).toEqual(['add', 'now']);
    expect(await names({ tool_choice: { type: 'function', function: { name: 'now' } } })).toEqual(['now']);
  });

  it.each<[string, Partial<ChatCompletionRequest>, object]>([
    [
      'nothing, with what keeps small models from repeating themselves',
      {},
      { temperature: 0.7, top_p: 0.95, top_k: 40, min_p: 0 },
    ],
    ['a temperature of nothing', { temperature: 0 }, { temperature: 0 }],
    [
      'a nucleus of nothing, which leaves the likeliest',
      { top_p: 0, temperature: 1 },
      { temperature: 0, top_p: 1 },
    ],
    ['null', { temperature: null, top_p: null, top_k: null }, { temperature: 0.7, top_p: 0.95, top_k: 40 }],
    [
      'all',
      {
        temperature: 1,
        top_p: 0.5,
        top_k: 0,
        min_p: 0.1,
        seed: 7,
        presence_penalty: 1,
        frequency_penalty: -1,
      },
      {
        temperature: 1,
        top_p: 0.5,
        top_k: 0,
        min_p: 0.1,
        seed: 7,
        presence_penalty: 1,
        frequency_penalty: -1,
      },
    ],
  ])('samples by %s', async (_, more, sampling) => {
    expect((await plan(more)).sampling).toMatchObject(sampling);
  });

  it('leaves room for the answer, as much as is asked for and no more than there is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(900),
        fc.option(fc.integer({ min: 1, max: 5000 })),
        async (words, max_tokens) => {
          const messages: ChatMessage[] = [{ role: 'user', content: 'word '.repeat(words) }];
          const { prompt, max_tokens: limit } = await plan({ messages, max_tokens });
          expect(prompt.length).toBeGreaterThanOrEqual(words);
          expect(limit).toBe(Math.min(max_tokens ?? 1024, 1024 - prompt.length));
        },
      ),
      { numRuns: 30 },
    );
  });

  it.each<[string, Partial<ChatCompletionRequest>, string, RegExp]>([
    [
      'JSON with tools',
      { tools: TOOLS, response_format: { type: 'json_object' } },
      'response_format',
      /together with tools/,
    ],
    ['probabilities with tools', { tools: TOOLS, logprobs: true }, 'logprobs', /together with tools/],
    [
      'probabilities with JSON',
      { response_format: { type: 'json_object' }, logprobs: true },
      'logprobs',
      /together with response_format/,
    ],
    [
      'probabilities with a bias',
      { logit_bias: { 5: 1 }, logprobs: true },
      'logit_bias',
      /together with logprobs/,
    ],
    [
      'a schema that no grammar can hold',
      {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'a', strict: true, schema: { not: {} } },
        },
      },
      'response_format',
      /response_format: not cannot be held to/,
    ],
    [
      'parameters that no grammar can hold',
      { tools: [tool('add', { parameters: { type: 'object', properties: { a: { type: 'x' } } } })] },
      'tools',
      /tools: a\.type is 'x'/,
    ],
  ])('refuses %s', async (_, more, param, message) => {
    expect(await refusalOf(plan(more))).toMatchObject({
      code: 'unsupported_parameter',
      param,
      message: expect.stringMatching(message),
    });
  });

  it('refuses a function that is not among the tools, and tells which are', async () => {
    const tool_choice = { type: 'function' as const, function: { name: 'sub' } };
    expect(await refusalOf(plan({ tools: TOOLS, tool_choice }))).toMatchObject({
      code: 'invalid_request',
      param: 'tool_choice',
      message: "tool_choice names the function 'sub', which is not among tools. Name one of: add, now.",
    });
  });

  it.each(['-1', '1.5', 'hello', '0x', '1e400'])('refuses a bias on %j, which is no token', async (key) => {
    expect(await refusalOf(plan({ logit_bias: { [key]: 1 } }))).toMatchObject({
      code: 'invalid_request',
      param: 'logit_bias',
    });
  });

  it.each<[string, ChatMessage[]]>([
    ['messages', [{ role: 'user', content: 'word '.repeat(1100) }]],
    ['messages that need no counting', [{ role: 'user', content: 'x'.repeat(70_000) }]],
    ['parts of a message', [{ role: 'user', content: [{ type: 'text', text: 'x'.repeat(70_000) }] }]],
    [
      'arguments of calls',
      [
        { role: 'user', content: 'a' },
        { role: 'assistant', tool_calls: call(`"${'x'.repeat(70_000)}"`) },
      ],
    ],
  ])('refuses %s that are too long, and says how much fits', async (_, messages) => {
    expect(await refusalOf(plan({ messages }))).toMatchObject({
      code: 'context_length_exceeded',
      param: 'messages',
      message: expect.stringMatching(
        /have (more than 1024|1\d\d\d) tokens; smollm2-135m-instruct holds 1024/,
      ),
    });
  });

  it('refuses pictures', async () => {
    const content = [{ type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AA==' } }];
    expect(await refusalOf(plan({ messages: [{ role: 'user', content }] }))).toMatchObject({
      code: 'unsupported_parameter',
      param: 'messages',
    });
  });
});

describe('the count of messages', () => {
  it('is exact, as the model reads them', async () => {
    const messages: ChatMessage[] = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Add 1.' },
      { role: 'assistant', content: 'So:', tool_calls: call('{"a": 1}') },
      { role: 'tool', tool_call_id: '1', content: '2' },
    ];
    const { tokens, exact, max_context } = countMessages(context, messages);
    expect({ exact, max_context }).toEqual({ exact: true, max_context: 1024 });
    expect(tokens).toBe((await plan({ messages })).prompt.length);
    expect(countMessages(context, messages.slice(0, 2)).tokens).toBeLessThan(tokens);
  });

  it.each<[string, ChatMessage]>([
    ['texts', { role: 'user', content: 'x'.repeat(80_000) }],
    ['arguments of calls', { role: 'assistant', tool_calls: call('x'.repeat(80_000)) }],
  ])('is an estimate where %s are far too long', (_, message) => {
    expect(countMessages(context, [message])).toEqual({ tokens: 20_000, exact: false, max_context: 1024 });
  });
});
