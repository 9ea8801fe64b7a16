/** WebSocket handshakes go through the app like any request, and end with the process. */
import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { PlatformError } from '@mcp/contracts';
import type { Hono } from 'hono';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { attachWebSockets, type WebSockets } from '../src/http/upgrade.ts';
import { acceptWebSocket, baseApp, type KitEnv, type ServiceKit } from '../src/index.ts';
import { cleanUp, kitFor } from './support.ts';

let kit: ServiceKit;
let app: Hono<KitEnv>;
let server: Server;
let sockets: WebSockets;
let port: number;
const seen: { messages: string[]; lost: number; drained: number; protocol: string | undefined } = {
  messages: [],
  lost: 0,
  drained: 0,
  protocol: undefined,
};

beforeAll(async () => {
  kit = await kitFor('core');
  app = baseApp({ kit, checks: {} });
  app.get('/echo', (c) =>
    acceptWebSocket(c, {
      accepted(socket, draining) {
        seen.protocol = socket.protocol;
        draining.addEventListener('abort', () => seen.drained++);
        socket.on('error', () => undefined);
        socket.on('message', (data) => {
          seen.messages.push(String(data));
          socket.send(`echo ${String(data)}`);
        });
      },
      lost: () => seen.lost++,
    }),
  );
  app.get('/refused', () => {
    throw new PlatformError('rate_limited', 'Too many sockets.', { retry_after_ms: 3000 });
  });
  app.get('/plain', (c) => c.text('hello'));
  server = createServer((_, response) => response.writeHead(404).end());
  sockets = attachWebSockets(server, app.fetch);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  port = (server.address() as AddressInfo).port;
});
afterEach(() => {
  seen.messages = [];
});
afterAll(async () => {
  await sockets.close();
  server.close();
  await kit.close();
  cleanUp();
});

const dial = (path: string, protocols: string[] = []) =>
  new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols);
const opened = (socket: WebSocket) =>
  new Promise<void>((done, fail) => socket.once('open', done).once('error', fail));
const closed = (socket: WebSocket) =>
  new Promise<{ code: number; reason: string }>((done) => {
    socket.once('error', () => undefined);
    socket.once('close', (code, reason) => done({ code, reason: String(reason) }));
  });

/** A handshake as its bytes, and what is answered to it. */
function handshake(path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((done, fail) => {
    const asked = httpRequest({
      port,
      path,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        ...headers,
      },
    });
    asked.on('response', (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += String(chunk);
      });
      response.on('end', () => done({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    asked.on('upgrade', (_, socket) => {
      socket.destroy();
      done({ status: 101, headers: {}, text: '' });
    });
    asked.on('error', fail);
    asked.end();
  });
}

describe('a WebSocket', () => {
  it('is open once its route has accepted it, and carries messages both ways', async () => {
    const socket = dial('/echo');
    const answered = new Promise<string>((done) => socket.once('message', (data) => done(String(data))));
    await opened(socket);
    socket.send('hello');
    expect(await answered).toBe('echo hello');
    socket.close();
    await closed(socket);
  });

  it.each([
    [[], ''],
    [['mcp'], 'mcp'],
    [['other', 'mcp'], 'mcp'],
  ])('speaks our protocol where it is offered: %j', async (offered, protocol) => {
    const socket = dial('/echo', offered);
    await opened(socket);
    expect([socket.protocol, seen.protocol]).toEqual([protocol, protocol]);
    socket.close();
    await closed(socket);
  });

  it('has no message of more than 1 MiB', async () => {
    const socket = dial('/echo');
    await opened(socket);
    const end = closed(socket);
    socket.send('x'.repeat(1024 * 1024 + 1));
    expect((await end).code).toBe(1009);
    expect(seen.messages).toEqual([]);
  });
});

describe('a handshake', () => {
  it.each<[string, string, number, RegExp]>([
    ['that the route refuses', '/refused', 429, /rate_limited/],
    ['to an address that there is not', '/nowhere', 404, /not_found/],
    ['to an address of plain answers', '/plain', 200, /^hello$/],
  ])('%s keeps its status and body', async (_, path, status, text) => {
    const answer = await handshake(path);
    expect(answer).toMatchObject({
      status,
      text: expect.stringMatching(text),
      headers: { connection: 'close' },
    });
    expect(Number(answer.headers['content-length'])).toBe(Buffer.byteLength(answer.text));
  });

  it('that is refused says when to come back, and how to find it in the traces', async () => {
    const { headers } = await handshake('/refused');
    expect(headers).toMatchObject({ 'retry-after': '3', 'x-request-id': expect.any(String) });
  });

  it.each([
    ['no key', { 'sec-websocket-key': '' }],
    ['another version', { 'sec-websocket-version': '7' }],
  ])('with %s is none, and its handler hears that it was lost', async (_, headers) => {
    const before = seen.lost;
    const { status } = await handshake('/echo', headers);
    expect([400, 426]).toContain(status);
    await expect.poll(() => seen.lost).toBe(before + 1);
  });

  it('whose path is an absolute address is no way around the routes', async () => {
    const socket = connect(port, '127.0.0.1');
    const text = await new Promise<string>((done) => {
      let all = '';
      socket.on('data', (chunk) => {
        all += String(chunk);
      });
      socket.on('close', () => done(all));
      socket.write(
        'GET http://evil.example/echo HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n',
      );
    });
    expect(text).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
  });

  it('as a plain request is told what to send', async () => {
    const answer = await app.request('/echo');
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('This is a WebSocket address. Send Connection: Upgrade');
  });
});

it('ends with the process: handlers hear of it first, then what is open is closed', async () => {
  const own = createServer();
  const theirs = attachWebSockets(own, app.fetch);
  await new Promise<void>((done) => own.listen(0, '127.0.0.1', done));
  const url = `ws://127.0.0.1:${(own.address() as AddressInfo).port}/echo`;
  const open = [new WebSocket(url), new WebSocket(url)];
  await Promise.all(open.map(opened));
  const before = seen.drained;
  theirs.drain();
  expect(seen.drained).toBe(before + 2);
  const ends = open.map(closed);
  await theirs.close();
  expect(await Promise.all(ends)).toEqual(
    open.map(() => ({ code: 1001, reason: 'the service is restarting' })),
  );
  await new Promise((done) => own.close(done));
});
