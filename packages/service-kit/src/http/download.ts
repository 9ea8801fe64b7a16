import { failureOf } from './app.ts';
import type { KitContext } from './context.ts';

/**
 * Streams bytes as they are, a slow client holding the source back. The first piece is awaited before the headers go
 * out: a refusal keeps its status. What fails later closes the connection, so that a part is not taken for the whole.
 */
export async function streamBytes(
  c: KitContext,
  source: AsyncIterable<Uint8Array>,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const state = c.get('state');
  const iterator = source[Symbol.asyncIterator]();
  let pending: IteratorResult<Uint8Array> | undefined = await iterator.next();
  const sealed = { 'cache-control': 'no-store', ...state.seal(), ...headers };
  if (c.req.method === 'HEAD') {
    // Nobody will read a body: it would count as running for ever.
    await iterator.return?.();
    return new Response(null, { headers: sealed });
  }
  state.streaming = true;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const next = pending ?? (await iterator.next());
        pending = undefined;
        if (next.done === true) {
          controller.close();
          state.finish(200);
        } else controller.enqueue(next.value);
      } catch (thrown) {
        const error = failureOf(thrown, state);
        state.finish(200, error);
        controller.error(error);
      }
    },
    async cancel() {
      state.scope?.abort();
      state.finish(499);
      await iterator.return?.();
    },
  });
  return new Response(body, { headers: sealed });
}
