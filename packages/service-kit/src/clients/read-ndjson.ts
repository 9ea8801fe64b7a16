import { jsonOf, PlatformError } from '@mcp/contracts';

/** Characters one line between services may have. */
const MAX_LINE = 8 * 1024 * 1024;

/** Reads the NDJSON that a service streams. Throws the far side's error, or `upstream_interrupted` when the end is missing. */
export async function* readNdjson(
  body: AsyncIterable<Uint8Array>,
  restore: (fields: unknown) => PlatformError,
): AsyncIterable<unknown> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    let from = 0;
    for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n', from)) {
      const value = jsonOf(rest.slice(from, at));
      if (value === undefined)
        throw new PlatformError('upstream_failed', 'A service sent a line that is not JSON. Try again.');
      from = at + 1;
      if (typeof value === 'object' && value !== null && '$end' in value) return;
      if (typeof value === 'object' && value !== null && '$error' in value) throw restore(value.$error);
      yield value;
    }
    rest = rest.slice(from);
    if (rest.length > MAX_LINE)
      throw new PlatformError('upstream_failed', 'A service sent a line beyond its bound.');
  }
  throw new PlatformError(
    'upstream_interrupted',
    'A service broke off in the middle of its answer. Try again.',
  );
}
