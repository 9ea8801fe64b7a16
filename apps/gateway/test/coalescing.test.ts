/** Clients that read more slowly than the model writes, and a gateway with much to do: fewer pieces, the same text. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { head } from '@mcp/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Harness, startGateway } from './harness.ts';

let g: Harness;
beforeAll(async () => {
  g = await startGateway({ env: { MCP_STREAM_HIGH_WATERMARK: '1' } });
});
afterAll(() => g.close());
afterEach(() => Object.assign(g.options, { words: 5, pause_ms: 0 }));

/** More than a socket holds while nobody reads. */
const MANY = 60_000;
const textOf = (words: number) => Array.from({ length: words }, (_, i) => `word${i} `).join('');

const COMPLETION = { model: 'tiny-chat', messages: [{ role: 'user', content: 'hi' }], stream: true };

function ask(path: string, body: object): Socket {
  const text = JSON.stringify(body);
  const socket = connect(g.port, '127.0.0.1');
  socket.write(
    head(`POST ${path} HTTP/1.1`, [
      `Authorization: Bearer ${g.admin}`,
      'Content-Type: application/json',
      'Connection: close',
      `Content-Length: ${text.length}`,
    ]) + text,
  );
  return socket;
}

/** The data of every frame of an answer over HTTP/1.1 in chunks, once its reader has begun to read. */
async function framesOf(socket: Socket): Promise<string[]> {
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  const bytes = Buffer.concat(parts);
  let text = '';
  for (let at = bytes.indexOf('\r\n\r\n') + 4; at < bytes.length; ) {
    const end = bytes.indexOf('\r\n', at);
    const length = Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (length === 0) break;
    text += bytes.toString('utf8', end + 2, end + 2 + length);
    at = end + 2 + length + 2;
  }
  return text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []));
}

test('above the high watermark a fast client gets fewer pieces too, and below it every one', async () => {
  Object.assign(g.options, { words: 60, pause_ms: 5 });
  const pieces = async () =>
    (await framesOf(ask('/v1/chat/completions', COMPLETION)))
      .map((data) => (data === '[DONE]' ? '' : (JSON.parse(data).choices[0]?.delta.content ?? '')))
      .filter((text) => text !== '');
  // Whatever else was under way, such as a probe, is over soon.
  await expect.poll(async () => (await pieces()).length, { timeout: 10_000 }).toBe(60);
  const both = await Promise.all([pieces(), pieces()]);
  for (const texts of both) {
    expect(texts.join('')).toBe(textOf(60));
    expect(texts.length).toBeLessThan(60);
  }
});

test.each<[string, string, object, (data: string) => string]>([
  [
    'a completion',
    '/v1/chat/completions',
    COMPLETION,
    (data) => (data === '[DONE]' ? '' : (JSON.parse(data).choices[0]?.delta.content ?? '')),
  ],
  [
    'a conversation',
    '/chat',
    { message: 'hi', stream: true },
    (data) => (JSON.parse(data).type === 'delta' ? JSON.parse(data).text : ''),
  ],
])('a client that stops reading gets %s in fewer pieces, whole', async (_, path, body, wordsOf) => {
  Object.assign(g.options, { words: MANY, pause_ms: 0 });
  const socket = ask(path, body);
  socket.pause();
  await sleep(500);
  const frames = await framesOf(socket);
  const texts = frames.map(wordsOf).filter((text) => text !== '');
  expect(texts.join('')).toBe(textOf(MANY));
  expect(texts.length).toBeLessThan(MANY);
});

test('a client of the WebSocket that stops reading gets fewer pieces, whole and numbered upwards', async () => {
  Object.assign(g.options, { words: MANY, pause_ms: 0 });
  const socket = new WebSocket(`${g.url.replace('http', 'ws')}/ws`, { headers: { 'x-api-key': g.admin } });
  await new Promise((done) => socket.once('open', done));
  const events: { type: string; seq: number; text?: string }[] = [];
  const over = new Promise<void>((done) => {
    socket.on('message', (data) => {
      events.push(JSON.parse(String(data)));
      if (events.at(-1)?.type === 'done') done();
    });
  });
  socket.send(JSON.stringify({ type: 'start', request: { message: 'hi' } }));
  socket.pause();
  await sleep(500);
  socket.resume();
  await over;
  const texts = events.flatMap((event) => (event.type === 'delta' ? [event.text] : []));
  expect(texts.join('')).toBe(textOf(MANY));
  expect(texts.length).toBeLessThan(MANY);
  expect(events.every(({ seq }, at) => at === 0 || seq > (events[at - 1]?.seq ?? 0))).toBe(true);
  socket.close();
});
