/** The cases of the conformance suite that are about what a backend does while all is well. */
import { ModelInfo, PlatformError } from '@mcp/contracts';
import { expect } from 'vitest';
import type { CASES, CaseName, Offer } from '../../src/cases.ts';
import type { Subject } from '../under-test.ts';
import { asked, callOptions, codeOf, errorOf, eventsOf, finishOf, textOf, usageOf } from './asking.ts';

/** A pixel. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
export const PICTURE = { type: 'image_url' as const, image_url: { url: `data:image/png;base64,${PNG}` } };
const WEATHER = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const TOOLS = [{ type: 'function' as const, function: { name: 'get_weather', parameters: WEATHER } }];
export const BY_SCHEMA = {
  type: 'json_schema' as const,
  json_schema: { name: 'place', schema: WEATHER, strict: true },
};

/** One case, for a subject that is open; `fresh` opens another one. */
export type OfferCheck = (subject: Subject, fresh: () => Promise<Subject>) => Promise<void>;
export type OfferCase = {
  [N in CaseName]: (typeof CASES)[N] extends { elsewhere: true } ? never : N;
}[CaseName];

const say = (subject: Subject, ...[content, more]: [string, Parameters<typeof asked>[2]?]) =>
  eventsOf(subject.backend.generate(asked(subject, content, more), callOptions()));

/** `start`, text, `finish` and `usage`, in this order. */
const answers = (stream: boolean): OfferCheck =>
  async function check(subject) {
    const events = await say(subject, 'What is a queue?', { stream });
    const types = events.map(({ type }) => type);
    expect(types[0]).toBe('start');
    expect(types.filter((type) => type === 'start')).toHaveLength(1);
    expect(types.lastIndexOf('text')).toBeLessThan(types.indexOf('finish'));
    expect(types.at(-1)).toBe('usage');
    expect(textOf(events).trim()).not.toBe('');
    if (subject.reply !== undefined) expect(textOf(events)).toBe(subject.reply('What is a queue?'));
    if (stream) expect(types.filter((type) => type === 'text').length).toBeGreaterThan(1);
  };

export const OFFER_CHECKS: Readonly<Record<OfferCase, OfferCheck>> = {
  text: answers(false),
  stream: answers(true),

  async models({ backend, chat, embedding }) {
    const models = await backend.models(AbortSignal.timeout(5000));
    for (const model of models) expect(ModelInfo.parse(model)).toEqual(model);
    expect(models.find(({ id }) => id === chat)).toMatchObject({ kind: 'chat', status: 'ready' });
    if (embedding !== undefined)
      expect(models.find(({ id }) => id === embedding)).toMatchObject({ kind: 'embedding' });
  },

  async tools(subject) {
    // A real model this small does what it sees done.
    const before = ['Rome', 'Oslo', 'Lima'].flatMap((city) => [
      { role: 'user' as const, content: `Weather in ${city}?` },
      {
        role: 'assistant' as const,
        content: `<tool_call>[{"name": "get_weather", "arguments": {"city": "${city}"}}]</tool_call>`,
      },
    ]);
    const messages = [...before, { role: 'user' as const, content: 'Weather in Paris?' }];
    const asking = { messages, tools: TOOLS, tool_choice: 'auto' as const, max_tokens: 48 };
    const events = await say(subject, '', asking);
    const calls = events.filter((event) => event.type === 'tool_call');
    expect(calls[0]).toMatchObject({ index: 0, id: expect.any(String), name: 'get_weather' });
    expect(calls.slice(1).every(({ id, name }) => id === undefined && name === undefined)).toBe(true);
    const json = calls.map(({ arguments_delta }) => arguments_delta).join('');
    expect(JSON.parse(json)).toEqual({ city: 'Paris' });
    expect(textOf(events)).toBe('');
    expect(finishOf(events)).toBe('tool_calls');
    if (subject.seen !== undefined) expect(subject.seen()).toMatchObject({ tools: ['get_weather'] });
    const words = await say(subject, 'What is a queue?', {
      tools: TOOLS,
      tool_choice: 'auto',
      max_tokens: 8,
    });
    expect(words.filter(({ type }) => type === 'tool_call')).toEqual([]);
    expect(textOf(words)).not.toBe('');
  },

  async json_schema(subject) {
    const events = await say(subject, 'Where is the Louvre, as JSON?', { response_format: BY_SCHEMA });
    expect(JSON.parse(textOf(events))).toEqual({ city: expect.any(String) });
    if (subject.seen !== undefined) expect(subject.seen().schema).toMatchObject(WEATHER);
  },

  async images(subject) {
    const content = [{ type: 'text' as const, text: 'What is this?' }, PICTURE];
    const events = await say(subject, '', { messages: [{ role: 'user', content }] });
    expect(textOf(events)).not.toBe('');
    if (subject.seen !== undefined) expect(subject.seen().images).toEqual([PNG]);
  },

  async embeddings({ backend, embedding }) {
    const input = ['a cat', 'a cat', 'a rocket engine'];
    const result = await backend.embed({ model: embedding ?? '', input }, callOptions());
    const [first, second, third] = result.vectors;
    expect(result.vectors).toHaveLength(3);
    expect(first?.length).toBeGreaterThan(8);
    expect(second).toEqual(first);
    expect(third).not.toEqual(first);
    expect(third).toHaveLength(first?.length ?? 0);
  },

  async prefill(subject) {
    // Of a real model this small it is known how it ends a word that it knows well.
    const real = ['What is the capital of France?', 'The capital of France is Par', 'is'] as const;
    const reply = subject.reply?.('What is a queue?') ?? '';
    const [question, begun, rest] =
      reply === '' ? real : (['What is a queue?', reply.slice(0, 7), reply.slice(7)] as const);
    const messages = begunWith(question, begun);
    for (const stream of [true, false]) {
      const text = textOf(await say(subject, '', { messages, stream, max_tokens: 8 }));
      expect(text.slice(0, rest.length)).toBe(rest.slice(0, text.length));
      expect(text).not.toBe('');
    }
  },

  async usage(subject) {
    const short = usageOf(await say(subject, 'What is a queue?', { max_tokens: 4 }));
    const long = usageOf(await say(subject, `${'word '.repeat(60)}What is a queue?`, { max_tokens: 4 }));
    expect(short?.input_tokens).toBeGreaterThan(0);
    expect(short?.output_tokens).toBeGreaterThan(0);
    expect(long?.input_tokens).toBeGreaterThan(short?.input_tokens ?? 0);
  },

  async finish_length(subject) {
    const events = await say(subject, 'Tell a long story.', { max_tokens: 4 });
    expect(finishOf(events)).toBe('length');
    expect(usageOf(events)?.output_tokens).toBeLessThanOrEqual(4);
  },

  async finish_stop(subject) {
    const whole = textOf(await say(subject, 'What is a queue?'));
    const stop = whole.trim().split(/\s+/)[2] ?? '';
    expect(stop).not.toBe('');
    const cut = await say(subject, 'What is a queue?', { stop: [stop] });
    expect(textOf(cut)).not.toContain(stop);
    expect(finishOf(cut)).toBe('stop');
  },

  async unknown_model(subject) {
    expect(await codeOf(say(subject, 'hello', { model: 'no-such-model' }))).toBe('model_not_found');
  },

  async count({ backend, chat }) {
    const count = (content: string) =>
      backend.countTokens({ model: chat, messages: [{ role: 'user', content }] }, callOptions());
    const short = await count('hello');
    const long = await count('hello world and more of it');
    expect(short.tokens).toBeGreaterThan(0);
    expect(long.tokens).toBeGreaterThan(short.tokens);
    expect(long.max_context).toBeGreaterThan(0);
  },

  async at_once(subject) {
    const questions = ['What is a queue?', 'What is a stack?', 'What is a tree?'];
    const alone: string[] = [];
    for (const question of questions) alone.push(textOf(await say(subject, question)));
    const together = await Promise.all(
      questions.map(async (question) => textOf(await say(subject, question))),
    );
    expect(new Set(alone).size).toBe(questions.length);
    expect(together).toEqual(alone);
  },

  async abort_before(_, open) {
    const fresh = await open();
    const reason = new PlatformError('deadline_exceeded', 'too late');
    const call = (signal?: AbortSignal) =>
      eventsOf(fresh.backend.generate(asked(fresh, 'hello'), callOptions(signal)));
    const late = call(AbortSignal.abort(reason));
    const other = call();
    await expect(late).rejects.toBe(reason);
    expect(textOf(await other)).not.toBe('');
    await fresh.close();
  },

  async abort_middle(subject) {
    const abort = new AbortController();
    const reason = new PlatformError('cancelled', 'enough');
    let texts = 0;
    const work = (async () => {
      const request = asked(subject, 'Tell a long story about a ship.', { max_tokens: 400 });
      for await (const event of subject.backend.generate(request, callOptions(abort.signal)))
        if (event.type === 'text') {
          texts++;
          abort.abort(reason);
        }
    })();
    await expect(work).rejects.toBe(reason);
    expect(texts).toBeLessThan(100);
    await expect.poll(() => subject.open?.() ?? 0).toBe(0);
    expect(textOf(await say(subject, 'What is a queue?'))).not.toBe('');
  },

  async close(_, open) {
    const fresh = await open();
    const request = asked(fresh, 'Tell a long story about a ship.', { max_tokens: 400 });
    let texts = 0;
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const work = (async () => {
      for await (const event of fresh.backend.generate(request, callOptions()))
        if (event.type === 'text') {
          texts++;
          begin();
        }
    })();
    const code = codeOf(work);
    await begun;
    await fresh.backend.close();
    expect(await code).toBe('unavailable');
    expect(texts).toBeLessThan(300);
    await expect.poll(() => fresh.open?.() ?? 0).toBe(0);
    await fresh.close();
  },
};

const begunWith = (question: string, answer: string) => [
  { role: 'user' as const, content: question },
  { role: 'assistant' as const, content: answer },
];

const ASKING: Readonly<Record<Exclude<Offer, 'embeddings' | 'prefill'>, Parameters<typeof asked>[2]>> = {
  tools: { tools: TOOLS },
  json_schema: { response_format: BY_SCHEMA },
  images: { messages: [{ role: 'user', content: [PICTURE] }] },
};

/** What is not offered is refused, or said to have no effect. */
export async function notOffered(subject: Subject, offer: Offer): Promise<void> {
  const { backend } = subject;
  if (offer === 'embeddings') {
    const work = backend.embed({ model: subject.chat, input: 'a cat' }, callOptions());
    expect(['unsupported_parameter', 'model_not_found', 'upstream_failed']).toContain(await codeOf(work));
    return;
  }
  if (offer === 'prefill') {
    // It begins a new answer; nothing says to it that this is none.
    const messages = begunWith('What is a queue?', 'Well');
    expect(textOf(await say(subject, '', { messages }))).not.toBe('');
    return;
  }
  const said = { tools: 'tools', json_schema: 'response_format', images: 'pictures' } as const;
  if (backend.ignores?.includes(said[offer] as never) === true) return;
  const error = await errorOf(say(subject, 'What is this?', ASKING[offer]));
  expect(error.code).toBe('unsupported_parameter');
}
