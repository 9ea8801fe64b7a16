/** Requests of other formats become chat completions that the platform takes, whatever the format lets through. */
import {
  AnthropicMessagesRequest,
  ChatCompletionRequest,
  type ChatMessage,
  CompletionRequest,
  PlatformError,
  PublicChatCompletionRequest,
  ResponsesRequest,
} from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  anthropicMessages,
  asResponsesError,
  fromAnthropic,
  fromCompletion,
  fromPublicChat,
  fromResponses,
  inputItems,
  responseOf,
  type SaidItem,
  withIds,
} from '../src/index.ts';

const word = fc.string({ maxLength: 5 });
const name = fc.stringMatching(/^[a-z]{1,4}$/);
const id = fc.constantFrom('1', '2', '3');
const tools = fc.uniqueArray(name, { maxLength: 3 });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const PNG = 'data:image/png;base64,AA==';

/** What has no value is not said. */
const sent = (value: object) => JSON.parse(JSON.stringify(value)) as object;

/** Calls stand before their results, and nothing is said by nobody. */
function expectSound(messages: readonly ChatMessage[]): void {
  const called = new Set<string>();
  for (const message of messages) {
    if (message.role === 'assistant') {
      for (const call of message.tool_calls ?? []) called.add(call.id);
      expect(message.content != null || message.tool_calls !== undefined).toBe(true);
    }
    if (message.role === 'tool') expect(called).toContain(message.tool_call_id);
  }
}

const refused = (error: unknown) => {
  if (error instanceof PlatformError) return { code: error.code, param: error.param };
  throw error;
};

describe("Anthropic's messages", () => {
  const text = word.map((value) => ({ type: 'text', text: value }));
  const image = fc.constantFrom(
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } },
    { type: 'image', source: { type: 'url', url: 'https://example.org/a.png' } },
  );
  const result = fc.record(
    {
      type: fc.constant('tool_result'),
      tool_use_id: id,
      content: fc.oneof(word, fc.array(fc.oneof(text, image), { maxLength: 3 })),
      is_error: fc.boolean(),
    },
    { requiredKeys: ['type', 'tool_use_id'] },
  );
  const use = fc.record({
    type: fc.constant('tool_use'),
    id,
    name,
    input: fc.dictionary(word, fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 }),
  });
  const thinking = fc.constant({ type: 'thinking', thinking: 'hm', signature: 's' });
  const blocks = (...all: fc.Arbitrary<object>[]) =>
    fc.oneof(word, fc.array(fc.oneof(...all), { minLength: 1, maxLength: 4 }));
  const message = fc.oneof(
    fc.record({ role: fc.constant('user'), content: blocks(text, image, result) }),
    fc.record({ role: fc.constant('assistant'), content: blocks(text, use, thinking) }),
  );
  const request = tools.chain((names) =>
    fc
      .record({
        model: name,
        max_tokens: fc.integer({ min: 1, max: 100 }),
        messages: fc.array(message, { minLength: 1, maxLength: 5 }),
        system: optional(fc.oneof(word, fc.array(text, { maxLength: 2 }))),
        stop_sequences: optional(fc.array(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 2 })),
        temperature: optional(fc.constantFrom(0, 0.5, 1)),
        metadata: optional(fc.constantFrom({}, { user_id: null }, { user_id: 'u' })),
        tool_choice: optional(
          fc.constantFrom(
            ...[{ type: 'auto' }, { type: 'none' }],
            ...(names.length === 0
              ? []
              : [
                  { type: 'any', disable_parallel_tool_use: true },
                  { type: 'tool', name: names[0] },
                ]),
          ),
        ),
      })
      .map((one) => ({
        ...one,
        tools: names.map((tool) => ({ name: tool, input_schema: { type: 'object' } })),
      })),
  );

  it('are a chat completion that the platform takes, or nothing at all that a model could answer', () => {
    fc.assert(
      fc.property(request, (given) => {
        const parsed = AnthropicMessagesRequest.parse(sent(given));
        let made: ChatCompletionRequest;
        try {
          made = fromAnthropic(parsed);
        } catch (error) {
          expect(refused(error)).toEqual({ code: 'invalid_request', param: 'messages' });
          const said = parsed.messages.flatMap(({ content }): { type: string }[] =>
            typeof content === 'string' ? [{ type: 'string' }] : [...content],
          );
          expect(said.every(({ type }) => ['thinking', 'text'].includes(type))).toBe(true);
          return;
        }
        expect(ChatCompletionRequest.safeParse(made).error).toBeUndefined();
        // All that is said is said again, in order.
        const texts = parsed.messages.flatMap(({ content }) =>
          typeof content === 'string'
            ? [content]
            : content.flatMap((block) => (block.type === 'text' ? [block.text] : [])),
        );
        const whole = JSON.stringify(made.messages);
        for (const one of texts) expect(whole).toContain(JSON.stringify(one).slice(1, -1));
        const pictures = JSON.stringify(parsed.messages).split('"type":"image"').length;
        expect(whole.split('"type":"image_url"').length).toBe(pictures);
      }),
      { numRuns: 120 },
    );
  });

  it('are counted as they are asked', () => {
    fc.assert(
      fc.property(request, (given) => {
        const parsed = AnthropicMessagesRequest.parse(
          sent({ ...given, messages: [{ role: 'user', content: 'hi' }, ...given.messages] }),
        );
        expect(anthropicMessages(parsed)).toEqual(fromAnthropic(parsed).messages);
      }),
      { numRuns: 100 },
    );
  });

  it.each<[string, object[], object]>([
    [
      'only what was thought',
      [{ role: 'assistant', content: [{ type: 'thinking', thinking: 'x' }] }],
      { code: 'invalid_request', param: 'messages' },
    ],
    [
      'more results than a model takes messages',
      Array.from({ length: 9 }, () => ({
        role: 'user',
        content: Array.from({ length: 256 }, () => ({ type: 'tool_result', tool_use_id: '1' })),
      })),
      { code: 'context_length_exceeded', param: 'messages' },
    ],
  ])('are refused with %s', (_, messages, error) => {
    const parsed = AnthropicMessagesRequest.parse({
      model: 'm',
      max_tokens: 5,
      system: 'Be brief.',
      messages,
    });
    expect(() => fromAnthropic(parsed)).toThrow(expect.objectContaining(error));
  });
});

describe("OpenAI's responses", () => {
  const part = fc.oneof(
    word.map((text) => ({ type: 'input_text', text })),
    fc
      .constantFrom('auto', 'original', null)
      .map((detail) => ({ type: 'input_image', image_url: PNG, detail })),
  );
  const item = fc.oneof(
    fc.record({
      type: fc.constant('message'),
      role: fc.constantFrom('user', 'system', 'developer', 'assistant'),
      content: word,
    }),
    fc.record({
      type: fc.constant('message'),
      role: fc.constant('user'),
      content: fc.array(part, { maxLength: 3 }),
    }),
    fc.record({ type: fc.constant('function_call'), call_id: id, name, arguments: word }),
    fc.record({ type: fc.constant('reasoning'), summary: fc.constant([]) }),
    fc.record({
      type: fc.constant('function_call_output'),
      call_id: id,
      output: fc.oneof(word, fc.array(part, { maxLength: 3 })),
    }),
  );
  const request = fc.record({
    model: name,
    input: fc.oneof(fc.string({ minLength: 1 }), fc.array(item, { minLength: 1, maxLength: 8 })),
    instructions: optional(word),
    tools: optional(
      tools.map((names) =>
        names.map((tool) => ({ type: 'function', name: tool, parameters: {}, strict: false })),
      ),
    ),
    text: optional(fc.constantFrom({}, { format: { type: 'json_object' } }, { verbosity: 'low' })),
    reasoning: optional(fc.constantFrom({}, { effort: 'low' }, null)),
    top_logprobs: optional(fc.constantFrom(0, 3)),
    include: optional(fc.constantFrom([], ['message.output_text.logprobs'])),
  });
  const said = (given: ResponsesRequest) => ({ earlier: [], items: inputItems(given.input) as SaidItem[] });

  it('are a chat completion that the platform takes, with calls before their results, or refused at their input', () => {
    fc.assert(
      fc.property(request, (given) => {
        const parsed = ResponsesRequest.parse(sent(given));
        let made: ChatCompletionRequest;
        try {
          made = fromResponses(parsed, said(parsed));
        } catch (error) {
          expect(refused(error)).toEqual({ code: 'invalid_request', param: 'input' });
          return;
        }
        expect(ChatCompletionRequest.safeParse(made).error).toBeUndefined();
        expectSound(made.messages);
      }),
      { numRuns: 120 },
    );
  });

  it('lists items under ids of the response, each its own, which are of its input', () => {
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 20 }), (items) => {
        const parsed = ResponsesRequest.parse({ model: 'm', input: items });
        const listed = withIds(inputItems(parsed.input) as SaidItem[], `resp_${'0f'.repeat(24)}`);
        expect(new Set(listed.map((one) => one.id)).size).toBe(items.length);
        // References name what a model said alone.
        for (const one of listed) expect(responseOf(one.id)).toBeUndefined();
        expect(listed.map(({ type }) => type)).toEqual(items.map(({ type }) => type));
      }),
    );
  });

  it('knows the response of an id of its own making alone', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[0-9a-f]{48}$/),
        fc.nat(4095),
        fc.constantFrom('msg', 'rs', 'fc', 'fco'),
        (hex, at, prefix) => {
          const one = `${prefix}_${hex}o${at.toString(16).padStart(3, '0')}`;
          expect(responseOf(one)).toBe(`resp_${hex}`);
          for (const other of [one.slice(1), `${one}0`, one.replace('o', 'i'), one.toUpperCase(), ` ${one}`])
            if (other !== one) expect(responseOf(other)).not.toBe(`resp_${hex}`);
        },
      ),
    );
  });

  it.each([
    ['messages.3.content', 'messages.3: is long', 'input', 'input.3: is long'],
    ['response_format.json_schema', 'no grammar', 'text.format.json_schema', 'no grammar'],
    ['max_tokens', 'max_tokens: is too large', 'max_output_tokens', 'max_output_tokens: is too large'],
    ['temperature', 'temperature: no', 'temperature', 'temperature: no'],
    ['constructor', 'constructor: no', 'constructor', 'constructor: no'],
  ])('tells an error at %s in its own words', (param, message, field, words) => {
    const error = asResponsesError(
      new PlatformError('invalid_request', message, { param, retry_after_ms: 5 }),
    );
    expect(error).toMatchObject({ param: field, message: words, retry_after_ms: 5, code: 'invalid_request' });
  });

  it.each([new Error('broke'), 'text', new PlatformError('internal', 'no')])(
    'passes on any other error: %s',
    (error) => {
      expect(asResponsesError(error)).toBe(error);
    },
  );
});

describe('prompts and functions', () => {
  it('are one chat completion for each prompt, with all that was asked beside it', () => {
    const request = fc.record({
      model: name,
      prompt: fc.array(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
      max_tokens: optional(fc.integer({ min: 1, max: 50 })),
      logprobs: optional(fc.integer({ min: 0, max: 5 })),
      temperature: optional(fc.constantFrom(0, 1)),
      n: optional(fc.integer({ min: 1, max: 3 })),
    });
    fc.assert(
      fc.property(request, (given) => {
        const parsed = CompletionRequest.parse(sent(given));
        const made = fromCompletion(parsed, given.prompt);
        expect(made.map(({ messages }) => messages)).toEqual(
          given.prompt.map((content) => [{ role: 'user', content }]),
        );
        for (const one of made) {
          expect(ChatCompletionRequest.safeParse(one).error).toBeUndefined();
          expect(one).toMatchObject(sent({ model: given.model, temperature: given.temperature, n: given.n }));
          expect(one.max_tokens).toBe(given.max_tokens ?? 16);
          expect([one.logprobs, one.top_logprobs]).toEqual(
            given.logprobs === undefined ? [undefined, undefined] : [true, given.logprobs],
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  it('are tools, and results of functions the results of their last calls', () => {
    const message = fc.oneof(
      fc.record({ role: fc.constant('user'), content: word }),
      fc.record({
        role: fc.constant('assistant'),
        content: fc.constant(null),
        function_call: fc.record({ name, arguments: word }),
      }),
      fc.record({ role: fc.constant('assistant'), content: word, function_call: fc.constant(null) }),
    );
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 6 }),
        fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
        (messages, names) => {
          const results = messages.flatMap((one): object[] =>
            'function_call' in one && one.function_call !== null
              ? [one, { role: 'function', name: one.function_call.name, content: 'r' }]
              : [one],
          );
          const parsed = PublicChatCompletionRequest.parse({
            model: 'm',
            messages: results,
            functions: names.map((one) => ({ name: one })),
          });
          const { request, functions } = fromPublicChat(parsed);
          expect(functions).toBe(true);
          expect(ChatCompletionRequest.safeParse(request).error).toBeUndefined();
          expectSound(request.messages.filter(({ role }) => role === 'tool' || role === 'assistant'));
          expect(request.tools?.map((tool) => tool.function.name)).toEqual(names);
          expect(request.parallel_tool_calls).toBe(false);
        },
      ),
      { numRuns: 60 },
    );
  });
});
