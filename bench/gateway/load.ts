import { Pool } from 'undici';
import type { Target } from './targets.ts';

/** Frames of content that the mock sends per stream. */
const FRAMES = 62;

/** What one request or stream took. */
export interface Sample {
  /** Until the whole answer was there; of a stream, until its first frame with content. */
  readonly took_ms: number;
  /** Longest silence between two reads of a stream. */
  readonly stall_ms: number;
  /** Frames with content that did not arrive. */
  readonly lost: number;
}

const body = (stream: boolean) =>
  JSON.stringify({
    model: 'mock',
    messages: [{ role: 'user', content: 'Say that all is well.' }],
    ...(stream ? { stream: true } : {}),
  });

/** A closed loop: each of `concurrency` callers asks again as soon as it was answered. */
export class Load {
  readonly #target: Target;
  readonly #pool: Pool;
  readonly #payload: string;
  readonly #stream: boolean;
  #turn = 0;

  constructor(target: Target, { stream, concurrency }: { stream: boolean; concurrency: number }) {
    this.#target = target;
    this.#stream = stream;
    this.#payload = body(stream);
    this.#pool = new Pool(target.url, { connections: concurrency, pipelining: 1 });
  }

  /** Asks `count` times in all; the samples in order of their ends. */
  async burst(count: number, concurrency: number): Promise<Sample[]> {
    const samples: Sample[] = [];
    let left = count;
    const caller = async () => {
      while (left-- > 0) samples.push(await this.#ask());
    };
    await Promise.all(Array.from({ length: concurrency }, caller));
    return samples;
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  async #ask(): Promise<Sample> {
    const { callers, name } = this.#target;
    const started = performance.now();
    const response = await this.#pool.request({
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'content-type': 'application/json', ...callers[this.#turn++ % callers.length] },
      body: this.#payload,
    });
    if (response.statusCode !== 200)
      throw new Error(
        `${name} answered ${response.statusCode}: ${(await response.body.text()).slice(0, 300)}`,
      );
    if (this.#stream) return readStream(response.body, started);
    await response.body.text();
    return { took_ms: performance.now() - started, stall_ms: 0, lost: 0 };
  }
}

async function readStream(chunks: AsyncIterable<Buffer>, started: number): Promise<Sample> {
  let text = '';
  let first: number | undefined;
  let last = started;
  let stall_ms = 0;
  for await (const chunk of chunks) {
    const now = performance.now();
    text += chunk.toString('latin1');
    if (first === undefined && text.includes('word0')) first = now;
    else if (first !== undefined) stall_ms = Math.max(stall_ms, now - last);
    last = now;
  }
  const arrived = Array.from({ length: FRAMES }, (_, i) => text.includes(`"content":" word${i}"`));
  const lost = arrived.filter((there) => !there).length + (text.includes('[DONE]') ? 0 : 1);
  return { took_ms: (first ?? last) - started, stall_ms, lost };
}
