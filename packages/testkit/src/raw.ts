import { once } from 'node:events';
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

/** Sends bytes and waits for the server to end the connection; returns the status of each answer. */
export async function untilClosed(
  port: number,
  pieces: readonly string[],
  { end = false }: { end?: boolean } = {},
): Promise<number[]> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    // The client ends while its answer is on the way.
    if (end) socket.end();
  });
  for (const piece of pieces) socket.write(piece);
  if (end) setTimeout(() => socket.end(), 20);
  socket.on('error', () => undefined);
  await once(socket, 'end');
  socket.destroy();
  return [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
}

/** A request head with what every client sends. */
export function head(start: string, lines: readonly string[] = []): string {
  return `${[start, 'Host: localhost', ...lines].join('\r\n')}\r\n\r\n`;
}
