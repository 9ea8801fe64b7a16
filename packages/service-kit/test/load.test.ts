import { once } from 'node:events';
import { Agent, createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { promisify } from 'node:util';
import type { ChatEvent } from '@mcp/contracts';
import { failure } from '@mcp/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { LANES } from '../src/clients/http-client.ts';
import { Connections, maxConnections } from '../src/http/connections.ts';
import { ndjson, type ServiceKit, type StartedServices, startServices } from '../src/index.ts';
import { callOf, cleanUp, env, kitFor, serviceOf } from './support.ts';

const { places: LONG, max_waiting: WAITING } = LANES.long;

const delta = (seq: number): ChatEvent => ({
  type: 'delta',
  seq,
  message_id: '00000000-0000-4000-8000-000000000000',
  turn: 0,
  step: 's3',
  participant: 'modelA',
  text: 'word ',
});
let release = Promise.withResolvers<void>();
let services: StartedServices;
let kit: ServiceKit;

beforeAll(async () => {
  const core = serviceOf('core', (app) => {
    app.post('/internal/chat', (c) => {
      const { signal } = c.get('call');
      const left = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      left.catch(() => undefined);
      return ndjson(
        c,
        (async function* () {
          yield delta(0);
          await Promise.race([release.promise, left]);
          for (let seq = 1; seq < 5; seq++) yield delta(seq);
        })(),
      );
    });
    app.get('/internal/prompts', (c) => c.json([]));
  });
  services = await startServices(core, env());
  kit = await kitFor('gateway', { MCP_CORE_URL: `http://127.0.0.1:${services.ports.get('core')}` });
});
afterEach(() => {
  release.resolve();
  release = Promise.withResolvers();
});
afterAll(async () => {
  await kit.close();
  await services.stop('end');
  cleanUp();
});

/** How many streams are begun at once: both ends of them are in this one process. */
const AT_ONCE = 256;

/** Opens streams and waits for the first event of each. */
async function open(count: number) {
  const streams: Awaited<ReturnType<typeof begin>> = [];
  while (streams.length < count) streams.push(...(await begin(Math.min(AT_ONCE, count - streams.length))));
  return streams;
}

async function begin(count: number) {
  const call = callOf({ deadline_ms: Date.now() + 60_000 });
  return Promise.all(
    Array.from({ length: count }, async () => {
      const events = kit.clients.core.chat({ message: 'hi' }, call)[Symbol.asyncIterator]();
      const first = await events.next();
      const rest = async () => {
        const seen = [first.value];
        for (let next = await events.next(); next.done !== true; next = await events.next())
          seen.push(next.value);
        return seen;
      };
      return { rest, close: () => events.return?.() };
    }),
  );
}

test('a thousand streams between two services lose nothing, and short calls pass beside them', async () => {
  const streams = await open(1000);
  expect(await Promise.all(Array.from({ length: 50 }, () => kit.clients.core.prompts(callOf())))).toEqual(
    Array(50).fill([]),
  );
  release.resolve();
  const seen = await Promise.all(streams.map(({ rest }) => rest()));
  for (const events of seen) expect(events.map((event) => event.seq)).toEqual([0, 1, 2, 3, 4]);
}, 60_000);

test('who waits for a connection is held to the deadline and to cancel, and a full line is refused', async () => {
  const streams = await open(LONG);
  const late = failure(kit.clients.core.chat({ message: 'x' }, callOf({ deadline_ms: Date.now() + 50 })));
  expect(await late).toMatchObject({ code: 'deadline_exceeded' });
  const leaving = new AbortController();
  const left = failure(kit.clients.core.chat({ message: 'x' }, callOf({ signal: leaving.signal })));
  leaving.abort();
  expect(await left).toMatchObject({ code: 'cancelled' });
  // The two that left gave up their places in the line.
  const waiting = Array.from({ length: WAITING }, () => open(1));
  const refused = await failure(kit.clients.core.chat({ message: 'x' }, callOf()));
  expect(refused).toMatchObject({ code: 'overloaded', status: 429, retry_after_ms: expect.any(Number) });
  expect(await kit.clients.core.prompts(callOf())).toEqual([]);
  await Promise.all(streams.slice(0, WAITING).map(({ close }) => close()));
  const later = (await Promise.all(waiting)).flat();
  release.resolve();
  const seen = await Promise.all([...streams.slice(WAITING), ...later].map(({ rest }) => rest()));
  expect(seen.every((events) => events.length === 5)).toBe(true);
}, 60_000);

test('a call to a service that accepts and never answers ends with its deadline', async () => {
  const silent = createTcpServer(() => undefined);
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const other = await kitFor('gateway', {
    MCP_CORE_URL: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
  });
  const error = await failure(other.clients.core.prompts(callOf({ deadline_ms: Date.now() + 100 })));
  expect(error).toMatchObject({ code: 'deadline_exceeded' });
  await other.close();
  silent.close();
});

test('beyond its connections a server says when to come back, and still answers its probes', async () => {
  const server = createServer();
  const connections = new Connections(server, (_request, response) => void response.end('served'), 2);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const held = [await ask(server, '/'), await ask(server, '/')];
  expect(held.map(({ status, text }) => [status, text])).toEqual([
    [200, 'served'],
    [200, 'served'],
  ]);
  expect(await ask(server, '/v1/models')).toMatchObject({
    status: 503,
    retry_after: '1',
    text: expect.stringContaining('2 connections'),
  });
  expect(await ask(server, '/healthz')).toMatchObject({ status: 200 });
  for (const { end } of held) end();
  await expect.poll(async () => (await ask(server, '/')).status).toBe(200);
  connections.destroy();
});

test('a probe does not wait until all of those that came with it have begun', async () => {
  const COUNT = 200;
  const seen: string[] = [];
  const server = createServer();
  const connections = new Connections(server, (request, response) => {
    seen.push(request.method ?? '');
    response.end('served');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets = await Promise.all(
    Array.from({ length: COUNT + 1 }, async () => {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    }),
  );
  const accepted = promisify(server.getConnections.bind(server));
  await expect.poll(() => accepted()).toBe(COUNT + 1);
  sockets.forEach((socket, at) => {
    const method = at < COUNT ? 'POST' : 'GET';
    socket.write(`${method} / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n`);
  });
  await expect.poll(() => seen.length).toBe(COUNT + 1);
  expect(seen.indexOf('GET')).toBeLessThan(COUNT / 2);
  for (const socket of sockets) socket.destroy();
  connections.destroy();
});

test('connections are bounded by the files that may be open', () => {
  expect(maxConnections(1_048_576)).toBe(4096);
  expect(maxConnections(Number.POSITIVE_INFINITY)).toBe(4096);
  expect(maxConnections(1024)).toBe(256);
  expect(maxConnections(64)).toBe(1);
});

/** Asks over a connection of its own, which stays open. */
async function ask(server: Server, path: string) {
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true });
  const asked = httpRequest({ port, path, agent, host: '127.0.0.1' });
  asked.on('error', () => undefined);
  asked.end();
  const [response] = await once(asked, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return {
    status: response.statusCode as number,
    retry_after: response.headers['retry-after'] as string | undefined,
    text,
    end: () => agent.destroy(),
  };
}
