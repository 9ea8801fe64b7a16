import type { ServerResponse } from 'node:http';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { PlatformError } from '@mcp/contracts';
import { failureOf } from './app.ts';
import { busyPause, type Coalescing, ReadAhead } from './coalesce.ts';
import type { KitContext, RequestState } from './context.ts';

const encoder = new TextEncoder();
/** Characters gathered before they go to the socket within one turn of the event loop. */
const MAX_GATHERED = 16 * 1024;

export interface StreamOptions {
  readonly content_type: string;
  /** Read after the first value has come. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What to send when the source fails after the answer has begun. */
  onError(error: PlatformError): string;
  /** Sent when nothing else was for `every_ms`, so that proxies do not take the connection for dead. */
  readonly keep_alive?: { readonly text: string; readonly every_ms: number };
}

/** How values become text: `encode` for each of them, `onEnd` after the last. */
export interface EventStreamOptions<T> extends StreamOptions {
  encode(value: T): string;
  onEnd?(): string | Promise<string>;
  /** Without it, a slow client holds the source back at once. */
  readonly coalescing?: Coalescing<T>;
}

interface Run<T> {
  readonly state: RequestState;
  readonly iterator: AsyncIterator<T>;
  readonly first: IteratorResult<T>;
  readonly options: EventStreamOptions<T>;
}

/** {@link streamEvents} for a source of text. */
export function streamText(
  c: KitContext,
  source: AsyncIterable<string>,
  options: StreamOptions,
): Promise<Response> {
  return streamEvents(c, source, { ...options, encode: (text) => text });
}

/**
 * Streams values as text. For a slow client neighbours are put together; beyond what may be held, it holds the source back.
 * The first value is awaited before the headers go out: a refusal keeps its status. When the client leaves,
 * the call's signal fires and the source is closed. Under node it writes to the socket itself, and values that
 * are ready at once leave as one packet.
 */
export async function streamEvents<T>(
  c: KitContext,
  source: AsyncIterable<T>,
  options: EventStreamOptions<T>,
): Promise<Response> {
  const state = c.get('state');
  const iterator = source[Symbol.asyncIterator]();
  const first = await iterator.next();
  const headers = {
    'content-type': options.content_type,
    'cache-control': 'no-store',
    ...state.seal(),
    ...options.headers,
  };
  if (c.req.method === 'HEAD') {
    await iterator.return?.(undefined);
    return new Response(null, { headers });
  }
  state.streaming = true;
  const run: Run<T> = { state, iterator, first, options };
  const outgoing = c.env?.outgoing;
  if (outgoing === undefined) return new Response(webStream(run), { headers });
  outgoing.writeHead(200, headers);
  void pump(run, outgoing);
  return RESPONSE_ALREADY_SENT;
}

function leave<T>({ state, iterator }: Run<T>): void {
  const left = new PlatformError('cancelled', 'The client left before the answer was complete.');
  state.scope?.abort(left);
  state.finish(499, left);
  iterator.return?.(undefined).then(undefined, () => undefined);
}

/** Writes to node's response with what is ready at once gathered, and its back-pressure honoured. */
async function pump<T>(run: Run<T>, outgoing: ServerResponse): Promise<void> {
  const { state, iterator, options } = run;
  const { coalescing } = options;
  const source = new ReadAhead(iterator);
  const out = new Gatherer(outgoing, options.keep_alive);
  const onClose = () => {
    if (!outgoing.writableEnded) leave(run);
  };
  outgoing.once('close', onClose);
  let failure: PlatformError | undefined;
  try {
    for (let next = run.first; next.done !== true; next = await source.next()) {
      out.add(options.encode(next.value));
      const ready = outgoing.writableNeedDrain
        ? drained(outgoing, state.scope?.signal)
        : coalescing && busyPause(coalescing);
      if (ready !== undefined) {
        const held = coalescing === undefined ? await ready : await source.gather(ready, coalescing);
        for (const value of held ?? []) out.add(options.encode(value));
      }
      if (outgoing.destroyed) break;
    }
    if (options.onEnd !== undefined && !outgoing.destroyed) out.add(await options.onEnd());
  } catch (thrown) {
    failure = failureOf(thrown, state);
    out.add(options.onError(failure));
  }
  out.end();
  state.finish(200, failure);
}

class Gatherer {
  readonly #outgoing: ServerResponse;
  readonly #timer: NodeJS.Timeout | undefined;
  #text = '';
  #scheduled = false;
  #quiet = false;

  constructor(outgoing: ServerResponse, keep_alive: StreamOptions['keep_alive']) {
    this.#outgoing = outgoing;
    if (keep_alive === undefined) return;
    this.#timer = setInterval(() => {
      if (this.#quiet && !outgoing.writableNeedDrain) this.add(keep_alive.text);
      this.#quiet = true;
    }, keep_alive.every_ms / 2);
    this.#timer.unref();
  }

  add(text: string): void {
    this.#quiet = false;
    this.#text += text;
    if (this.#text.length > MAX_GATHERED) this.#flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      process.nextTick(() => {
        this.#scheduled = false;
        this.#flush();
      });
    }
  }

  end(): void {
    clearInterval(this.#timer);
    const rest = this.#text;
    this.#text = '';
    if (!this.#outgoing.destroyed) this.#outgoing.end(rest);
  }

  #flush(): void {
    if (this.#text === '' || this.#outgoing.destroyed) return;
    const text = this.#text;
    this.#text = '';
    this.#outgoing.write(text);
  }
}

/** Waits for a slow reader. One that is still stalled when the call is over is cut off. */
function drained(outgoing: ServerResponse, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((done) => {
    const over = () => {
      outgoing.off('drain', over);
      outgoing.off('close', over);
      signal?.removeEventListener('abort', cut);
      done();
    };
    const cut = () => {
      outgoing.destroy();
      over();
    };
    outgoing.once('drain', over);
    outgoing.once('close', over);
    if (signal?.aborted) cut();
    else signal?.addEventListener('abort', cut, { once: true });
  });
}

/** The same as a web stream, for callers in process. */
function webStream<T>(run: Run<T>): ReadableStream<Uint8Array> {
  const { state, iterator, options } = run;
  let pending: IteratorResult<T> | undefined = run.first;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const next = pending ?? (await iterator.next());
        pending = undefined;
        if (next.done === true) {
          if (options.onEnd !== undefined) controller.enqueue(encoder.encode(await options.onEnd()));
          controller.close();
          state.finish(200);
          return;
        }
        controller.enqueue(encoder.encode(options.encode(next.value)));
      } catch (thrown) {
        const error = failureOf(thrown, state);
        controller.enqueue(encoder.encode(options.onError(error)));
        controller.close();
        state.finish(200, error);
      }
    },
    cancel: () => leave(run),
  });
}

/** Streams values between services as NDJSON; the last line says whether all of them came. */
export function ndjson(c: KitContext, source: AsyncIterable<unknown>): Promise<Response> {
  return streamEvents(c, source, {
    content_type: 'application/x-ndjson',
    encode: (value) => `${JSON.stringify(value)}\n`,
    // Lets the far side tell an answer that is complete from one that broke off.
    onEnd: () => '{"$end":true}\n',
    onError: (error) => `${JSON.stringify({ $error: errorFields(error) })}\n`,
  });
}

/** An error as it travels between services, and in events. */
export function errorFields(error: PlatformError): Record<string, unknown> {
  return {
    code: error.code,
    message: error.message,
    retryable: error.retryable,
    retry_after_ms: error.retry_after_ms ?? null,
    param: error.param ?? null,
  };
}
