import { connect } from 'node:net';
import { PlatformError } from '@mcp/contracts';
import { head } from '@mcp/testkit';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Harness, startGateway } from './harness.ts';

let g: Harness;
beforeAll(async () => {
  g = await startGateway();
});
afterAll(() => g.close());
afterEach(() => Object.assign(g.options, { words: 5, pause_ms: 0, refusal: undefined }));

const QUESTION = { model: 'tiny-chat', messages: [{ role: 'user' as const, content: 'hi' }] };
const post = (path: string, body: unknown, init: RequestInit = {}) =>
  g.ask(path, { method: 'POST', body: JSON.stringify(body), ...init });

/** The frames of an event stream, without comments. */
function frames(text: string): { event: string; id: string; data: string }[] {
  return text
    .split('\n\n')
    .filter((block) => block.includes('data: '))
    .map((block) => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
      return { event: field('event'), id: field('id'), data: field('data') };
    });
}

describe('a client that leaves stops the model', () => {
  const REQUESTS: [name: string, path: string, body: object][] = [
    ['a completion in JSON', '/v1/chat/completions', QUESTION],
    ['a streamed completion', '/v1/chat/completions', { ...QUESTION, stream: true }],
    ['a conversation in JSON', '/chat', { message: 'hi' }],
    ['a streamed conversation', '/chat', { message: 'hi', stream: true }],
    ['an alias', '/v1/chat/completions', { ...QUESTION, model: 'mcp/dual', stream: true }],
  ];
  test.each(REQUESTS)('%s', async (_name, path, body) => {
    Object.assign(g.options, { words: 1000, pause_ms: 20 });
    const ends = g.seen.ends.length;
    const leaving = new AbortController();
    const [calls, words] = [g.seen.calls.length, g.seen.words];
    const asked = post(path, body, { signal: leaving.signal })
      .then((answer) => answer.text())
      .catch((error: Error) => error.name);
    await expect.poll(() => g.seen.calls.length).toBe(calls + 1);
    await expect.poll(() => g.seen.words, { interval: 5 }).toBeGreaterThan(words);
    leaving.abort();
    expect(await asked).toBe('AbortError');
    // How soon is measured in bench/cancel.
    await expect.poll(() => g.seen.ends[ends]?.how).toBe('aborted');
  });
});

describe('refusals keep their status: nothing streams before', () => {
  test.each([
    ['/v1/chat/completions', { ...QUESTION, stream: true }],
    ['/v1/chat/completions', { ...QUESTION, model: 'mcp/dual' }],
    ['/chat', { message: 'hi', stream: true }],
    ['/chat', { message: 'hi' }],
  ])('%s %j', async (path, body) => {
    g.options.refusal = new PlatformError('overloaded', 'The queue of tiny-chat is full.', {
      retry_after_ms: 2500,
    });
    const answer = await post(path, body);
    expect(answer.status).toBe(429);
    expect(answer.headers.get('retry-after')).toBe('3');
    expect(answer.headers.get('retry-after-ms')).toBe('2500');
    expect(await answer.text()).toContain('The queue of tiny-chat is full.');
  });
});

test('a conversation streams as named, numbered events', async () => {
  const answer = await post(
    '/chat',
    { message: 'hi', exchanges: 2 },
    { headers: { accept: 'text/event-stream' } },
  );
  expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
  expect(answer.headers.get('x-mcp-conversation-id')).toMatch(/^[0-9a-f-]{36}$/);
  const events = frames(await answer.text());
  expect(events.map(({ id }) => Number(id))).toEqual(events.map((_, i) => i));
  expect(events.at(-1)?.event).toBe('done');
  for (const { event, data } of events) expect(JSON.parse(data)).toHaveProperty('type', event);
});

test('a failure in the middle is the last event, with what a client needs to go on', async () => {
  Object.assign(g.options, { words: 1000, pause_ms: 20 });
  // Long enough to have begun by then, on any machine.
  const headers = { 'x-mcp-timeout-ms': '1500' };
  const texts = [
    post('/chat', { message: 'hi', stream: true }, { headers }),
    post('/v1/chat/completions', { ...QUESTION, stream: true }, { headers }),
  ].map(async (answer) => (await answer).text());
  const [chat = '', wire = ''] = await Promise.all(texts);
  const events = frames(chat);
  expect(JSON.parse(events.at(-1)?.data ?? '{}')).toMatchObject({
    type: 'error',
    code: 'deadline_exceeded',
    retryable: true,
    conversation_id: expect.any(String),
    seq: events.length - 1,
  });
  const last = frames(wire).at(-1);
  expect(JSON.parse(last?.data ?? '{}')).toMatchObject({ error: { code: 'deadline_exceeded' } });
});

test('the deadline of the client ends a request in JSON with 504', async () => {
  Object.assign(g.options, { words: 1000, pause_ms: 20 });
  const answer = await post('/v1/chat/completions', QUESTION, { headers: { 'x-mcp-timeout-ms': '80' } });
  expect(answer.status).toBe(504);
});

test('200 streams at once lose no frame', async () => {
  Object.assign(g.options, { words: 40, pause_ms: 2 });
  const streams = await Promise.all(
    Array.from({ length: 200 }, async () =>
      frames(await (await post('/v1/chat/completions', { ...QUESTION, stream: true })).text()),
    ),
  );
  for (const stream of streams) {
    const text = stream
      .slice(0, -1)
      .map(({ data }) => JSON.parse(data).choices[0]?.delta.content ?? '')
      .join('');
    expect(text).toBe(Array.from({ length: 40 }, (_, i) => `word${i} `).join(''));
    expect(stream.at(-1)?.data).toBe('[DONE]');
  }
});

test('a client that does not read holds the model back, and is cut off at the deadline', async () => {
  Object.assign(g.options, { words: 2_000_000, pause_ms: 0 });
  const [ends, before] = [g.seen.ends.length, g.seen.words];
  const body = JSON.stringify({ ...QUESTION, stream: true });
  const socket = connect(g.port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(
    head('POST /v1/chat/completions HTTP/1.1', [
      `Authorization: Bearer ${g.admin}`,
      'Content-Type: application/json',
      'X-Mcp-Timeout-Ms: 8000',
      `Content-Length: ${body.length}`,
    ]) + body,
  );
  socket.pause();
  // It has come to a stand before its end, and long before all its words.
  await expect
    .poll(async () => {
      const held_at = g.seen.words;
      await new Promise((done) => setTimeout(done, 200));
      return { stands: g.seen.words === held_at && held_at > before, ended: g.seen.ends.length > ends };
    })
    .toEqual({ stands: true, ended: false });
  await expect.poll(() => g.seen.ends[ends]?.how).toMatch(/aborted|returned/);
  socket.destroy();
});

describe('the official OpenAI client', () => {
  const client = () => new OpenAI({ baseURL: `${g.url}/v1`, apiKey: g.admin, maxRetries: 0 });

  test('completes, streams, embeds and lists', async () => {
    const whole = await client().chat.completions.create(QUESTION);
    expect(whole.choices[0]?.message.content).toBe('word0 word1 word2 word3 word4 ');
    expect(whole.usage?.total_tokens).toBe(8);
    const chunks = [];
    const stream = await client().chat.completions.create({
      ...QUESTION,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(
      whole.choices[0]?.message.content,
    );
    expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 5 });
    const embedded = await client().embeddings.create({ model: 'tiny-embed', input: ['a', 'b'] });
    expect(embedded.data.map(({ embedding }) => embedding)).toEqual([
      [0.5, -1, 2, 0],
      [0.5, -1, 2, 0],
    ]);
    const models = [];
    for await (const model of client().models.list()) models.push(model.id);
    expect(models).toEqual(['tiny-chat', 'tiny-embed', 'mcp/dual', 'mcp/cross-check', 'mcp/debate']);
    expect(await client().models.retrieve('tiny-chat')).toMatchObject({ id: 'tiny-chat', object: 'model' });
  });

  test('meets errors as its own classes', async () => {
    const ask = (model: string) => client().chat.completions.create({ ...QUESTION, model });
    await expect(ask('gpt-99')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    g.options.refusal = new PlatformError('overloaded', 'full');
    await expect(ask('tiny-chat')).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    const stranger = new OpenAI({ baseURL: `${g.url}/v1`, apiKey: 'sk-wrong', maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
  });

  test('holds a conversation of two models through an alias', async () => {
    const { data, response } = await client()
      .chat.completions.create({
        model: 'mcp/debate',
        messages: [
          { role: 'system', content: 'be brief' },
          { role: 'user', content: 'hi' },
        ],
        max_tokens: 9000,
        temperature: 0.5,
        seed: 7,
      })
      .withResponse();
    expect(data.choices[0]?.message).toMatchObject({
      content: 'word0 word1 word2 word3 word4 ',
      reasoning_content: expect.stringContaining('modelA'),
    });
    expect(data.model).toBe('mcp/debate');
    expect(response.headers.get('x-mcp-conversation-id')).toMatch(/^[0-9a-f-]{36}$/);
    const stream = await client().chat.completions.create({ ...QUESTION, model: 'mcp/dual', stream: true });
    let thinking = '';
    let text = '';
    for await (const chunk of stream) {
      const delta: { content?: string | null; reasoning_content?: string } = chunk.choices[0]?.delta ?? {};
      thinking += delta.reasoning_content ?? '';
      text += delta.content ?? '';
    }
    expect(thinking).toContain('word4');
    expect(text).toBe('word0 word1 word2 word3 word4 ');
  });

  test('keeps a completion that asks for it', async () => {
    const recorded = g.seen.recorded.length;
    const { response } = await client()
      .chat.completions.create({ ...QUESTION, store: true })
      .withResponse();
    expect(response.headers.get('x-mcp-conversation-id')).toMatch(/^[0-9a-f-]{36}$/);
    const ids = [];
    const stream = await client().chat.completions.create({ ...QUESTION, store: true, stream: true });
    for await (const chunk of stream) {
      if ('mcp' in chunk) ids.push(chunk.mcp);
    }
    expect(ids).toEqual([{ conversation_id: expect.any(String) }]);
    expect(g.seen.recorded.slice(recorded)).toEqual([
      expect.objectContaining({ model: 'tiny-chat', answer: 'word0 word1 word2 word3 word4 ' }),
      expect.objectContaining({ question: [{ role: 'user', content: 'hi' }] }),
    ]);
    await client().chat.completions.create(QUESTION);
    expect(g.seen.recorded).toHaveLength(recorded + 2);
  });
});

test('answers say who asked what, how long the gateway took, and what is left', async () => {
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const answer = await post('/v1/chat/completions', QUESTION, {
    headers: { 'x-request-id': 'mine-1', traceparent },
  });
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'x-request-id': 'mine-1',
    'x-trace-id': 'a'.repeat(32),
    'x-mcp-overhead-ms': expect.stringMatching(/^\d+\.\d{3}$/),
    'x-ratelimit-limit-requests': '6000',
    'x-ratelimit-remaining-requests': expect.stringMatching(/^\d+$/),
    'x-ratelimit-reset-requests': expect.stringMatching(/^\d+ms$/),
  });
  expect(g.seen.calls.at(-1)?.traceparent).toMatch(new RegExp(`^00-${'a'.repeat(32)}-`));
  await expect
    .poll(async () => (await g.ask(`/v1/traces/${'a'.repeat(32)}`)).json())
    .toMatchObject({
      spans: [{ name: 'http.server.request', parent_span_id: 'b'.repeat(16), status: 'unset' }],
    });
  const stranger = await g.key(['chat']);
  expect((await g.ask(`/v1/traces/${'a'.repeat(32)}`, { key: stranger.key })).status).toBe(404);
});

test('names that clients invent do not become labels', async () => {
  await post('/v1/chat/completions', { ...QUESTION, model: 'invented-by-a-client' });
  await g.ask('/invented/path');
  const metrics = await (await fetch(`${g.url}/metrics`)).text();
  expect(metrics).not.toContain('invented');
  expect(metrics).toMatch(
    /service_requests_total\{service="gateway",endpoint="\/v1\/chat\/completions",status="200",model="tiny-chat",phase="json"\} \d+/,
  );
  expect(metrics).toContain('endpoint="unmatched",status="404"');
});

test('more requests than a minute allows are told when to come back', async () => {
  const small = await startGateway({ env: { MCP_RATE_REQUESTS_PER_MINUTE: '3' } });
  const ask = () => small.ask('/v1/models');
  const answers = [await ask(), await ask(), await ask(), await ask()];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  const refused = answers[3];
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThanOrEqual(5);
  expect(refused?.headers.get('x-ratelimit-remaining-requests')).toBe('0');
  expect(await refused?.json()).toMatchObject({ error: { code: 'rate_limited', type: 'rate_limit_error' } });
  await small.close();
});

test('a job is followed as events until its end', async () => {
  const made = await post('/v1/jobs', { spec: { kind: 'embed-batch', texts: ['a'] } });
  expect(made.status).toBe(202);
  const location = made.headers.get('location') ?? '';
  const events = frames(await (await g.ask(location, { headers: { accept: 'text/event-stream' } })).text());
  expect(events.map(({ event, data }) => [event, JSON.parse(data).status])).toEqual([
    ['job', 'queued'],
    ['job', 'running'],
    ['job', 'completed'],
  ]);
  expect(await (await g.ask(location)).json()).toMatchObject({ status: 'queued' });
});
