import { CompletionRequest, type ModelEvent, type Usage } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collect, completionEncoder, encodeCompletion, fromCompletion, inOneStream } from '../src/index.ts';
import { all, generation, stream } from './support.ts';

interface Chunk {
  readonly id: string;
  readonly choices: readonly {
    readonly index: number;
    readonly text: string;
    readonly logprobs: { readonly tokens: string[]; readonly text_offset: number[] } | null;
    readonly finish_reason: string | null;
  }[];
  readonly usage?: unknown;
}

/** What a client makes of the frames of a stream. */
function read(frames: readonly string[]) {
  const chunks = frames
    .filter((frame) => frame !== '')
    .flatMap((frame) => frame.trim().split('\n\n'))
    .map((frame) => JSON.parse(frame.replace(/^data: /, '')) as Chunk);
  const choices = new Map<number, { text: string; tokens: string[]; offsets: number[]; finish: unknown }>();
  for (const { index, text, logprobs, finish_reason } of chunks.flatMap(({ choices: some }) => some)) {
    const one = choices.get(index) ?? { text: '', tokens: [], offsets: [], finish: null };
    one.text += text;
    one.tokens.push(...(logprobs?.tokens ?? []));
    one.offsets.push(...(logprobs?.text_offset ?? []));
    one.finish = finish_reason ?? one.finish;
    choices.set(index, one);
  }
  return { chunks, choices };
}

const request = (more: Partial<CompletionRequest> = {}): CompletionRequest => ({
  model: 'm',
  prompt: 'once',
  ...more,
});

describe('a completion of a prompt', () => {
  it('says as a stream what it says as a whole, with and without the prompt before it', async () => {
    await fc.assert(
      fc.asyncProperty(generation, fc.array(fc.string(), { maxLength: 3 }), async (events, echoed) => {
        const options = { echoed, n: 1, include_usage: true };
        const whole = encodeCompletion(await collect(stream(events)), options) as unknown as Chunk;
        const { chunks, choices } = read(events.map(completionEncoder(options)));
        expect(whole.choices.map(({ index }) => index)).toEqual([...choices.keys()].sort((a, b) => a - b));
        for (const { index, text, finish_reason } of whole.choices) {
          expect(choices.get(index)).toMatchObject({ text, finish: finish_reason });
          expect(text.startsWith(echoed[index] ?? '')).toBe(true);
        }
        expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
        expect(new Set(chunks.map(({ id }) => id))).toEqual(new Set([whole.id]));
      }),
      { numRuns: 200 },
    );
  });

  it('places its tokens in the text', async () => {
    const logprobs = ['He', 'llo'].map((token) => ({
      token,
      logprob: -1,
      bytes: null,
      top_logprobs: [{ token, logprob: -1, bytes: null }],
    }));
    const [first, second] = logprobs;
    const events: ModelEvent[] = [
      { type: 'start', id: 'chatcmpl-1', model: 'm', backend: 'b', created_s: 1 },
      { type: 'text', choice: 0, text: 'He', logprobs: first === undefined ? [] : [first] },
      { type: 'text', choice: 0, text: 'llo', logprobs: second === undefined ? [] : [second] },
      { type: 'finish', choice: 0, reason: { unified: 'stop', raw: 'stop' } },
    ];
    const options = { echoed: ['abc'], n: 1 };
    expect(encodeCompletion(await collect(stream(events)), options)).toMatchObject({
      id: 'cmpl-1',
      object: 'text_completion',
      choices: [
        {
          text: 'abcHello',
          logprobs: {
            tokens: ['He', 'llo'],
            token_logprobs: [-1, -1],
            top_logprobs: [{ He: -1 }, { llo: -1 }],
            text_offset: [3, 5],
          },
        },
      ],
    });
    const encode = completionEncoder({ ...options, include_usage: false });
    expect(read(events.map(encode)).choices.get(0)).toMatchObject({
      tokens: ['He', 'llo'],
      offsets: [3, 5],
    });
    expect(events.map(encode).join('')).not.toContain('usage');
  });
});

describe('several prompts', () => {
  const said = (n: number, usage: Usage, text: string): ModelEvent[] => [
    { type: 'start', id: text, model: 'm', backend: 'b', created_s: 1 },
    ...Array.from({ length: n }, (_, choice): ModelEvent[] => [
      { type: 'text', choice, text: `${text}${choice}` },
      { type: 'finish', choice, reason: { unified: 'stop', raw: 'stop' } },
    ]).flat(),
    { type: 'usage', usage },
  ];

  it('are one answer: choices count on, usage is summed up', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ input_tokens: fc.nat(99), output_tokens: fc.nat(99) }), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.integer({ min: 1, max: 4 }),
        async (usages, n) => {
          const prompts = usages.map((_, at) => `p${at}`);
          const asked = fromCompletion(request({ n }), prompts);
          const events = inOneStream(asked, ({ messages }) => {
            const text = String(messages[0]?.content);
            return stream(said(n, usages[prompts.indexOf(text)] as Usage, text));
          });
          const { choices, usage, id } = await collect(events);
          expect(id).toBe('p0');
          expect(choices.map(({ index, text }) => [index, text])).toEqual(
            prompts.flatMap((prompt, at) =>
              Array.from({ length: n }, (_, choice) => [at * n + choice, `${prompt}${choice}`]),
            ),
          );
          expect(usage).toEqual({
            input_tokens: usages.reduce((sum, { input_tokens }) => sum + input_tokens, 0),
            output_tokens: usages.reduce((sum, { output_tokens }) => sum + output_tokens, 0),
          });
        },
      ),
    );
  });

  it('are asked one after the other, and not at all once the reader has left', async () => {
    const asked: string[] = [];
    const events = inOneStream(fromCompletion(request(), ['a', 'b']), ({ messages }) => {
      asked.push(String(messages[0]?.content));
      return stream(said(1, { input_tokens: 1, output_tokens: 1 }, 'x'));
    });
    for await (const event of events) if (event.type === 'finish') break;
    expect(asked).toEqual(['a']);
  });
});

it.each([
  [{}, { max_tokens: 16 }],
  [{ logprobs: 0 }, { max_tokens: 16, logprobs: true, top_logprobs: 0 }],
  [{ logprobs: 5 }, { max_tokens: 16, logprobs: true, top_logprobs: 5 }],
  [
    { max_tokens: 3, n: 2, stop: ['a'], user: 'u', top_k: 4, logit_bias: { '5': 1 } },
    { max_tokens: 3, n: 2, stop: ['a'], user: 'u', top_k: 4, logit_bias: { '5': 1 } },
  ],
])('asks with %j for %j', (more, expected) => {
  const parsed = CompletionRequest.parse(request({ echo: true, suffix: null, ...more }));
  const [one] = fromCompletion(parsed, ['once']);
  expect(one).toEqual({ model: 'm', messages: [{ role: 'user', content: 'once' }], ...expected });
});

it('leaves what a model thinks and calls out', async () => {
  const events: ModelEvent[] = [
    { type: 'start', id: '1', model: 'm', backend: 'b', created_s: 1 },
    { type: 'reasoning', choice: 0, text: 'hm' },
    { type: 'text', choice: 0, text: 'so' },
    { type: 'finish', choice: 0, reason: { unified: 'length', raw: 'max' } },
  ];
  const frames = (await all(stream(events))).map(
    completionEncoder({ echoed: [], n: 1, include_usage: false }),
  );
  expect(frames.join('')).not.toContain('hm');
  expect(read(frames).choices.get(0)).toMatchObject({ text: 'so', finish: 'length' });
});
