/**
 * Servers that stop at a phase of an answer, as a process of their own: what they see does not wait for the gateway's.
 * They tell the process that started them what became of each request, and when.
 */
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** Models that answer 503: each is closed for a while after it did. */
const RETRY_MODELS = Number(process.argv[2]);

const tell = (message: object) => void process.send?.(message);
const now_ms = () => performance.timeOrigin + performance.now();

const open = { answering: 0, silent: 0 };
const http = createHttpServer((request, response) => {
  let text = '';
  request.on('data', (data) => {
    text += String(data);
  });
  request.on('end', () => {
    const id = Number(/#(\d+)#/.exec(text)?.[1] ?? -1);
    const { model, stream = false } = JSON.parse(text) as { model: string; stream?: boolean };
    response.once('close', () => tell({ type: 'closed', id, at_ms: now_ms() }));
    answer(response, { model, stream });
    tell({ type: 'reached', id, at_ms: now_ms() });
  });
});
// It takes a connection and never answers the TLS handshake.
const silent = createServer();
for (const [name, server] of [
  ['answering', http],
  ['silent', silent],
] as const)
  server.on('connection', (socket: Socket) => {
    open[name]++;
    socket.once('close', () => open[name]--);
    socket.on('error', () => {});
  });
// Who does not read does not see that the other side has gone.
silent.on('connection', (socket: Socket) => socket.resume());

function answer(response: ServerResponse, { model, stream }: { model: string; stream: boolean }): void {
  if (model === 'headers') return;
  if (model.startsWith('retry')) {
    response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '3' });
    response.end('{"error":{"message":"not now"}}');
    return;
  }
  response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
  response.write(stream ? chunk({ role: 'assistant', content: '' }) : '{"id":"c",');
  if (model === 'first') return;
  const timer = setInterval(() => response.write(stream ? chunk({ content: ' word' }) : ' '), 5);
  response.once('close', () => clearInterval(timer));
}

function chunk(delta: object): string {
  const choices = [{ index: 0, delta, finish_reason: null }];
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices })}\n\n`;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', 4096, done));
  return (server.address() as AddressInfo).port;
}

process.on('message', () => tell({ type: 'open', ...open }));
process.on('disconnect', () => process.exit(0));
const common = { embedding_models: [], max_context: 8192, prices: {} };
const retry = Array.from({ length: RETRY_MODELS }, (_, at) => `retry-${at}`);
tell({
  type: 'ready',
  targets: [
    {
      ...common,
      name: 'up',
      base_url: `http://127.0.0.1:${await listen(http)}/v1`,
      models: ['queued', 'headers', 'first', 'middle', ...retry],
    },
    {
      ...common,
      name: 'silent',
      base_url: `https://127.0.0.1:${await listen(silent)}/v1`,
      models: ['connecting'],
    },
  ],
});
