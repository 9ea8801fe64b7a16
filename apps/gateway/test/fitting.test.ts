import {
  type CallContext,
  type ChatCompletionRequest,
  type ChatMessage,
  type ModelEvent,
  PlatformError,
  textOf,
} from '@mcp/contracts';
import { Calibrations } from '@mcp/conversation';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Gateway } from '../src/gateway.ts';
import { gatewayCall } from '../src/models.ts';
import { type Fitting, fittedEvents, withWayOut } from '../src/pipeline/fitting.ts';

const MAX_CONTEXT = 400;

const charsOf = (messages: readonly ChatMessage[]) =>
  messages.reduce((sum, { content }) => sum + 16 + textOf(content, { picture: () => '' }).length, 0);

/** A model that is counted by four characters a token, takes so many of them, and refuses what does not fit with its answer. */
function serving(chars_per_token: number, { exact = false } = {}) {
  const asked: ChatCompletionRequest[] = [];
  const phases: string[] = [];
  let refused = 0;
  const models = {
    countTokens: async ({ messages }: { messages: readonly ChatMessage[] }) => ({
      tokens: Math.ceil(charsOf(messages) / (exact ? chars_per_token : 4)),
      exact,
      max_context: MAX_CONTEXT,
    }),
    models: async () => [],
    async *generate(request: ChatCompletionRequest, _: CallContext): AsyncGenerator<ModelEvent> {
      const input_tokens = Math.ceil(charsOf(request.messages) / chars_per_token);
      const summary = request.messages[0]?.content === 'Summarise the text in three sentences.';
      if (input_tokens + (request.max_tokens ?? 1) > MAX_CONTEXT) {
        refused++;
        throw new PlatformError('context_length_exceeded', 'Too long.', { param: 'messages' });
      }
      if (!summary) asked.push(request);
      yield { type: 'start', id: 'c', model: 'm', backend: 'b', created_s: 1 };
      yield { type: 'text', choice: 0, text: summary ? 'In short.' : 'Yes.' };
      yield { type: 'usage', usage: { input_tokens, output_tokens: 2 } };
    },
  };
  const gateway = {
    inference: () => models,
    calibrations: new Calibrations(),
    models: { label: (id: string) => id },
    kit: {
      metrics: { inc: (_: string, { phase }: { phase: string }) => phases.push(phase) },
      log: { warn: () => undefined },
    },
  } as unknown as Gateway;
  const fit = async (request: Omit<ChatCompletionRequest, 'model'>) => {
    let fitting: Fitting | undefined;
    const events: ModelEvent[] = [];
    const onFitted = (told: Fitting) => {
      fitting = told;
    };
    const whole = { model: 'm', ...request } as ChatCompletionRequest;
    for await (const event of fittedEvents(gateway, { request: whole, call: gatewayCall(5000), onFitted }))
      events.push(event);
    return { fitting, events, asked: asked.at(-1) };
  };
  return { fit, phases, refused: () => refused };
}

const sentence = fc
  .array(fc.constantFrom('boats', 'winter', 'engines', 'rust', 'sail', 'quickly'), {
    minLength: 2,
    maxLength: 12,
  })
  .map((words) => `${words.join(' ')}. `);
const said = fc.array(sentence, { minLength: 1, maxLength: 12 }).map((list) => list.join(''));
const turn = fc
  .record({ question: said, answer: said, called: fc.boolean() })
  .map(({ question, answer, called }): ChatMessage[] => [
    { role: 'user', content: question },
    ...(called
      ? ([
          {
            role: 'assistant',
            content: null,
            tool_calls: [{ id: question, type: 'function', function: { name: 'f', arguments: '{}' } }],
          },
          { role: 'tool', tool_call_id: question, content: answer },
        ] satisfies ChatMessage[])
      : []),
    { role: 'assistant', content: answer },
  ]);
const contexts = fc
  .tuple(fc.array(turn, { maxLength: 6 }), said)
  .map(([turns, last]): ChatMessage[] => [
    { role: 'system', content: 'Be brief.' },
    ...turns.flat(),
    { role: 'user', content: last },
  ]);

describe('a context that is made to fit', () => {
  it('is one that the model takes, with what the system says and the last question, and calls with results', async () => {
    await fc.assert(
      fc.asyncProperty(
        contexts,
        fc.double({ min: 2.5, max: 5, noNaN: true }),
        fc.boolean(),
        async (messages, chars_per_token, exact) => {
          const { fit } = serving(chars_per_token, { exact });
          const { fitting, asked, events } = await fit({ messages, max_tokens: 40 });
          expect(events.at(-1)).toMatchObject({ type: 'usage' });
          expect(asked?.messages[0]).toEqual(messages[0]);
          expect(asked?.messages.at(-1)?.role).toBe('user');
          const calls = asked?.messages.flatMap((one) =>
            one.role === 'assistant' ? (one.tool_calls ?? []).map(({ id }) => id) : [],
          );
          const results = asked?.messages.flatMap((one) => (one.role === 'tool' ? [one.tool_call_id] : []));
          expect(results).toEqual(calls);
          if (fitting?.action === 'none') expect(asked?.messages).toEqual(messages);
          const roles = asked?.messages.filter(({ role }) => role === 'user' || role === 'assistant') ?? [];
          // Two users in a row only where there were.
          const doubled = roles.filter(
            (one, i) => i > 0 && one.role === 'user' && roles[i - 1]?.role === 'user',
          );
          expect(doubled).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  const long = 'Rust never sleeps here, and winter is long for boats. '.repeat(400);
  const unbroken = 'rust never sleeps '.repeat(1200);
  const question: ChatMessage = { role: 'user', content: 'Why do boats rust?' };
  const call = (content: string): ChatMessage[] => [
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: '1', content },
  ];
  it.each<[string, ChatMessage[]]>([
    ['one message', [{ role: 'user', content: long }]],
    ['one message without a sentence', [{ role: 'user', content: unbroken }]],
    [
      'a message before the question',
      [{ role: 'user', content: long }, { role: 'assistant', content: 'Ok.' }, question],
    ],
    [
      'one without a sentence',
      [{ role: 'user', content: unbroken }, { role: 'assistant', content: 'Ok.' }, question],
    ],
    [
      'an answer before the question',
      [{ role: 'user', content: 'Tell me.' }, { role: 'assistant', content: long }, question],
    ],
    ['both', [{ role: 'user', content: long }, { role: 'assistant', content: long }, question]],
    [
      'a result of a tool',
      [{ role: 'user', content: 'Look.' }, ...call(long), { role: 'assistant', content: 'Ok.' }, question],
    ],
    ['a result that is asked about', [question, ...call(unbroken)]],
    [
      'many small messages',
      [
        ...Array.from(
          { length: 700 },
          (_, i): ChatMessage => ({ role: i % 2 === 0 ? 'user' : 'assistant', content: `Part ${i}.` }),
        ),
        question,
      ],
    ],
  ])('fills its room where %s is far too long', async (_, messages) => {
    const { fit } = serving(4, { exact: true });
    const { asked, fitting } = await fit({
      messages: [{ role: 'system', content: 'Be brief.' }, ...messages],
      max_tokens: 40,
    });
    const tokens = Math.ceil(charsOf(asked?.messages ?? []) / 4);
    expect(tokens).toBeGreaterThanOrEqual(0.6 * (MAX_CONTEXT - 40));
    expect(fitting?.input_tokens).toBeGreaterThanOrEqual(tokens);
    expect(
      asked?.messages.some(({ content }) =>
        textOf(content, { picture: () => '' }).includes(String(messages.at(-1)?.content).slice(0, 10)),
      ),
    ).toBe(true);
  });

  it('is fitted again when it is refused as too long, and later ones are known to be longer', async () => {
    const { fit, refused, phases } = serving(2.2);
    const messages: ChatMessage[] = [{ role: 'user', content: 'Rust never sleeps here. '.repeat(40) }];
    expect((await fit({ messages, max_tokens: 20 })).fitting?.action).toBe('truncated');
    expect(refused()).toBeGreaterThan(0);
    for (let i = 0; i < 3; i++) await fit({ messages, max_tokens: 20 });
    const before = refused();
    await fit({ messages, max_tokens: 20 });
    expect(refused()).toBe(before);
    expect(new Set(phases)).toEqual(new Set(['truncated']));
  });

  it('has no longer an answer than there is room, and room for tools', async () => {
    const { fit } = serving(4, { exact: true });
    const messages: ChatMessage[] = [{ role: 'user', content: 'Rust never sleeps here. '.repeat(100) }];
    const plain = await fit({ messages, max_tokens: 390 });
    expect(plain.asked?.max_tokens).toBeLessThan(260);
    const parameters = { type: 'object', description: 'x'.repeat(400) };
    const tools = [{ type: 'function' as const, function: { name: 'f', parameters } }];
    const less = await fit({ messages, max_tokens: 390, tools });
    const size = ({ asked }: typeof plain) => charsOf(asked?.messages ?? []);
    expect(size(less)).toBeLessThan(size(plain) - 300);
  });

  it('is refused where the system prompt alone is too long', async () => {
    const { fit } = serving(4, { exact: true });
    const messages: ChatMessage[] = [
      { role: 'system', content: 'Rust never sleeps here. '.repeat(100) },
      { role: 'user', content: 'Why?' },
    ];
    await expect(fit({ messages })).rejects.toMatchObject({
      code: 'context_length_exceeded',
      param: 'messages',
    });
  });
});

describe('the way out', () => {
  it('is told to whoever did not ask, and of nothing else', () => {
    const error = new PlatformError('context_length_exceeded', 'Too long.', { param: 'messages' });
    expect(withWayOut(error)).toMatchObject({
      code: 'context_length_exceeded',
      param: 'messages',
      message: expect.stringContaining('x-mcp-context: fit'),
    });
    const other = new PlatformError('overloaded', 'Full.');
    expect(withWayOut(other)).toBe(other);
  });
});
