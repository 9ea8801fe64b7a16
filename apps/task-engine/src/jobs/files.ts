import { createHash } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Results up to this size travel with the job itself. */
const MAX_INLINE_BYTES = 512 * 1024;

/** A result's content: inline when it is small, else a file in the job's directory with its checksum. */
export async function contentResult(
  dir: string,
  name: string,
  text: string,
): Promise<Record<string, unknown>> {
  const size_bytes = Buffer.byteLength(text);
  const sha256 = createHash('sha256').update(text).digest('hex');
  if (size_bytes <= MAX_INLINE_BYTES) return { content: text, size_bytes, sha256 };
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, name);
  await writeFile(`${path}.next`, text, { mode: 0o600 });
  await rename(`${path}.next`, path);
  return { file: name, size_bytes, sha256 };
}
