/** The body of an answer from elsewhere as bytes; undefined: it has more than that, and the rest is not read. */
export async function bytesAtMost({ body }: Response, max_bytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    // To leave the loop cancels the body.
    if (bytes > max_bytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** As {@link bytesAtMost}, as text. */
export async function textAtMost(answer: Response, max_bytes: number): Promise<string | undefined> {
  return (await bytesAtMost(answer, max_bytes))?.toString();
}
