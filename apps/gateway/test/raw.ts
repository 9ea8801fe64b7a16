import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: string;
}

/** Sends bytes as they are, piece by piece, and reads the first answer until the server closes or falls silent. */
export async function raw(port: number, pieces: readonly (string | Buffer)[], pause_ms = 0): Promise<Answer> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  let touched = Date.now();
  let closed = false;
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    touched = Date.now();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
  });
  for (const piece of pieces) {
    if (!socket.destroyed) socket.write(piece);
    if (pause_ms > 0) await sleep(pause_ms);
  }
  const until_ms = Date.now() + 8000;
  while (!closed && Date.now() < until_ms && !(chunks.length > 0 && Date.now() - touched > 100))
    await sleep(5);
  socket.destroy();
  const text = Buffer.concat(chunks).toString('utf8');
  const split = text.indexOf('\r\n\r\n');
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0),
    headers: text.slice(0, split),
    body: split < 0 ? '' : text.slice(split + 4),
  };
}

/** A request head with what every client sends. */
export function head(start: string, lines: readonly string[] = []): string {
  return `${[start, 'Host: localhost', ...lines].join('\r\n')}\r\n\r\n`;
}
