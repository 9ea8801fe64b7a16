import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PlatformError } from '@mcp/contracts';
import { z } from 'zod';
import { contentResult } from './files.ts';
import type { JobHandler } from './job.ts';

const CHUNK = 32;
const Part = z.object({ from: z.number().int(), vectors: z.array(z.array(z.number())) });

/** Embeds texts in chunks; a retry goes on after the last chunk that was finished. */
export const embedBatch: JobHandler<'embed-batch'> = async ({ spec, call, clients, dir, progress }) => {
  const { texts } = spec;
  const model =
    spec.model ??
    (await clients.modelGateway.models(call)).find(
      ({ kind, status }) => kind === 'embedding' && status === 'ready',
    )?.id;
  if (model === undefined)
    throw new PlatformError(
      'unavailable',
      'No embedding model is ready. Name one in spec.model, or try again later.',
      { retry_after_ms: 5000 },
    );
  const parts = join(dir, 'parts.jsonl');
  const vectors = await finished(parts);
  for (let from = vectors.length; from < texts.length; from += CHUNK) {
    progress(from, texts.length, `embedding with ${model}`);
    const result = await clients.modelGateway.embed({ model, input: texts.slice(from, from + CHUNK) }, call);
    vectors.push(...result.vectors);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await appendFile(parts, `${JSON.stringify({ from, vectors: result.vectors })}\n`, { mode: 0o600 });
  }
  progress(texts.length, texts.length, 'done');
  const content = await contentResult(dir, 'vectors.json', JSON.stringify(vectors));
  await rm(parts, { force: true });
  return { model, count: vectors.length, dimensions: vectors[0]?.length ?? 0, ...content };
};

/** Vectors of the whole chunks of an earlier attempt; a line that broke off ends them. */
async function finished(path: string): Promise<number[][]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const vectors: number[][] = [];
  for (const line of text.split('\n')) {
    const part = Part.safeParse(parsed(line)).data;
    if (part === undefined || part.from !== vectors.length) break;
    vectors.push(...part.vectors);
  }
  return vectors;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
