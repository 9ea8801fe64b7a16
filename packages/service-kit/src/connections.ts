import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';

/**
 * Knows which connections of a server are between two requests. Node's own `server.close()` destroys a connection
 * whose answer has been ended but not yet sent in full; this one lets it leave.
 */
export class Connections {
  readonly #server: Server;
  /** Requests in progress, by connection. */
  readonly #open = new Map<Socket, number>();
  #draining = false;

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#open.set(socket, 0);
      socket.once('close', () => this.#open.delete(socket));
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const { socket } = request;
      this.#open.set(socket, (this.#open.get(socket) ?? 0) + 1);
      response.once('close', () => this.#answered(socket));
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
