/** One HTTP call on undici's dispatcher: it ends wherever its signal fires, once, and holds no more than its bounds. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpCall } from '../src/index.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let answer: Answer = (_, response) => response.end();
let open = 0;
let server: Server;
let pool: Pool;
beforeAll(async () => {
  server = createServer((request, response) => {
    open++;
    response.once('close', () => open--);
    answer(request, response);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  pool = new Pool(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { connections: 2 });
});
afterAll(async () => {
  await pool.destroy();
  server.closeAllConnections();
  server.close();
});

/** A call whose ends are counted. */
function call(signal: AbortSignal = new AbortController().signal, body?: string) {
  const ended = { times: 0 };
  const work = httpCall(pool, {
    method: body === undefined ? 'GET' : 'POST',
    path: '/',
    headers: { 'content-type': 'text/plain' },
    body,
    signal,
    onEnd: () => ended.times++,
  });
  return { ended, work };
}
const idle = () => expect.poll(() => open).toBe(0);

describe('a call', () => {
  it('sends its body and reads the answer, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme', maxLength: 200 }),
        fc.array(fc.nat(), { maxLength: 5 }),
        async (text, cuts) => {
          answer = (request, response) => {
            const chunks: Buffer[] = [];
            request.on('data', (chunk: Buffer) => chunks.push(chunk));
            request.on('end', () => {
              const bytes = Buffer.concat(chunks);
              const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
              for (const [at, place] of [...places, bytes.length].entries())
                response.write(bytes.subarray(places[at - 1] ?? 0, place));
              response.end();
            });
          };
          const { ended, work } = call(undefined, text);
          const { statusCode, body } = await work;
          expect([statusCode, await body.text(10_000)]).toEqual([200, text]);
          expect(ended.times).toBe(1);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('gives its status and headers before its body has come', async () => {
    answer = (_, response) => {
      response.writeHead(503, { 'retry-after': '3' });
      response.write('half');
    };
    const stop = new AbortController();
    const { statusCode, headers, body } = await call(stop.signal).work;
    expect([statusCode, headers['retry-after']]).toEqual([503, '3']);
    body.discard();
    await idle();
  });

  it.each<[string, Answer, (begun: () => void) => Promise<void>]>([
    ['before it was sent', () => undefined, async () => undefined],
    [
      'while the server says nothing',
      () => undefined,
      () => expect.poll(() => open).toBeGreaterThan(0) as unknown as Promise<void>,
    ],
    ['in the middle of the answer', (_, response) => void response.write('half'), () => sleep(50)],
  ])('ends with the reason of its signal %s, once, and closes its connection', async (_, behaves, until) => {
    answer = behaves;
    const stop = new AbortController();
    const { ended, work } = call(stop.signal);
    const read = work.then(({ body }) => body.text(1000));
    const outcome = read.catch((error: unknown) => error);
    await until(() => undefined);
    stop.abort(new Error('enough'));
    expect(await outcome).toEqual(new Error('enough'));
    expect(ended.times).toBe(1);
    await idle();
  });

  it('is not made at all when its signal has fired before', async () => {
    let asked = 0;
    answer = (_, response) => {
      asked++;
      response.end();
    };
    const { ended, work } = call(AbortSignal.abort(new Error('too late')));
    await expect(work).rejects.toThrow('too late');
    await sleep(50);
    expect([asked, ended.times]).toEqual([0, 1]);
  });

  it('waits for a connection no longer than its signal', async () => {
    answer = () => undefined;
    const stop = new AbortController();
    const busy = [call(stop.signal), call(stop.signal)].map(({ work }) => work.catch(() => 'ended'));
    await expect.poll(() => open).toBe(2);
    const waiting = new AbortController();
    const third = call(waiting.signal);
    waiting.abort(new Error('left'));
    await expect(third.work).rejects.toThrow('left');
    stop.abort();
    expect(await Promise.all(busy)).toEqual(['ended', 'ended']);
    await idle();
  });

  it('gives what came before a connection broke, then the failure', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => setTimeout(() => response.destroy(), 20));
    };
    const { ended, work } = call();
    const { body } = await work;
    const seen: string[] = [];
    const read = async () => {
      for await (const chunk of body) seen.push(Buffer.from(chunk).toString());
    };
    await expect(read()).rejects.toThrow();
    expect([seen.join(''), ended.times]).toEqual(['half', 1]);
  });

  it('ends its connection when its reader leaves', async () => {
    answer = (_, response) => {
      const timer = setInterval(() => response.write('more '), 5);
      response.once('close', () => clearInterval(timer));
    };
    const { ended, work } = call();
    const { body } = await work;
    for await (const chunk of body) if (chunk.byteLength > 0) break;
    await idle();
    expect(ended.times).toBe(1);
  });

  it.each([
    [1000, 1000, true],
    [1001, 1000, false],
    [500_000, 1000, false],
  ])('of %d bytes is text within %d: %s', async (size, max_bytes, fits) => {
    answer = (_, response) => void response.end('x'.repeat(size));
    const { ended, work } = call();
    const read = work.then(({ body }) => body.text(max_bytes));
    if (fits) expect(await read).toHaveLength(size);
    else await expect(read).rejects.toThrow(RangeError);
    await idle();
    expect(ended.times).toBe(1);
  });

  it('holds the far side back while nobody reads', async () => {
    let written = 0;
    answer = (_, response) => {
      const chunk = Buffer.alloc(64 * 1024);
      const write = () => {
        while (written < 400) {
          written++;
          if (!response.write(chunk)) return void response.once('drain', write);
        }
        response.end();
      };
      write();
    };
    const { body } = await call().work;
    // It has come to a stand once nothing more was written for a while.
    for (let before = -1; before !== written; ) {
      before = written;
      await sleep(150);
    }
    expect(written).toBeLessThan(400);
    let size = 0;
    for await (const chunk of body) size += chunk.byteLength;
    expect(size).toBe(400 * 64 * 1024);
  });

  it('fails where nothing listens', async () => {
    const nowhere = new Pool('http://127.0.0.1:1');
    let ended = 0;
    const work = httpCall(nowhere, {
      method: 'GET',
      path: '/',
      headers: {},
      signal: new AbortController().signal,
      onEnd: () => ended++,
    });
    await expect(work).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(ended).toBe(1);
    await nowhere.destroy();
  });
});
