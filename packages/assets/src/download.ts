import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Without an answer for this long a server counts as out of reach. */
const CONNECT_TIMEOUT_MS = 8000;
/** Without a byte for this long a download counts as stuck, and is resumed. */
const STALL_TIMEOUT_MS = 20_000;
const MAX_ATTEMPTS = 4;

export interface DownloadOptions {
  readonly signal: AbortSignal;
  readonly on_bytes: (received_bytes: number) => void;
  readonly connect_timeout_ms?: number;
  readonly stall_timeout_ms?: number;
}

/**
 * Fetches a URL into a file, going on where an earlier try broke off (RFC 9110 range requests).
 * Throws with the reason when the server cannot be reached, refuses, or keeps breaking off.
 */
export async function download(url: string, path: string, options: DownloadOptions): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const before = await sizeOf(path);
    try {
      await fetchRest(url, path, options);
      return;
    } catch (error) {
      const moved = (await sizeOf(path)) > before;
      if (
        options.signal.aborted ||
        error instanceof Refusal ||
        (!moved && attempt > 1) ||
        attempt >= MAX_ATTEMPTS
      )
        throw error;
      await sleep(300 * attempt, undefined, { signal: options.signal });
    }
  }
}

/** The server answered, and its answer is no. */
class Refusal extends Error {}

async function fetchRest(url: string, path: string, options: DownloadOptions): Promise<void> {
  const have = await sizeOf(path);
  const controller = new AbortController();
  const abort = () => controller.abort(options.signal.reason);
  options.signal.addEventListener('abort', abort, { once: true });
  let timer = setTimeout(
    () => controller.abort(new Error('no answer')),
    options.connect_timeout_ms ?? CONNECT_TIMEOUT_MS,
  );
  const stalled = () => {
    clearTimeout(timer);
    timer = setTimeout(
      () => controller.abort(new Error('it stalled')),
      options.stall_timeout_ms ?? STALL_TIMEOUT_MS,
    );
  };
  try {
    const response = await fetch(url, {
      signal: controller.signal,
      redirect: 'follow',
      headers: have > 0 ? { range: `bytes=${have}-` } : {},
    });
    if (response.status === 416 && have > 0) return;
    if (!response.ok || response.body === null) throw new Refusal(`status ${response.status}`);
    const append = response.status === 206;
    const file = createWriteStream(path, { flags: append ? 'a' : 'w' });
    let received = append ? have : 0;
    try {
      for await (const chunk of response.body) {
        stalled();
        received += chunk.byteLength;
        options.on_bytes(received);
        if (!file.write(chunk))
          await new Promise<void>((done, fail) => file.once('drain', () => done()).once('error', fail));
      }
    } finally {
      await new Promise<void>((done, fail) => file.once('error', fail).end(() => done()));
    }
    const expected = Number(response.headers.get('content-length') ?? Number.NaN);
    if (Number.isFinite(expected) && received !== expected + (append ? have : 0))
      throw new Error('it broke off');
  } catch (error) {
    throw controller.signal.aborted && !options.signal.aborted && controller.signal.reason instanceof Error
      ? controller.signal.reason
      : error;
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', abort);
  }
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
