import { PlatformError } from '@mcp/contracts';
import { toPlatformError } from './errors.ts';
import type { KitContext } from './http.ts';

const encoder = new TextEncoder();
/** Characters one line between services may have. */
const MAX_LINE = 8 * 1024 * 1024;

export interface StreamOptions {
  readonly content_type: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What to send when the source fails after the answer has begun. */
  onError(error: PlatformError): string;
}

/**
 * Streams text pieces as the answer, one pull at a time, so that a slow client holds the source back.
 * The first piece is awaited before the headers go out: a refusal keeps its status. When the client leaves,
 * the call's signal fires and the source is closed.
 */
export async function streamText(
  c: KitContext,
  source: AsyncIterable<string>,
  options: StreamOptions,
): Promise<Response> {
  const state = c.get('state');
  const iterator = source[Symbol.asyncIterator]();
  let pending: IteratorResult<string> | undefined = await iterator.next();
  state.streaming = true;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const next = pending ?? (await iterator.next());
        pending = undefined;
        if (next.done === true) {
          controller.close();
          state.finish(200);
          return;
        }
        controller.enqueue(encoder.encode(next.value));
      } catch (thrown) {
        const error = toPlatformError(thrown);
        controller.enqueue(encoder.encode(options.onError(error)));
        controller.close();
        state.finish(200, error);
      }
    },
    async cancel() {
      const left = new PlatformError('cancelled', 'The client left before the answer was complete.');
      state.scope?.abort(left);
      state.finish(499, left);
      await iterator.return?.(undefined);
    },
  });
  return c.body(body, 200, {
    'content-type': options.content_type,
    'cache-control': 'no-store',
    ...options.headers,
  });
}

/** Streams values between services as NDJSON; the last line says whether all of them came. */
export function ndjson(c: KitContext, source: AsyncIterable<unknown>): Promise<Response> {
  return streamText(c, lines(source), {
    content_type: 'application/x-ndjson',
    onError: (error) => `${JSON.stringify({ $error: errorFields(error) })}\n`,
  });
}

async function* lines(source: AsyncIterable<unknown>): AsyncIterable<string> {
  for await (const value of source) yield `${JSON.stringify(value)}\n`;
  yield '{"$end":true}\n';
}

export function errorFields(error: PlatformError): Record<string, unknown> {
  return {
    code: error.code,
    message: error.message,
    retryable: error.retryable,
    retry_after_ms: error.retry_after_ms ?? null,
    param: error.param ?? null,
  };
}

/** Reads what {@link ndjson} wrote. Throws the far side's error, or `upstream_interrupted` when the end is missing. */
export async function* readNdjson(
  body: AsyncIterable<Uint8Array>,
  restore: (fields: unknown) => PlatformError,
): AsyncIterable<unknown> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > MAX_LINE)
      throw new PlatformError('upstream_failed', 'A service sent a line beyond its bound.');
    let at = rest.indexOf('\n');
    while (at >= 0) {
      const value: unknown = JSON.parse(rest.slice(0, at));
      rest = rest.slice(at + 1);
      if (typeof value === 'object' && value !== null && '$end' in value) return;
      if (typeof value === 'object' && value !== null && '$error' in value) throw restore(value.$error);
      yield value;
      at = rest.indexOf('\n');
    }
  }
  throw new PlatformError(
    'upstream_interrupted',
    'A service broke off in the middle of its answer. Try again.',
  );
}
