import { PlatformError } from '@mcp/contracts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Harness, startGateway } from './harness.ts';

let g: Harness;
beforeAll(async () => {
  g = await startGateway();
});
afterAll(() => g.close());
afterEach(() => Object.assign(g.options, { words: 5, pause_ms: 0, refusal: undefined }));

interface Event {
  readonly type: string;
  readonly seq: number;
  readonly code?: string;
  readonly message?: string;
}

/** A client that keeps what it receives. */
class Client {
  readonly socket: WebSocket;
  readonly events: Event[] = [];
  readonly closed: Promise<number>;

  constructor(url: string, options: { protocols?: string[]; headers?: Record<string, string> }) {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, options.protocols ?? [], {
      headers: options.headers ?? {},
    });
    this.socket.on('message', (data) => this.events.push(JSON.parse(String(data))));
    this.closed = new Promise((done) => this.socket.on('close', (code) => done(code)));
    this.socket.on('error', () => undefined);
  }

  open(): Promise<void> {
    return new Promise((done, fail) => {
      this.socket.once('open', () => done());
      this.socket.once('error', fail);
    });
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  async until(matches: (event: Event) => boolean, from = 0): Promise<Event> {
    for (const until_ms = Date.now() + 30_000; Date.now() < until_ms; ) {
      const found = this.events.slice(from).find(matches);
      if (found !== undefined) return found;
      await new Promise((done) => setTimeout(done, 3));
    }
    throw new Error(`not among ${JSON.stringify(this.events).slice(0, 500)}`);
  }
}

const is = (type: string) => (event: Event) => event.type === type;

async function connect(): Promise<Client> {
  const client = new Client(g.url, { headers: { 'x-api-key': g.admin } });
  await client.open();
  return client;
}
const start = (change: object = {}) => ({ type: 'start', request: { message: 'hi', ...change } });

test('a browser gives its key as a subprotocol beside mcp', async () => {
  const { key } = await g.key(['chat']);
  const client = new Client(g.url, { protocols: ['mcp', `mcp-key.${key}`] });
  await client.open();
  expect(client.socket.protocol).toBe('mcp');
  client.socket.close();
});

test('several conversations follow each other on one socket', async () => {
  const client = await connect();
  for (let round = 0; round < 3; round++) {
    const from = client.events.length;
    client.send(start({ exchanges: 2 }));
    await client.until(is('done'), from);
    const events = client.events.slice(from);
    expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => i));
    expect(events.map((event) => event.type).filter((type) => type !== 'delta')).toEqual([
      'start',
      'message.start',
      'message.end',
      'message.start',
      'message.end',
      'done',
    ]);
  }
  client.socket.close();
});

test('cancel stops the model', async () => {
  Object.assign(g.options, { words: 1000, pause_ms: 20 });
  const client = await connect();
  client.send(start());
  await client.until(is('delta'));
  const ends = g.seen.ends.length;
  client.send({ type: 'cancel' });
  const error = await client.until(is('error'));
  expect(error.code).toBe('cancelled');
  // How soon is measured in bench/cancel.
  await expect.poll(() => g.seen.ends[ends]?.how).toBe('aborted');
  Object.assign(g.options, { words: 2, pause_ms: 0 });
  const from = client.events.length;
  client.send(start());
  await client.until(is('done'), from);
  client.socket.close();
});

test('a client that leaves stops the model', async () => {
  Object.assign(g.options, { words: 1000, pause_ms: 20 });
  const client = await connect();
  client.send(start());
  await client.until(is('delta'));
  const ends = g.seen.ends.length;
  client.socket.terminate();
  await expect.poll(() => g.seen.ends[ends]?.how).toBe('aborted');
});

test('one conversation at a time', async () => {
  Object.assign(g.options, { words: 1000, pause_ms: 20 });
  const client = await connect();
  client.send(start());
  await client.until(is('delta'));
  client.send(start());
  expect(await client.until(is('error'))).toMatchObject({ code: 'conflict' });
  client.socket.terminate();
});

test('an open socket has a place like an open request, and gives it back', async () => {
  const few = await startGateway({ env: { MCP_MAX_PARALLEL_REQUESTS: '3' } });
  const open = () => new Client(few.url, { headers: { 'x-api-key': few.admin } });
  const clients = [open(), open(), open()];
  await Promise.all(clients.map((client) => client.open()));
  await expect(open().open()).rejects.toThrow(/429/);
  expect((await few.ask('/v1/models')).status).toBe(429);
  clients[0]?.send(start());
  await clients[0]?.until(is('done'));
  for (const client of clients) client.socket.terminate();
  await expect.poll(async () => (await few.ask('/v1/models')).status).toBe(200);
  await few.close();
});

test('a refusal of the models comes as an event with the time to wait', async () => {
  g.options.refusal = new PlatformError('overloaded', 'The queue is full.', { retry_after_ms: 1500 });
  const client = await connect();
  client.send(start());
  expect(await client.until(is('error'))).toMatchObject({ code: 'overloaded', retry_after_ms: 1500 });
  client.socket.close();
});

test('a revoked key ends an open socket', async () => {
  const { id, key } = await g.key(['chat']);
  const client = new Client(g.url, { protocols: ['mcp', `mcp-key.${key}`] });
  await client.open();
  client.send(start());
  await client.until(is('done'));
  await g.ask(`/admin/keys/${id}`, { method: 'DELETE' });
  expect(await client.closed).toBe(4401);
});

test('draining lets a running conversation end and closes the idle', async () => {
  const other = await startGateway();
  const talking = new Client(other.url, { headers: { 'x-api-key': other.admin } });
  const idle = new Client(other.url, { headers: { 'x-api-key': other.admin } });
  await Promise.all([talking.open(), idle.open()]);
  Object.assign(other.options, { words: 10, pause_ms: 20 });
  talking.send(start());
  await talking.until(is('delta'));
  const closing = other.close();
  expect(await idle.closed).toBe(1001);
  await talking.until(is('done'));
  expect(await talking.closed).toBe(1001);
  await closing;
});
