/** The body of an answer from elsewhere as text; undefined: it has more bytes than that, and the rest is not read. */
export async function textAtMost({ body }: Response, max_bytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    // To leave the loop cancels the body.
    if (bytes > max_bytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
