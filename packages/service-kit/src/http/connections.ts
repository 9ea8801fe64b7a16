import { readFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { PlatformError } from '@mcp/contracts';
import { toProblem } from './errors.ts';
import { Turns } from './turns.ts';

/** Connections that a service works for at once. */
const MAX_CONNECTIONS = 4096;
/** Further ones that are only told so, so that a caller learns when to come back and probes still get their answer. */
const SPARE_CONNECTIONS = 256;
/** Files that a process needs beside its connections. */
const OTHER_FILES = 256;
const PROBES = new Set(['/healthz', '/readyz', '/metrics']);

/**
 * The connections of a server: bounded, with a refusal in words beyond. Knows which are between two requests: node's
 * own `server.close()` destroys a connection whose answer has been ended but not yet sent in full; this one lets it leave.
 */
export class Connections {
  readonly #server: Server;
  /** Requests in progress, by connection. */
  readonly #open = new Map<Socket, number>();
  readonly #spare = new WeakSet<Socket>();
  readonly #turns = new Turns();
  #draining = false;

  constructor(server: Server, listener: RequestListener, max = maxConnections(openFiles())) {
    this.#server = server;
    server.maxConnections = max + SPARE_CONNECTIONS;
    server.on('connection', (socket: Socket) => {
      if (this.#open.size >= max) this.#spare.add(socket);
      this.#open.set(socket, 0);
      socket.once('close', () => this.#open.delete(socket));
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const { socket } = request;
      this.#open.set(socket, (this.#open.get(socket) ?? 0) + 1);
      response.once('close', () => this.#answered(socket));
      if (this.#spare.has(socket) && !PROBES.has(request.url ?? '')) refuse(response, max);
      else if (request.method === 'POST') this.#turns.take(() => listener(request, response));
      else listener(request, response);
    });
    // A WebSocket is no longer ours to close.
    server.on('upgrade', (request: IncomingMessage) => this.#open.delete(request.socket));
  }

  /** Takes no new connections, closes those at rest, and the others after their answer. Resolves when all are gone. */
  drain(): Promise<void> {
    this.#draining = true;
    return new Promise((done) => {
      NetServer.prototype.close.call(this.#server, () => done());
      for (const [socket, running] of this.#open) if (running === 0) socket.destroySoon();
    });
  }

  /** Cuts off what is left. */
  destroy(): void {
    this.#server.close(() => undefined);
    this.#server.closeAllConnections();
  }

  #answered(socket: Socket): void {
    const running = this.#open.get(socket);
    if (running === undefined) return;
    this.#open.set(socket, running - 1);
    if (this.#draining && running === 1) socket.destroySoon();
  }
}

function refuse(response: ServerResponse, max: number): void {
  const error = new PlatformError(
    'unavailable',
    `This process has ${max} connections open, which is the most it works for. Try again in a moment.`,
  );
  const body = JSON.stringify(toProblem(error, ''));
  response.writeHead(error.status, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'retry-after': '1',
    connection: 'close',
  });
  response.end(body);
}

/** As many as there are files for: a stream has a connection to its client, and one to the service behind. */
export function maxConnections(open_files: number): number {
  return Math.max(
    1,
    Math.min(MAX_CONNECTIONS, Math.floor((open_files - SPARE_CONNECTIONS - OTHER_FILES) / 2)),
  );
}

/** Files this process may open; node has raised it to the hard limit. Where that cannot be read, there is none. */
function openFiles(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
