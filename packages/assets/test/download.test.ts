/** Downloads that break off, stall, are refused or lie: the file is whole in the end, or the reason is told. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { download } from '../src/download.ts';
import { sha256Of } from '../src/hash.ts';
import { type Answer, offsetOf, Place, sha256 } from './support.ts';

const CONTENT = randomBytes(100_000);
let place: Place;
let path: string;
let progress: number[];
beforeAll(async () => {
  place = await new Place().listen();
  path = join(place.dir, 'file');
});
afterAll(() => place.close());
beforeEach(reset);

function reset(): void {
  rmSync(path, { force: true });
  progress = [];
  place.ranges.length = 0;
  place.answer = whole;
}

const whole: Answer = (request, response) => {
  const from = offsetOf(request);
  response.writeHead(from > 0 ? 206 : 200, { 'content-length': CONTENT.length - from });
  response.end(CONTENT.subarray(from));
};
/** Sends up to a place of the whole, then breaks off. */
const upTo =
  (end: number): Answer =>
  (request, response) => {
    const from = offsetOf(request);
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': CONTENT.length - from });
    response.write(CONTENT.subarray(from, end), () => response.destroy());
  };

const fetchIt = (more: Partial<Parameters<typeof download>[2]> = {}) =>
  download(`${place.url}/file`, path, {
    signal: new AbortController().signal,
    on_bytes: (received) => progress.push(received),
    ...more,
  });
const isWhole = () => readFileSync(path).equals(CONTENT);

describe('a download', () => {
  it('goes on where it broke off, wherever that was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: CONTENT.length - 1 }), async (end) => {
        reset();
        let answers = 0;
        place.answer = (request, response) => (answers++ === 0 ? upTo(end) : whole)(request, response);
        await fetchIt();
        expect(isWhole()).toBe(true);
        const [first, second, ...more] = place.ranges;
        expect([first, more]).toEqual([undefined, []]);
        if (second !== undefined) expect(Number(/^bytes=(\d+)-$/.exec(second)?.[1])).toBeLessThanOrEqual(end);
        expect(progress).toEqual(progress.toSorted((a, b) => a - b));
        expect(progress.at(-1)).toBe(CONTENT.length);
      }),
      { numRuns: 5 },
    );
  });

  it('goes on with what an earlier process left', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: CONTENT.length - 1 }), async (length) => {
        reset();
        writeFileSync(path, CONTENT.subarray(0, length));
        await fetchIt();
        expect(isWhole()).toBe(true);
        expect(place.ranges).toEqual([`bytes=${length}-`]);
        expect(progress[0]).toBeGreaterThan(length);
      }),
      { numRuns: 20 },
    );
  });

  it('begins anew where the server does not go on, and keeps nothing of before', async () => {
    writeFileSync(path, Buffer.alloc(50_000, 1));
    place.answer = (_, response) =>
      void response.writeHead(200, { 'content-length': CONTENT.length }).end(CONTENT);
    await fetchIt();
    expect(isWhole()).toBe(true);
  });

  it('is done where nothing is left to fetch', async () => {
    writeFileSync(path, CONTENT);
    place.answer = (_, response) => void response.writeHead(416).end();
    await fetchIt();
    expect(isWhole()).toBe(true);
  });

  it('takes a body of a length that was not told', async () => {
    place.answer = (_, response) => {
      response.write(CONTENT.subarray(0, 10));
      response.end(CONTENT.subarray(10));
    };
    await fetchIt();
    expect(isWhole()).toBe(true);
  });

  it('follows where it is sent', async () => {
    place.answer = (request, response) =>
      request.url === '/file'
        ? void response.writeHead(302, { location: '/elsewhere' }).end()
        : whole(request, response);
    await fetchIt();
    expect(isWhole()).toBe(true);
  });

  it.each([400, 401, 403, 404, 410, 429, 500, 503])(
    'is not tried again after a status of %d, which is told',
    async (status) => {
      place.answer = (_, response) => void response.writeHead(status).end('no');
      await expect(fetchIt()).rejects.toThrow(`status ${status}`);
      expect(place.ranges).toHaveLength(1);
      expect(existsSync(path)).toBe(false);
    },
  );

  it('is given up when it moves no further', async () => {
    place.answer = (_, response) => void response.destroy();
    await expect(fetchIt()).rejects.toThrow();
    expect(place.ranges).toHaveLength(2);
  });

  it('is given up after four tries, though each moves on', async () => {
    place.answer = (request, response) => upTo(offsetOf(request) + 1000)(request, response);
    await expect(fetchIt()).rejects.toThrow();
    expect(place.ranges).toHaveLength(4);
  });

  it.each<[string, Answer, object]>([
    ['no answer', () => undefined, { connect_timeout_ms: 30 }],
    [
      'it stalled',
      (_, response) => void response.writeHead(200, { 'content-length': 10 }).write('x'),
      { stall_timeout_ms: 30 },
    ],
  ])('says of a server that is silent: %s', async (reason, answer, more) => {
    place.answer = answer;
    await expect(fetchIt(more)).rejects.toThrow(reason);
  });

  it('ends with the reason of whoever stops it, and is not tried again', async () => {
    const stop = new AbortController();
    place.answer = (_, response) => {
      response.writeHead(200, { 'content-length': CONTENT.length });
      response.write(CONTENT.subarray(0, 1000));
    };
    await expect(
      fetchIt({ signal: stop.signal, on_bytes: () => stop.abort(new Error('enough')) }),
    ).rejects.toThrow('enough');
    expect(place.ranges).toHaveLength(1);
  });
});

it('the hash of a file is that of its bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (bytes) => {
      writeFileSync(path, bytes);
      expect(await sha256Of(path)).toBe(sha256(bytes));
    }),
    { numRuns: 20 },
  );
  await expect(sha256Of(join(place.dir, 'gone'))).rejects.toThrow(/ENOENT/);
});
