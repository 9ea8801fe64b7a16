import type { ChatCompletionRequest, ChatMessage, ModelBackend } from '@mcp/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chatBody, refuseUnsupported } from '../src/ollama/body.ts';
import { backendOf, eventsOf, plain, refusalOf, signal } from './support.ts';
import { type Answer, callOptions } from './upstreams.ts';

const TOOL = { type: 'function' as const, function: { name: 'add', parameters: { type: 'object' } } };
const request = (more: Partial<ChatCompletionRequest> = {}): ChatCompletionRequest => ({
  model: 'm',
  messages: [{ role: 'user', content: 'hi' }],
  ...more,
});
const body = (more: Partial<ChatCompletionRequest>, choice = 0) =>
  chatBody(request(more), { choice, num_ctx: 4096 });

describe('what Ollama is asked', () => {
  it('is no more than what was said', () => {
    expect(body({})).toEqual({
      model: 'm',
      stream: true,
      messages: [{ role: 'user', content: 'hi' }],
      options: { num_ctx: 4096 },
    });
  });

  const schema = { type: 'object', properties: {} };
  it.each<[string, Partial<ChatCompletionRequest>, object]>([
    [
      'sampling',
      { temperature: 0, top_p: 0.5, top_k: 3, min_p: 0.1 },
      { options: { temperature: 0, top_p: 0.5, top_k: 3, min_p: 0.1 } },
    ],
    [
      'penalties',
      { presence_penalty: 1, frequency_penalty: -1 },
      { options: { presence_penalty: 1, frequency_penalty: -1 } },
    ],
    [
      'null, which is nothing',
      { temperature: null, seed: null, max_tokens: null, stop: null },
      { options: { num_ctx: 4096 } },
    ],
    ['a limit', { max_tokens: 7 }, { options: { num_predict: 7 } }],
    [
      'the newer limit before the older',
      { max_tokens: 7, max_completion_tokens: 5 },
      { options: { num_predict: 5 } },
    ],
    ['one stop string', { stop: 'end' }, { options: { stop: ['end'] } }],
    ['stop strings, without an empty one', { stop: ['a', '', 'b'] }, { options: { stop: ['a', 'b'] } }],
    ['a seed', { seed: 5 }, { options: { seed: 5 } }],
    ['tools', { tools: [TOOL] }, { tools: [TOOL] }],
    ['JSON', { response_format: { type: 'json_object' } }, { format: 'json' }],
    [
      'JSON of a schema',
      { response_format: { type: 'json_schema', json_schema: { name: 'a', schema } } },
      { format: schema },
    ],
    [
      'JSON of a schema that is not given',
      { response_format: { type: 'json_schema', json_schema: { name: 'a' } } },
      { format: 'json' },
    ],
  ])('holds %s', (_, more, part) => {
    expect(body(more)).toMatchObject(part);
  });

  it.each<[string, Partial<ChatCompletionRequest>, string]>([
    ['tools that must not be used', { tools: [TOOL], tool_choice: 'none' }, 'tools'],
    ['a format for text', { response_format: { type: 'text' } }, 'format'],
  ])('does not hold %s', (_, more, key) => {
    expect(body(more)).not.toHaveProperty(key);
  });

  it('has a seed of its own for each choice', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(15), (seed, choice) => {
        expect(body({ seed }, choice)).toMatchObject({ options: { seed: seed + choice } });
      }),
    );
  });

  const calls = [{ id: '1', type: 'function' as const, function: { name: 'add', arguments: '{"a":1}' } }];
  it.each<[string, ChatMessage, object]>([
    ['a developer', { role: 'developer', content: 'x' }, { role: 'system', content: 'x' }],
    [
      'parts',
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      { role: 'user', content: 'ab' },
    ],
    ['an answer of nothing', { role: 'assistant', content: null }, { role: 'assistant', content: '' }],
    [
      'a refusal',
      { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
      { role: 'assistant', content: 'no' },
    ],
    [
      'calls',
      { role: 'assistant', content: 'so', tool_calls: calls },
      { role: 'assistant', content: 'so', tool_calls: [{ function: { name: 'add', arguments: { a: 1 } } }] },
    ],
    [
      'calls that are no JSON',
      {
        role: 'assistant',
        tool_calls: [{ id: '1', type: 'function', function: { name: 'add', arguments: '{"a' } }],
      },
      { role: 'assistant', content: '', tool_calls: [{ function: { name: 'add', arguments: {} } }] },
    ],
    ['a result', { role: 'tool', tool_call_id: '1', content: '2' }, { role: 'tool', content: '2' }],
  ])('has a message for %s', (_, message, sent) => {
    expect(body({ messages: [message] })).toMatchObject({ messages: [sent] });
  });

  it.each<[string, Partial<ChatCompletionRequest>, string]>([
    ['log-probabilities', { logprobs: true }, 'logprobs'],
    ['a call that must be', { tools: [TOOL], tool_choice: 'required' }, 'tool_choice'],
    [
      'a call of one function',
      { tools: [TOOL], tool_choice: { type: 'function', function: { name: 'add' } } },
      'tool_choice',
    ],
  ])('cannot be %s', async (_, more, param) => {
    expect(await refusalOf((async () => refuseUnsupported(request(more)))())).toMatchObject({
      code: 'unsupported_parameter',
      param,
    });
  });

  it('may be a picture, but not the address of one', async () => {
    const picture = (url: string): ChatMessage[] => [
      { role: 'user', content: [{ type: 'image_url', image_url: { url } }] },
    ];
    expect(await body({ messages: picture('data:image/png;base64,AA==') })).toMatchObject({
      messages: [{ role: 'user', content: '', images: ['AA=='] }],
    });
    const messages = picture('https://example.com/a.png');
    expect(await refusalOf((async () => body({ messages }))())).toMatchObject({
      code: 'unsupported_parameter',
      param: 'messages',
    });
  });
});

/** A server that has the models `m` and `e`, and answers whatever else is asked. */
const ollama = (
  answer: (path: string, body: unknown, answer: Answer) => void,
  shown: object = {},
): Promise<ModelBackend> =>
  backendOf(
    'ollama',
    (url) => ({ OLLAMA_URL: url }),
    async (path, asked, reply) => {
      if (path === '/api/tags') return reply.json(200, { models: [{ name: 'm' }, { name: 'e' }] });
      if (path === '/api/show') return reply.json(200, shown);
      answer(path, asked, reply);
    },
  );
const streams = (text: string, cuts: readonly number[] = []) =>
  ollama((_path, _body, { response }) => {
    const bytes = Buffer.from(text);
    const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    for (const [at, end] of [...places, bytes.length].entries())
      response.write(bytes.subarray(places[at - 1] ?? 0, end));
    response.end();
  });
const generate = (backend: ModelBackend, more: Partial<ChatCompletionRequest> = {}) =>
  eventsOf(backend.generate(request(more), callOptions(signal())));
const lines = (...all: object[]) => all.map((one) => JSON.stringify(one)).join('\n');
const content = (text: string) => ({ message: { content: text }, done: false });
const done = {
  message: { content: '' },
  done: true,
  done_reason: 'stop',
  prompt_eval_count: 9,
  eval_count: 4,
};
const START = { type: 'start', model: 'm' };
const USAGE = { type: 'usage', usage: { input_tokens: 9, output_tokens: 4 } };
const finish = (unified: string, raw = unified) => ({ type: 'finish', choice: 0, reason: { unified, raw } });

describe('what Ollama answers', () => {
  it('is read alike however its bytes are cut, with or without an end of the last line', async () => {
    const whole = `${lines(content('Grüße'), content(' 😀'))}\n\n${lines(done)}`;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(), { maxLength: 5 }),
        fc.constantFrom('', '\n', '\r\n'),
        async (cuts, end) => {
          expect(plain(await generate(await streams(whole + end, cuts)))).toEqual([
            START,
            { type: 'text', choice: 0, text: 'Grüße' },
            { type: 'text', choice: 0, text: ' 😀' },
            finish('stop'),
            USAGE,
          ]);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('may think, call functions of any arguments, and end with any reason', async () => {
    const called = (name: string, args: unknown) => ({ function: { name, arguments: args } });
    const thinking = { message: { thinking: 'Hm.', content: '' } };
    const calls = { message: { tool_calls: [called('add', { a: 1 }), called('now', null)] } };
    expect(plain(await generate(await streams(lines(thinking, calls, done))))).toEqual([
      START,
      { type: 'reasoning', choice: 0, text: 'Hm.' },
      { type: 'tool_call', choice: 0, index: 0, id: 'an id', name: 'add', arguments_delta: '{"a":1}' },
      { type: 'tool_call', choice: 0, index: 1, id: 'an id', name: 'now', arguments_delta: '{}' },
      finish('tool_calls', 'stop'),
      USAGE,
    ]);
  });

  it.each([
    ['length', finish('length')],
    ['load', finish('other', 'load')],
    [undefined, finish('stop')],
  ])('ends for the reason %s', async (done_reason, expected) => {
    expect(plain(await generate(await streams(lines({ done: true, done_reason }))))).toEqual([
      START,
      expected,
      { type: 'usage', usage: { input_tokens: 0, output_tokens: 0 } },
    ]);
  });

  it('is asked for once for each choice, and the prompt counted once', async () => {
    const seeds: unknown[] = [];
    const backend = await ollama((_path, asked, { json }) => {
      seeds.push((asked as { options: { seed: number } }).options.seed);
      json(200, { ...done, message: { content: 'x' } });
    });
    const events = await generate(backend, { n: 3, seed: 1 });
    expect(seeds).toEqual([1, 2, 3]);
    expect(events.filter(({ type }) => type === 'finish')).toHaveLength(3);
    expect(events.at(-1)).toEqual({ type: 'usage', usage: { input_tokens: 9, output_tokens: 12 } });
  });

  it.each([
    [
      'an error in the stream',
      lines(content('a'), { error: 'the runner died' }),
      'upstream_failed',
      'the runner died',
    ],
    [
      'a context that is too long, in the stream',
      lines({ error: 'input exceeds context length' }),
      'context_length_exceeded',
      'context',
    ],
    ['half a line at the end', `${lines(content('a'))}\n{"mess`, 'upstream_interrupted', 'broke off'],
    ['half a line before another', `{"message": {"con\n${lines(done)}`, 'upstream_failed', 'OLLAMA_URL'],
    ['no last line', `${lines(content('a'))}\n`, 'upstream_interrupted', 'broke off'],
    ['nothing', '', 'upstream_interrupted', 'broke off'],
    ['a page', '<html></html>\n', 'upstream_failed', 'OLLAMA_URL'],
    ['a line of another shape', '{"message": "hi", "done": true}\n', 'upstream_failed', 'OLLAMA_URL'],
    ['a line without end', 'x'.repeat(8 * 1024 * 1024 + 1), 'upstream_failed', 'beyond its bound'],
  ])('is refused where it is %s', async (_, text, code, message) => {
    expect(await refusalOf(generate(await streams(text)))).toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it.each([
    [400, { error: 'bad options' }, 'invalid_request', 'bad options'],
    [404, { error: "model 'm' not found" }, 'model_not_found', 'not found'],
    [413, { error: 'too large' }, 'payload_too_large', 'too large'],
    [500, { error: 'out of memory' }, 'upstream_failed', 'out of memory'],
    [503, 'busy', 'unavailable', 'status 503'],
  ])('is refused with status %d as %s', async (status, answer, code, message) => {
    const backend = await ollama((_path, _body, { json }) => json(status, answer));
    expect(await refusalOf(generate(backend))).toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });
});

describe('what Ollama has', () => {
  const shownBy = async (shown: object) => (await (await ollama(() => undefined, shown)).models(signal()))[0];

  it.each<[string, object, object]>([
    ['nothing said', {}, { kind: 'chat', max_context: 4096, own: true, status: 'ready' }],
    [
      'a context',
      { model_info: { 'general.name': 'x', 'qwen2.context_length': 32_768 } },
      { max_context: 32_768 },
    ],
    ['a context of nothing', { model_info: { 'llama.context_length': 0 } }, { max_context: 4096 }],
    [
      'a context that is no number',
      { model_info: { 'llama.context_length': 'long' } },
      { max_context: 4096 },
    ],
    ['vectors alone', { capabilities: ['embedding'] }, { kind: 'embedding' }],
    ['vectors and answers', { capabilities: ['embedding', 'completion'] }, { kind: 'chat' }],
    ['another shape', { capabilities: 'all' }, { kind: 'chat', max_context: 4096 }],
  ])('is described of %s', async (_, shown, model) => {
    expect(await shownBy(shown)).toMatchObject({ id: 'm', backend: 'ollama', ...model });
  });

  it('is an embedding model by its name where Ollama is too old to say', async () => {
    const backend = await backendOf(
      'ollama',
      (url) => ({ OLLAMA_URL: `${url}/` }),
      async (path, _body, { json }) =>
        path === '/api/tags'
          ? json(200, { models: [{ name: 'nomic-embed-text' }] })
          : json(404, { error: 'no such path' }),
    );
    expect((await backend.models(signal()))[0]).toMatchObject({ kind: 'embedding', max_context: 4096 });
  });

  it('is asked for vectors without cutting, and counted', async () => {
    const asked: unknown[] = [];
    const backend = await ollama((path, sent, { json }) => {
      asked.push([path, sent]);
      json(200, {
        embeddings: [
          [1, 2],
          [3, 4],
        ],
        prompt_eval_count: 6,
      });
    });
    const embed = (more: object) =>
      backend.embed({ model: 'e', input: ['a', 'b'], ...more }, callOptions(signal()));
    expect(await embed({ dimensions: 2 })).toEqual({
      model: 'e',
      vectors: [
        [1, 2],
        [3, 4],
      ],
      input_tokens: 6,
    });
    expect(await embed({ dimensions: null })).toMatchObject({ input_tokens: 6 });
    const sent = { model: 'e', input: ['a', 'b'], truncate: false };
    expect(asked).toEqual([
      ['/api/embed', { ...sent, dimensions: 2 }],
      ['/api/embed', sent],
    ]);
  });

  it.each<[string, (answer: Answer) => void, string]>([
    ['another shape', ({ json }) => json(200, { embedding: [1] }), 'upstream_failed'],
    ['half an answer', ({ response }) => response.end('{"embeddings": [[1,'), 'upstream_interrupted'],
    [
      'a cut',
      ({ response }) =>
        response.writeHead(200, { 'content-length': '100' }).write('{', () => response.destroy()),
      'upstream_interrupted',
    ],
  ])('is refused where its vectors are %s', async (_, answer, code) => {
    const backend = await ollama((_path, _body, reply) => answer(reply));
    expect(await refusalOf(backend.embed({ model: 'e', input: 'a' }, callOptions(signal())))).toMatchObject({
      code,
    });
  });

  it('estimates tokens, more for more', async () => {
    const backend = await ollama(() => undefined);
    const count = async (chars: number) =>
      backend.countTokens(
        { model: 'm', messages: [{ role: 'user', content: 'x'.repeat(chars) }] },
        callOptions(signal()),
      );
    expect(await count(0)).toEqual({ tokens: 4, exact: false, max_context: 4096 });
    expect(await count(350)).toMatchObject({ tokens: 104 });
    expect(
      await refusalOf(backend.countTokens({ model: 'none', messages: [] }, callOptions(signal()))),
    ).toMatchObject({
      code: 'model_not_found',
      message: "Ollama has no model 'none'. Pull it with: ollama pull none",
    });
  });
});
