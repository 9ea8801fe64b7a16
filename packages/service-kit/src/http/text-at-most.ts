/** Bytes that come, together; undefined: there are more than that, and the rest is not read. */
export async function collectAtMost(
  chunks: AsyncIterable<Uint8Array>,
  max_bytes: number,
): Promise<Buffer | undefined> {
  const all: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    // To leave the loop cancels what they come from.
    if (bytes > max_bytes) return undefined;
    all.push(chunk);
  }
  return Buffer.concat(all);
}

/** The body of a request, or of an answer from elsewhere, as {@link collectAtMost}. */
export async function bytesAtMost(
  { body }: Pick<Response, 'body'>,
  max_bytes: number,
): Promise<Buffer | undefined> {
  return body === null ? Buffer.alloc(0) : collectAtMost(body, max_bytes);
}

/** As {@link bytesAtMost}, as text. */
export async function textAtMost(
  answer: Pick<Response, 'body'>,
  max_bytes: number,
): Promise<string | undefined> {
  return (await bytesAtMost(answer, max_bytes))?.toString();
}
