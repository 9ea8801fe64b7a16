/** Servers that stop at a phase of an answer, and say when the connection of a request closed. */
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** Where a request is when its client leaves. */
export const PHASES = ['queued', 'connecting', 'headers', 'first', 'middle', 'retry'] as const;
export type Phase = (typeof PHASES)[number];

/** Models that answer 503: each is closed for a while after it did. */
export const RETRY_MODELS = 300;

export interface Upstream {
  readonly targets: readonly object[];
  /** Resolves when the request of this number is where its model stops. */
  reached(id: number): Promise<void>;
  /** When the connection of this request closed, in ms of `performance.now`. */
  closed(id: number): Promise<number>;
  /** Connections that are open now. */
  open(): number;
  close(): void;
}

export async function startUpstream(): Promise<Upstream> {
  const reached = new Moments();
  const closed = new Moments();
  const sockets = new Set<Socket>();
  const http = createHttpServer((request, response) => {
    let text = '';
    request.on('data', (data) => {
      text += String(data);
    });
    request.on('end', () => {
      const id = Number(/#(\d+)#/.exec(text)?.[1] ?? -1);
      const { model, stream = false } = JSON.parse(text) as { model: string; stream?: boolean };
      response.once('close', () => closed.set(id));
      answer(response, { model, stream });
      reached.set(id);
    });
  });
  // It takes a connection and never answers the TLS handshake.
  const silent = createServer();
  for (const server of [http, silent])
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => {});
    });
  const retry = Array.from({ length: RETRY_MODELS }, (_, at) => `retry-${at}`);
  const common = { embedding_models: [], max_context: 8192, prices: {} };
  return {
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
    reached: async (id) => void (await reached.get(id)),
    closed: (id) => closed.get(id),
    open: () => sockets.size,
    close() {
      for (const socket of sockets) socket.destroy();
      http.close();
      silent.close();
    },
  };
}

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
  const value = {
    id: 'c',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: null }],
  };
  return `data: ${JSON.stringify(value)}\n\n`;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', 4096, done));
  return (server.address() as AddressInfo).port;
}

/** When something happened to each request, for those who wait for it, before or after. */
export class Moments {
  readonly #known = new Map<number, PromiseWithResolvers<number>>();

  set(id: number): void {
    this.#of(id).resolve(performance.now());
  }

  /** Asked once for each request: it is forgotten then. */
  async get(id: number): Promise<number> {
    const at_ms = await this.#of(id).promise;
    this.#known.delete(id);
    return at_ms;
  }

  get size(): number {
    return this.#known.size;
  }

  forget(): void {
    this.#known.clear();
  }

  #of(id: number): PromiseWithResolvers<number> {
    const known = this.#known.get(id) ?? Promise.withResolvers<number>();
    this.#known.set(id, known);
    return known;
  }
}
