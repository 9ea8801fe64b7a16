import { setTimeout as sleep } from 'node:timers/promises';
import { AssetStore } from '@mcp/assets';
import {
  type ChatCompletionRequest,
  FEATURES,
  type Feature,
  type ModelBackend,
  type ModelEvent,
  ModelInfo,
  PlatformError,
} from '@mcp/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BACKEND_FEATURES, supportOf } from '../src/feature-table.ts';
import { BackendEnv, createBackends } from '../src/index.ts';
import { ollamaServer, openAiServer, serve, type Upstream } from './upstreams.ts';

const EMBEDDING = 'scripted/embed';
const SCRIPT = JSON.stringify([
  {
    id: 'chat',
    rules: [
      { match: 'long', reply: 'word '.repeat(400), token_delay_ms: 3 },
      { reply: 'one two three four: {last}', token_delay_ms: 1 },
    ],
  },
  { id: EMBEDDING, kind: 'embedding' },
]);

/** A backend under test, with what is behind it. */
interface Subject {
  readonly backend: ModelBackend;
  readonly chat: string;
  readonly embedding: string;
  /** What it must say to a question, where that is known. */
  readonly reply?: (question: string) => string;
  /** Requests still open at what is behind it; undefined where nothing is. */
  readonly open?: () => number;
  close(): Promise<void>;
}

function make(name: Parameters<typeof createBackends>[0][number], env: Record<string, string>): ModelBackend {
  const [backend] = createBackends([name], BackendEnv.parse(env));
  if (backend === undefined) throw new Error(`no backend ${name}`);
  return backend;
}

const reply = (question: string) => `one two three four: ${question}`;
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
    reply,
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
    async () => ({
      backend: scripted(),
      chat: 'chat',
      embedding: EMBEDDING,
      reply,
      close: async () => undefined,
    }),
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

const TOOL = { type: 'function' as const, function: { name: 'f', parameters: { type: 'object' } } };
const PICTURE = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AA==' } };
/** A value for each feature, which another server would make something of. */
const ASKED: Readonly<Record<Feature, Partial<ChatCompletionRequest>>> = {
  stream: { stream: false },
  stream_options: { stream_options: { include_usage: true } },
  n: { n: 2 },
  stop: { stop: 'two' },
  max_tokens: { max_tokens: 2 },
  max_completion_tokens: { max_completion_tokens: 2 },
  temperature: { temperature: 0.5 },
  top_p: { top_p: 0.5 },
  top_k: { top_k: 5 },
  min_p: { min_p: 0.1 },
  seed: { seed: 7 },
  presence_penalty: { presence_penalty: 1 },
  frequency_penalty: { frequency_penalty: 1 },
  logit_bias: { logit_bias: { 5: 1 } },
  logprobs: { logprobs: true },
  top_logprobs: { top_logprobs: 2 },
  tools: { tools: [TOOL] },
  tool_choice: { tools: [TOOL], tool_choice: 'none' },
  parallel_tool_calls: { parallel_tool_calls: false },
  response_format: { response_format: { type: 'json_object' } },
  pictures: { messages: [{ role: 'user', content: [PICTURE] }] },
  reasoning_effort: { reasoning_effort: 'low' },
  verbosity: { verbosity: 'low' },
  service_tier: { service_tier: 'flex' },
  metadata: { metadata: { a: 'b' } },
  safety_identifier: { safety_identifier: 's' },
  prompt_cache_key: { prompt_cache_key: 'k' },
  user: { user: 'u' },
};

describe.each(SUBJECTS)('the backend %s', (name, open) => {
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

  it.each(FEATURES)('makes of %s what its table says', async (feature) => {
    const { support } = supportOf(BACKEND_FEATURES[name as keyof typeof BACKEND_FEATURES], feature);
    expect(subject.backend.ignores?.includes(feature as never) ?? false).toBe(support === 'no effect');
    const asked = generate(ask('one', { max_tokens: 12, ...ASKED[feature] }));
    // What is passed on is for the server behind, which here is the scripted one.
    const refused =
      support === 'refused' ||
      (support === 'passed on' && supportOf(BACKEND_FEATURES.scripted, feature).support === 'refused');
    if (refused) expect(await codeOf(asked)).toBe('unsupported_parameter');
    else if (support === 'no effect')
      expect(textOf(await asked)).toBe(textOf(await generate(ask('one', { max_tokens: 12 }))));
    else expect((await asked).at(-1)?.type).toBe('usage');
  });

  it.each([true, false])('says start, text, finish and usage in this order (stream: %s)', async (stream) => {
    const events = await generate(ask('What is a queue?', { stream }));
    const types = events.map(({ type }) => type);
    expect(types[0]).toBe('start');
    expect(types.filter((type) => type === 'start')).toHaveLength(1);
    expect(types.lastIndexOf('text')).toBeLessThan(types.indexOf('finish'));
    expect(types.at(-1)).toBe('usage');
    expect(textOf(events).trim()).not.toBe('');
    if (subject.reply !== undefined) expect(textOf(events)).toBe(subject.reply('What is a queue?'));
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

  it('does not begin when it was aborted before, and others are not harmed', async () => {
    const fresh = await open();
    const reason = new PlatformError('deadline_exceeded', 'too late');
    const call = (signal?: AbortSignal) =>
      eventsOf(fresh.backend.generate({ ...ask('hello'), model: fresh.chat }, options(signal)));
    const late = call(AbortSignal.abort(reason));
    const other = call();
    await expect(late).rejects.toBe(reason);
    expect(textOf(await other)).not.toBe('');
    await fresh.close();
  });

  it('ends what it writes when it is closed', async () => {
    const fresh = await open();
    const request = { ...ask('Tell a long story about a ship.', { max_tokens: 400 }), model: fresh.chat };
    const seen: ModelEvent[] = [];
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const work = (async () => {
      for await (const event of fresh.backend.generate(request, options())) {
        seen.push(event);
        if (event.type === 'text') begin();
      }
    })();
    const code = codeOf(work);
    await begun;
    await fresh.backend.close();
    expect(await code).toBe('unavailable');
    expect(seen.filter(({ type }) => type === 'text').length).toBeLessThan(300);
    await expect.poll(() => fresh.open?.() ?? 0, { timeout: 2000 }).toBe(0);
    await fresh.close();
  });

  it('keeps answers that are written at once apart', async () => {
    const questions = ['What is a queue?', 'What is a stack?', 'What is a tree?'];
    const alone: string[] = [];
    for (const question of questions) alone.push(textOf(await generate(ask(question))));
    const together = await Promise.all(
      questions.map(async (question) => textOf(await generate(ask(question)))),
    );
    expect(new Set(alone).size).toBe(questions.length);
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

interface Failure {
  readonly json: (status: number, body: unknown) => void;
  /** Answers 200 and these bytes as a stream, which then ends or is cut. */
  readonly stream: (bytes: string, how: 'end' | 'cut') => void;
}

describe.each(['openai', 'ollama'] as const)('%s, when what is behind it fails', (name) => {
  const lists = { models: [{ name: 'chat' }], data: [{ id: 'chat' }] };
  const begun =
    name === 'openai'
      ? 'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"chat","choices":[{"index":0,"delta":{"content":"half"},"finish_reason":null}]}\n\n'
      : '{"model":"chat","message":{"role":"assistant","content":"half"},"done":false}\n';
  const type = name === 'openai' ? 'text/event-stream' : 'application/x-ndjson';
  const to = (url: string) =>
    make(name, name === 'ollama' ? { OLLAMA_URL: url } : { OPENAI_BASE_URL: `${url}/v1` });
  const request = { model: 'chat', messages: [{ role: 'user' as const, content: 'hi' }], stream: true };

  const failing = async (fail: (failure: Failure) => void) => {
    const upstream = await serve(async (path, _body, { json, response }) => {
      if (/tags|models/.test(path)) return json(200, lists);
      if (/show/.test(path)) return json(200, { capabilities: ['completion'], model_info: {} });
      fail({
        json,
        stream(bytes, how) {
          response.writeHead(200, { 'content-type': type });
          if (how === 'end') response.end(bytes);
          else response.write(bytes, () => response.socket?.destroy());
        },
      });
    });
    const backend = to(upstream.url);
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
    expect(await failing(({ json }) => json(status, { error: { message: 'no' } }))).toBe(code);
  });

  it.each([
    ['is cut in the middle of an event', `${begun}${begun.slice(0, 40)}`, 'cut'],
    ['is cut between events', begun, 'cut'],
    ['ends without its last event', begun, 'end'],
  ] as const)('says so when the stream %s', async (_, bytes, how) => {
    expect(await failing(({ stream }) => stream(bytes, how))).toBe('upstream_interrupted');
  });

  it.each([
    ['no JSON', 'data: <html>\n\n<html>\n'],
    ['JSON of another shape', 'data: [1]\n\n[1]\n'],
  ])('says so when it streams %s', async (_, bytes) => {
    expect(await failing(({ stream }) => stream(bytes, 'end'))).toBe('upstream_failed');
  });

  it('says so when nothing listens', async () => {
    const upstream = await serve(async () => undefined);
    await upstream.close();
    const backend = to(upstream.url);
    expect(await codeOf(eventsOf(backend.generate(request, options())))).toBe('upstream_failed');
    await backend.close();
  });
});
