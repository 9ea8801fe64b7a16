import type { ChatCompletionRequest, ModelBackend } from '@mcp/contracts';
import { describe, expect, it } from 'vitest';
import { createBackends } from '../src/index.ts';
import { backendOf, eventsOf, plain, refusalOf, signal, textOf } from './support.ts';
import { backendEnv, make } from './under-test.ts';
import { type Answer, callOptions, serve } from './upstreams.ts';

const MESSAGE = { role: 'user' as const, content: 'hi' };
const ask = (backend: ModelBackend, more: Partial<ChatCompletionRequest> = {}, traceparent?: string) =>
  backend.generate({ model: 'gpt', messages: [MESSAGE], ...more }, { ...callOptions(signal()), traceparent });

const WHOLE = {
  id: 'c1',
  object: 'chat.completion',
  created: 7,
  model: 'gpt-2026',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
};
const frames = (...chunks: object[]) =>
  [...chunks.map((one) => JSON.stringify(one)), '[DONE]'].map((data) => `data: ${data}\n\n`).join('');
const delta = (content: string, finish_reason: string | null = null) => ({
  id: 'c1',
  created: 7,
  model: 'gpt-2026',
  choices: [{ index: 0, delta: { content }, finish_reason }],
});

interface Asked {
  readonly path: string;
  readonly body: unknown;
  readonly headers: Record<string, unknown>;
}

/** A server that notes what it is asked, and answers by `answer`. */
async function openai(answer: (asked: Asked, reply: Answer) => void, more: Record<string, string> = {}) {
  const asked: Asked[] = [];
  const backend = await backendOf(
    'openai',
    (url) => ({ OPENAI_BASE_URL: `${url}/v1/`, ...more }),
    async (path, body, reply) => {
      const one = { path, body, headers: reply.response.req.headers };
      asked.push(one);
      answer(one, reply);
    },
  );
  return { asked, backend };
}
const whole = () => openai((_, { json }) => json(200, WHOLE));

describe('what a server of the OpenAI wire is asked', () => {
  it('is the request as it is, with the key and the trace of the caller', async () => {
    const { asked, backend } = await openai((_, { json }) => json(200, WHOLE), { OPENAI_API_KEY: 'sk-test' });
    const more = {
      temperature: 0.5,
      tools: [{ type: 'function' as const, function: { name: 'f' } }],
      user: 'u',
    };
    await eventsOf(ask(backend, more, '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'));
    expect(asked).toMatchObject([
      {
        path: '/v1/chat/completions',
        body: { model: 'gpt', messages: [MESSAGE], ...more },
        headers: {
          authorization: 'Bearer sk-test',
          'content-type': 'application/json',
          traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        },
      },
    ]);
  });

  it('has no key and no trace where there are none, and never the word that we keep for ourselves', async () => {
    const { asked, backend } = await whole();
    await eventsOf(ask(backend, { store: true }));
    expect(asked[0]?.headers).not.toHaveProperty('authorization');
    expect(asked[0]?.headers).not.toHaveProperty('traceparent');
    expect(asked[0]?.body).toEqual({ model: 'gpt', messages: [MESSAGE] });
  });

  it.each([
    [true, { stream: true, stream_options: { include_usage: true } }],
    [false, { stream: false }],
    [null, { stream: null }],
  ])('wants the usage of a stream, whatever the caller wants (stream: %s)', async (stream, sent) => {
    const { asked, backend } = await whole();
    await eventsOf(ask(backend, { stream, stream_options: undefined }));
    expect(asked[0]?.body).toEqual({ model: 'gpt', messages: [MESSAGE], ...sent });
  });
});

const START = { type: 'start', model: 'gpt' };
const FINISH = { type: 'finish', choice: 0, reason: { unified: 'stop', raw: 'stop' } };
const USAGE = { type: 'usage', usage: { input_tokens: 3, output_tokens: 2 } };

describe('what it answers', () => {
  it.each([
    ['whole', 'application/json', JSON.stringify(WHOLE)],
    [
      'as a stream',
      'text/event-stream; charset=utf-8',
      frames(delta('Hel'), delta('lo.', 'stop'), { choices: [], usage: WHOLE.usage }),
    ],
    [
      'as a stream that says its usage first',
      'text/event-stream',
      frames({ ...delta('Hello.'), usage: WHOLE.usage }, delta('', 'stop')),
    ],
    [
      'as a stream with comments and windows line ends',
      'text/event-stream',
      `: hello\r\n\r\n${frames(delta('Hello.', 'stop'), { choices: [], usage: WHOLE.usage }).replaceAll('\n', '\r\n')}`,
    ],
    ['whole to who wanted a stream', 'application/json; charset=utf-8', JSON.stringify(WHOLE)],
  ])('is told under the name it was asked by, and says who answered: %s', async (_, type, text) => {
    const { backend } = await openai((_asked, { response }) =>
      response.writeHead(200, { 'content-type': type }).end(text),
    );
    const events = await eventsOf(ask(backend, { stream: true }));
    expect(events[0]).toEqual({ type: 'start', id: 'c1', model: 'gpt', backend: 'openai', created_s: 7 });
    expect(textOf(events)).toBe('Hello.');
    expect(plain(events).filter(({ type: kind }) => kind !== 'text')).toEqual([START, FINISH, USAGE]);
  });

  it.each<[string, (answer: Answer) => void, string, string]>([
    ['a page', ({ response }) => response.end('<html>'), 'upstream_failed', 'not a chat completion'],
    [
      'an error with status 200',
      ({ json }) => json(200, { error: { message: 'no such model', code: 'model_not_found' } }),
      'model_not_found',
      'no such model',
    ],
    [
      'half an answer',
      ({ response }) => response.end('{"id": "c1", "choices"'),
      'upstream_interrupted',
      'broke off',
    ],
    ['nothing', ({ response }) => response.end(), 'upstream_interrupted', 'broke off'],
    [
      'an error that is no JSON',
      ({ response }) => response.writeHead(502).end('<html>bad gateway</html>'),
      'upstream_failed',
      'status 502',
    ],
    [
      'an error in a stream',
      ({ response }) =>
        response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .end('data: {"error": {"message": "boom", "code": 503}}\n\n'),
      'unavailable',
      'boom',
    ],
    [
      'more than it may be',
      ({ response }) => response.end(Buffer.alloc(33 * 1024 * 1024, ' ')),
      'upstream_failed',
      'beyond its bound',
    ],
  ])('is refused where it is %s', async (_, answer, code, message) => {
    const { backend } = await openai((_asked, reply) => answer(reply));
    expect(await refusalOf(eventsOf(ask(backend, { stream: true })))).toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it('never holds the key, where it was refused', async () => {
    const { backend } = await openai(
      (_, { json }) => json(401, { error: { message: 'Incorrect key sk-test' } }),
      { OPENAI_API_KEY: 'sk-test' },
    );
    const error = await refusalOf(eventsOf(ask(backend)));
    expect(error).toMatchObject({ code: 'upstream_failed', retryable: false });
    expect(error.message).not.toContain('sk-test');
  });
});

describe('the tokens of messages', () => {
  const count = async (content: string) => {
    const backend = await make('openai', { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1' });
    const counted = await backend.countTokens(
      { model: 'x', messages: [{ role: 'user', content }] },
      callOptions(signal()),
    );
    await backend.close();
    return counted;
  };

  it.each([
    ['', 7],
    ['Hello, world!', 11],
    // It is text here, and no end of it.
    ['<|endoftext|>', 14],
    ['a<|endofprompt|>b', 16],
  ])('of %j are some %d', async (content, tokens) => {
    expect(await count(content)).toEqual({ tokens, exact: false, max_context: 128_000 });
  });
});

describe('servers by their configuration', () => {
  const target = (name: string, url: string, more: object = {}) => ({ name, base_url: url, ...more });
  const create = (env: Record<string, string>) => createBackends(['openai'], backendEnv.parse(env));

  it('are the targets in their order, then the one that is named by itself', async () => {
    const targets = [target('one', 'http://127.0.0.1:1'), target('two', 'http://127.0.0.1:2')];
    const backends = await create({
      OPENAI_TARGETS: JSON.stringify(targets),
      OPENAI_BASE_URL: 'http://127.0.0.1:3',
    });
    expect(backends.map((one) => one.target)).toEqual(['one', 'two', 'openai']);
    expect(await create({})).toEqual([]);
    await Promise.all(backends.map((one) => one.close()));
  });

  it('list the models they are said to have, without being asked, with prices where they are known', async () => {
    const options = {
      models: ['chat', 'big', 'constructor'],
      embedding_models: ['vectors', 'chat-embed'],
      max_context: 1000,
      max_concurrency: 3,
      prices: { big: { input: 1, output: 2 } },
    };
    const [backend] = await create({
      OPENAI_TARGETS: JSON.stringify([target('own', 'http://127.0.0.1:1', options)]),
    });
    const models = (await backend?.models(signal())) ?? [];
    expect(models.map(({ id, kind, cost_input_per_mtok_usd: price }) => [id, kind, price])).toEqual([
      ['chat', 'chat', null],
      ['big', 'chat', 1],
      ['constructor', 'chat', null],
      ['vectors', 'embedding', null],
      ['chat-embed', 'embedding', null],
    ]);
    expect(models[0]).toMatchObject({ owned_by: 'own', max_context: 1000, max_concurrency: 3 });
    await backend?.close();
  });

  it('ask a server for its list at the path beside the others', async () => {
    const paths: string[] = [];
    const server = await serve(async (path, _body, { json }) => {
      paths.push(path);
      json(200, { object: 'list', data: [{ id: 'gpt' }, { id: 'text-embedding-3' }, { id: 'gpt' }] });
    });
    for (const base of ['', '/', '/v1', '/deep/er/v1/']) {
      const backend = await make('openai', { OPENAI_BASE_URL: `${server.url}${base}` });
      const models = await backend.models(signal());
      expect(models.map(({ id, kind }) => [id, kind])).toEqual([
        ['gpt', 'chat'],
        ['text-embedding-3', 'embedding'],
      ]);
      await backend.close();
    }
    expect(paths).toEqual(['/models', '/models', '/v1/models', '/deep/er/v1/models']);
    await server.close();
  });

  it.each([
    ['two of a name', [target('a', 'http://a.example'), target('a', 'http://b.example')]],
    ['a name that is no label', [target('A b', 'http://a.example')]],
    ['no URL', [target('a', 'example')]],
    ['a field that is not known', [target('a', 'http://a.example', { key: 'x' })]],
    ['a price below nothing', [target('a', 'http://a.example', { prices: { m: { input: -1, output: 0 } } })]],
  ])('are refused with %s', (_, targets) => {
    expect(backendEnv.safeParse({ OPENAI_TARGETS: JSON.stringify(targets) }).success).toBe(false);
  });
});

it('gives vectors in the order of the texts, whatever the order of the answer', async () => {
  const base64 = Buffer.from(Float32Array.of(1, -0.5).buffer).toString('base64');
  const { asked, backend } = await openai((_, { json }) =>
    json(200, {
      data: [
        { index: 1, embedding: [3, 4] },
        { index: 0, embedding: base64 },
      ],
      usage: { prompt_tokens: 5 },
    }),
  );
  expect(
    await backend.embed({ model: 'e', input: ['a', 'b'], dimensions: 2 }, callOptions(signal())),
  ).toEqual({
    model: 'e',
    vectors: [
      [1, -0.5],
      [3, 4],
    ],
    input_tokens: 5,
  });
  expect(asked).toMatchObject([
    { path: '/v1/embeddings', body: { model: 'e', input: ['a', 'b'], dimensions: 2 } },
  ]);
});
