import { setTimeout as sleep } from 'node:timers/promises';
import { AssetStore } from '@mcp/assets';
import {
  type ChatCompletionRequest,
  type ModelBackend,
  type ModelEvent,
  ModelInfo,
  PlatformError,
} from '@mcp/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BackendEnv, createBackends } from '../src/index.ts';
import { ollamaServer, openAiServer, serve, type Upstream } from './upstreams.ts';

const EMBEDDING = 'scripted/embed';
const SCRIPT = JSON.stringify([
  {
    id: 'chat',
    rules: [
      { match: 'long', reply: 'word '.repeat(400), token_delay_ms: 3 },
      { reply: 'one two three four five' },
    ],
  },
  { id: EMBEDDING, kind: 'embedding' },
]);

/** A backend under test, with what is behind it. */
interface Subject {
  readonly backend: ModelBackend;
  readonly chat: string;
  readonly embedding: string;
  /** Requests still open at what is behind it; undefined where nothing is. */
  readonly open?: () => number;
  close(): Promise<void>;
}

function make(name: Parameters<typeof createBackends>[0][number], env: Record<string, string>): ModelBackend {
  const [backend] = createBackends([name], BackendEnv.parse(env));
  if (backend === undefined) throw new Error(`no backend ${name}`);
  return backend;
}

const scripted = () => make('scripted', { MCP_SCRIPTED_MODELS: SCRIPT });

async function remote(
  name: 'ollama' | 'openai',
  server: (backend: ModelBackend) => Promise<Upstream>,
): Promise<Subject> {
  const behind = scripted();
  const upstream = await server(behind);
  const env = name === 'ollama' ? { OLLAMA_URL: upstream.url } : { OPENAI_BASE_URL: `${upstream.url}/v1` };
  const backend = make(name, env);
  return {
    backend,
    chat: 'chat',
    embedding: EMBEDDING,
    open: upstream.open,
    async close() {
      await backend.close();
      await upstream.close();
      await behind.close();
    },
  };
}

/** The real small models, from the cache that `npm test` fills. */
async function embedded(): Promise<Subject> {
  const store = new AssetStore();
  const chat = 'smollm2-135m-instruct';
  const embedding = 'all-minilm-l6-v2';
  const models = [
    { id: chat, kind: 'chat', path: store.expected(chat), max_context: 1024 },
    { id: embedding, kind: 'embedding', path: store.expected(embedding), max_context: 512 },
  ];
  const backend = make('embedded', { MCP_EMBEDDED_MODELS: JSON.stringify(models) });
  const ready = async () =>
    (await backend.models(AbortSignal.timeout(1000))).every(({ status }) => status === 'ready');
  while (!(await ready())) await sleep(100);
  return { backend, chat, embedding, close: () => backend.close() };
}

const SUBJECTS: readonly [string, () => Promise<Subject>][] = [
  [
    'scripted',
    async () => ({ backend: scripted(), chat: 'chat', embedding: EMBEDDING, close: async () => undefined }),
  ],
  ['openai', () => remote('openai', openAiServer)],
  ['ollama', () => remote('ollama', ollamaServer)],
  ['embedded', embedded],
];

const options = (signal = new AbortController().signal) => ({
  signal,
  deadline_ms: Date.now() + 30_000,
  traceparent: undefined,
});

async function eventsOf(events: AsyncIterable<ModelEvent>): Promise<ModelEvent[]> {
  const seen: ModelEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

const textOf = (events: readonly ModelEvent[], choice = 0) =>
  events.map((event) => (event.type === 'text' && event.choice === choice ? event.text : '')).join('');
const finishOf = (events: readonly ModelEvent[]) =>
  events.find((event) => event.type === 'finish')?.reason.unified;
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof PlatformError ? error.code : String(error)),
  );

describe.each(SUBJECTS)('the backend %s', (_, open) => {
  let subject: Subject;
  const ask = (content: string, more: Partial<ChatCompletionRequest> = {}): ChatCompletionRequest => ({
    model: subject.chat,
    messages: [{ role: 'user', content }],
    temperature: 0,
    max_tokens: 48,
    stream: true,
    ...more,
  });
  const generate = (request: ChatCompletionRequest, signal?: AbortSignal) =>
    eventsOf(subject.backend.generate(request, options(signal)));

  beforeAll(async () => {
    subject = await open();
  });
  afterAll(() => subject.close());

  it('describes its models', async () => {
    const models = await subject.backend.models(AbortSignal.timeout(5000));
    for (const model of models) expect(ModelInfo.parse(model)).toEqual(model);
    expect(models.find(({ id }) => id === subject.chat)).toMatchObject({ kind: 'chat', status: 'ready' });
    expect(models.find(({ id }) => id === subject.embedding)).toMatchObject({ kind: 'embedding' });
  });

  it.each([true, false])('says start, text, finish and usage in this order (stream: %s)', async (stream) => {
    const events = await generate(ask('What is a queue?', { stream }));
    const types = events.map(({ type }) => type);
    expect(types[0]).toBe('start');
    expect(types.filter((type) => type === 'start')).toHaveLength(1);
    expect(types.lastIndexOf('text')).toBeLessThan(types.indexOf('finish'));
    expect(types.at(-1)).toBe('usage');
    expect(textOf(events).trim()).not.toBe('');
    const usage = events.find((event) => event.type === 'usage')?.usage;
    expect(usage?.input_tokens).toBeGreaterThan(0);
    expect(usage?.output_tokens).toBeGreaterThan(0);
  });

  it('stops at max_tokens and says so', async () => {
    const events = await generate(ask('Tell a long story.', { max_tokens: 4 }));
    expect(finishOf(events)).toBe('length');
    expect(events.find((event) => event.type === 'usage')?.usage.output_tokens).toBeLessThanOrEqual(4);
  });

  it('stops before a stop sequence', async () => {
    const whole = textOf(await generate(ask('What is a queue?')));
    const stop = whole.trim().split(/\s+/)[2] ?? '';
    expect(stop).not.toBe('');
    const cut = await generate(ask('What is a queue?', { stop: [stop] }));
    expect(textOf(cut)).not.toContain(stop);
    expect(finishOf(cut)).toBe('stop');
  });

  it('says that it has no such model', async () => {
    expect(await codeOf(generate(ask('hello', { model: 'no-such-model' })))).toBe('model_not_found');
  });

  it('ends with the reason when it is aborted in the middle, and leaves nothing running', async () => {
    const abort = new AbortController();
    const reason = new PlatformError('cancelled', 'enough');
    const seen: ModelEvent[] = [];
    const work = (async () => {
      for await (const event of subject.backend.generate(
        ask('Tell a long story about a ship.', { max_tokens: 400 }),
        options(abort.signal),
      )) {
        seen.push(event);
        if (event.type === 'text') abort.abort(reason);
      }
    })();
    await expect(work).rejects.toBe(reason);
    expect(seen.filter(({ type }) => type === 'text').length).toBeLessThan(100);
    await expect.poll(() => subject.open?.() ?? 0, { timeout: 2000 }).toBe(0);
    expect(textOf(await generate(ask('What is a queue?')))).not.toBe('');
  });

  it('does not begin when it was aborted before', async () => {
    const signal = AbortSignal.abort(new PlatformError('cancelled', 'never mind'));
    expect(await codeOf(generate(ask('hello'), signal))).toBe('cancelled');
  });

  it('keeps answers that are written at once apart', async () => {
    const questions = ['What is a queue?', 'What is a stack?', 'What is a tree?'];
    const alone: string[] = [];
    for (const question of questions) alone.push(textOf(await generate(ask(question))));
    const together = await Promise.all(
      questions.map(async (question) => textOf(await generate(ask(question)))),
    );
    expect(together).toEqual(alone);
  });

  it('counts tokens', async () => {
    const count = (content: string) =>
      subject.backend.countTokens({ model: subject.chat, messages: [{ role: 'user', content }] }, options());
    const short = await count('hello');
    const long = await count('hello world and more of it');
    expect(short.tokens).toBeGreaterThan(0);
    expect(long.tokens).toBeGreaterThan(short.tokens);
    expect(long.max_context).toBeGreaterThan(0);
  });

  it('gives equal texts equal vectors', async () => {
    const result = await subject.backend.embed(
      { model: subject.embedding, input: ['a cat', 'a cat', 'a rocket engine'] },
      options(),
    );
    const [first, second, third] = result.vectors;
    expect(result.vectors).toHaveLength(3);
    expect(first?.length).toBeGreaterThan(8);
    expect(second).toEqual(first);
    expect(third).not.toEqual(first);
    expect(third).toHaveLength(first?.length ?? 0);
  });
});

describe.each(['openai', 'ollama'] as const)('%s, when what is behind it fails', (name) => {
  const models = { models: [{ name: 'chat' }], data: [{ id: 'chat' }] };
  const failing = async (
    handle: (json: (status: number, body: unknown) => void, cut: () => void) => void,
  ) => {
    const upstream = await serve(async (path, _body, { json, response }) => {
      if (/tags|models/.test(path)) return json(200, models);
      if (/show/.test(path)) return json(200, { capabilities: ['completion'], model_info: {} });
      handle(json, () => {
        response.writeHead(200, {
          'content-type': name === 'openai' ? 'text/event-stream' : 'application/x-ndjson',
        });
        response.write('{"half');
        response.destroy();
      });
    });
    const env = name === 'ollama' ? { OLLAMA_URL: upstream.url } : { OPENAI_BASE_URL: `${upstream.url}/v1` };
    const backend = make(name, env);
    const request = { model: 'chat', messages: [{ role: 'user' as const, content: 'hi' }], stream: true };
    const code = await codeOf(eventsOf(backend.generate(request, options(AbortSignal.timeout(10_000)))));
    await backend.close();
    await upstream.close();
    return code;
  };

  it.each([
    ['is overloaded', 429, 'overloaded'],
    ['refuses the key', 401, 'upstream_failed'],
    ['breaks', 500, 'upstream_failed'],
  ])('says so when it %s', async (_, status, code) => {
    expect(await failing((json) => json(status, { error: { message: 'no' } }))).toBe(code);
  });

  it('says so when the stream breaks off', async () => {
    expect(await failing((_json, cut) => cut())).toMatch(/^upstream_/);
  });

  it('says so when nothing listens', async () => {
    const upstream = await serve(async () => undefined);
    await upstream.close();
    const env = name === 'ollama' ? { OLLAMA_URL: upstream.url } : { OPENAI_BASE_URL: `${upstream.url}/v1` };
    const backend = make(name, env);
    expect(
      await codeOf(
        eventsOf(backend.generate({ model: 'chat', messages: [{ role: 'user', content: 'hi' }] }, options())),
      ),
    ).toMatch(/^(upstream_failed|model_not_found|unavailable)$/);
    await backend.close();
  });
});
