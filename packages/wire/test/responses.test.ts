import {
  ChatCompletionRequest,
  type ModelEvent,
  PlatformError,
  ResponseItem,
  ResponsesRequest,
} from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  asResponsesError,
  collect,
  fromResponses,
  inputItems,
  ResponseEncoder,
  responseOf,
  type SaidItem,
  withIds,
  withoutOldest,
} from '../src/index.ts';
import { generation, stream } from './support.ts';

const ID = `resp_${'0af'.repeat(16)}`;
const Item = z.looseObject({ id: z.string(), type: z.string() });
const Frame = z.looseObject({
  type: z.string(),
  sequence_number: z.number(),
  output_index: z.number().optional(),
  item_id: z.string().optional(),
  delta: z.string().optional(),
  text: z.string().optional(),
  arguments: z.string().optional(),
  item: Item.optional(),
  response: z.looseObject({ id: z.string(), status: z.string(), output: z.array(Item) }).optional(),
});
type Frame = z.infer<typeof Frame>;

const encoderOf = (request: object = {}) =>
  new ResponseEncoder({
    id: ID,
    request: ResponsesRequest.parse({ model: 'm', input: 'hi', ...request }),
    store: true,
  });

function framesIn(text: string): Frame[] {
  return text
    .split('\n\n')
    .filter((one) => one !== '')
    .map((one) => {
      const [event, data] = one.split('\n');
      const frame = Frame.parse(JSON.parse((data ?? '').replace(/^data: /, '')));
      expect(event).toBe(`event: ${frame.type}`);
      return frame;
    });
}

function framesOf(events: readonly ModelEvent[]): Frame[] {
  const encoder = encoderOf();
  const text = events.map((event) => encoder.encode(event)).join('');
  return framesIn(text + encoder.close() + encoder.end({ store: true, completed_s: 1 }));
}

/** What a client puts together of one item: its deltas, and what is said of it when it is done. */
function followed(frames: readonly Frame[]): Map<string, { deltas: string; done: string[]; ended: unknown }> {
  const items = new Map<string, { deltas: string; done: string[]; ended: unknown }>();
  const order: string[] = [];
  for (const { type, output_index, item_id, item, delta, text, arguments: given } of frames) {
    if (type === 'response.output_item.added') {
      expect(output_index).toBe(order.length);
      order.push(item?.id ?? '');
      items.set(item?.id ?? '', { deltas: '', done: [], ended: undefined });
      continue;
    }
    const id = item_id ?? item?.id;
    if (id === undefined) continue;
    expect(order[output_index ?? -1]).toBe(id);
    const known = items.get(id);
    if (known === undefined) throw new Error(`${type} of an item that was not added`);
    expect(known.ended, type).toBeUndefined();
    if (type === 'response.output_item.done') known.ended = item;
    else if (delta !== undefined) known.deltas += delta;
    else if (text !== undefined || given !== undefined) known.done.push(text ?? given ?? '');
  }
  return items;
}

describe('a stream', () => {
  it('has its events in order, each item whole, and in them what the completion has', async () => {
    await fc.assert(
      fc.asyncProperty(generation, async (events) => {
        const frames = framesOf(events);
        expect(frames.map((frame) => frame.sequence_number)).toEqual(frames.map((_, i) => i));
        expect(frames.slice(0, 2).map(({ type }) => type)).toEqual([
          'response.created',
          'response.in_progress',
        ]);
        const last = frames.at(-1);
        expect(last?.type).toBe(`response.${last?.response?.status}`);
        expect(frames.filter(({ type }) => /^response\.(completed|incomplete)$/.test(type))).toHaveLength(1);
        const items = [...followed(frames).values()];
        for (const { deltas, done } of items) expect(done).toEqual([deltas]);
        expect(last?.response?.output).toEqual(items.map(({ ended }) => ended));
        const [choice] = (await collect(stream(events))).choices;
        const told = (type: string) =>
          items.filter(({ ended }) => Item.parse(ended).type === type).map(({ deltas }) => deltas);
        expect(told('message').join('')).toBe(choice?.text ?? '');
        expect(told('reasoning').join('')).toBe(choice?.reasoning ?? '');
        expect(told('function_call')).toEqual(
          (choice?.tool_calls ?? []).map((call) => call.function.arguments),
        );
      }),
      { numRuns: 200 },
    );
  });

  it('makes the completion that its events make', async () => {
    await fc.assert(
      fc.asyncProperty(generation, async (events) => {
        const encoder = encoderOf();
        for (const event of events) encoder.encode(event);
        encoder.close();
        const [mine, [theirs]] = [encoder.completion(), (await collect(stream(events))).choices];
        expect(mine.choices[0]).toEqual({ ...theirs, index: 0 });
      }),
    );
  });

  it('gives items that can be sent back as they are, and whose ids say which response they are of', () => {
    fc.assert(
      fc.property(generation, (events) => {
        for (const item of framesOf(events).at(-1)?.response?.output ?? []) {
          // A name that no function may have is none of ours.
          const { error } = ResponseItem.safeParse({
            ...item,
            ...('name' in item ? { name: 'f', call_id: '1' } : {}),
          });
          expect(error).toBeUndefined();
          expect(responseOf(item.id)).toBe(ID);
        }
      }),
    );
  });

  it('has a last event when it fails, with what was said so far', () => {
    const encoder = encoderOf();
    const events: ModelEvent[] = [
      { type: 'start', id: 'c', model: 'm', backend: 'b', created_s: 1 },
      { type: 'text', choice: 0, text: 'so' },
    ];
    const text = events.map((event) => encoder.encode(event)).join('');
    const frames = framesIn(text + encoder.fail(new PlatformError('upstream_failed', 'It broke.')));
    expect(frames.at(-1)).toMatchObject({
      type: 'response.failed',
      sequence_number: frames.length - 1,
      response: {
        status: 'failed',
        error: { code: 'server_error', message: 'It broke.' },
        output: [{ status: 'incomplete', content: [{ text: 'so' }] }],
      },
    });
  });

  it.each([
    ['stop', 'completed', null],
    ['tool_calls', 'completed', null],
    ['length', 'incomplete', { reason: 'max_output_tokens' }],
    ['cancelled', 'incomplete', { reason: 'max_output_tokens' }],
    ['content_filter', 'incomplete', { reason: 'content_filter' }],
  ] as const)('that ends by %s is %s', (unified, status, incomplete_details) => {
    const frames = framesOf([
      { type: 'start', id: 'c', model: 'm', backend: 'b', created_s: 1 },
      { type: 'finish', choice: 0, reason: { unified, raw: null } },
    ]);
    expect(frames.at(-1)?.response).toMatchObject({
      status,
      incomplete_details,
      output: [{ type: 'message', status, content: [{ text: '' }] }],
    });
  });
});

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

describe('what is too long', () => {
  const role = fc.constantFrom('system' as const, 'user' as const, 'assistant' as const);
  const messages = fc
    .array(fc.record({ role, content: fc.string({ minLength: 1, maxLength: 9 }) }), { maxLength: 12 })
    .map((before) => [...before, { role: 'user' as const, content: 'last' }]);
  const size = (list: readonly object[]) => list.reduce((sum, one) => sum + JSON.stringify(one).length, 0);

  it('loses its oldest turns, and no more of them than it must', () => {
    fc.assert(
      fc.property(messages, fc.nat(800), (all, max_chars) => {
        const left = withoutOldest(all, max_chars);
        const system = all.filter((one) => one.role === 'system');
        expect(left.filter((one) => one.role === 'system')).toEqual(system);
        expect(left.at(-1)).toEqual(all.at(-1));
        const said = (list: typeof all) => list.filter((one) => one.role !== 'system');
        const kept = said(left as typeof all);
        expect(said(all).slice(said(all).length - kept.length)).toEqual(kept);
        if (size(all) <= max_chars) expect(left).toEqual(all);
        else expect(kept[0]?.role).toBe('user');
        // With the turn before, it would be too long.
        const lost = said(all).slice(0, said(all).length - kept.length);
        const turn = lost.slice(
          Math.max(
            0,
            lost.findLastIndex((one) => one.role === 'user'),
          ),
        );
        if (lost.length > 0) expect(size(left) + size(turn)).toBeGreaterThan(max_chars);
      }),
      { numRuns: 300 },
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
