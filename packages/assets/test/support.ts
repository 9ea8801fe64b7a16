/** A directory and a server of one test file, whose answers a test says. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export class Place {
  readonly dir = mkdtempSync(join(tmpdir(), 'mcp-assets-'));
  answer: Answer = (_, response) => void response.writeHead(404).end();
  /** Where each request asked to go on from; undefined: from the beginning. */
  readonly ranges: (string | undefined)[] = [];
  readonly #server: Server = createServer((request, response) => {
    this.ranges.push(request.headers.range);
    this.answer(request, response);
  });

  async listen(): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Where a request goes on from. */
export function offsetOf({ headers }: IncomingMessage): number {
  return Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
}
