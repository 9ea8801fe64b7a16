import { get } from 'node:http';
import { connect } from 'node:net';
import { jsonOf } from '@mcp/contracts';
import { z } from 'zod';

const PROBE_MS = 2500;
const MAX_BYTES = 64 * 1024;
const Readiness = z.object({ failing: z.array(z.object({ name: z.string(), reason: z.string() })) });

/** Asks `/readyz`; undefined when ready, else why not. */
export async function probeReady(url: string): Promise<string | undefined> {
  const answer = await fetchText(`${url}/readyz`);
  if (answer.status === 200) return undefined;
  const parsed = Readiness.safeParse(jsonOf(answer.text)).data;
  const reasons = parsed?.failing.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  return reasons === undefined || reasons === '' ? `/readyz answers ${answer.status}` : reasons;
}

/** Waits for the line with which a server greets whoever connects; undefined when it says that it is ready, else why not. */
export function probeGreeting(
  port: number,
  { begins, contains, otherwise }: { begins: string; contains: string; otherwise: string },
): Promise<string | undefined> {
  return new Promise((done) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let text = '';
    const end = (reason: string | undefined) => {
      socket.destroy();
      done(reason);
    };
    socket.setTimeout(PROBE_MS, () => end('no greeting'));
    socket.once('error', (error) => end(error.message));
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
      if (!text.includes('\r\n') && text.length < MAX_BYTES) return;
      if (!text.startsWith(begins)) end('something else answers on its port');
      else end(text.includes(contains) ? undefined : otherwise);
    });
  });
}

/** A small GET on this machine with bounded time and size. Rejects when nothing answers. */
export function fetchText(
  url: string,
  options: { timeout_ms?: number; headers?: Readonly<Record<string, string>> } = {},
): Promise<{ status: number; text: string }> {
  return new Promise((done, fail) => {
    const request = get(
      url,
      {
        agent: false,
        headers: { ...options.headers },
        signal: AbortSignal.timeout(options.timeout_ms ?? PROBE_MS),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          if (text.length > MAX_BYTES * 16) response.destroy(new Error('the answer is too long'));
        });
        response.on('end', () => done({ status: response.statusCode ?? 0, text }));
        response.on('error', fail);
      },
    );
    request.on('error', fail);
  });
}
