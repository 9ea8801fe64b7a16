import { type JobSpec, jsonOf } from '@mcp/contracts';
import { z } from 'zod';
import { type JobHandler, readyModel } from './job.ts';

const CHUNK = 32;
const Vectors = z.array(z.array(z.number()));

/** Embeds texts in chunks; a retry, on any machine, goes on after the last chunk that was finished. */
export const embedBatch: JobHandler<'embed-batch'> = async (run) => {
  const { id, spec, call, clients, results, progress } = run;
  const { texts } = spec;
  const model = spec.model ?? (await readyModel('embedding', run));
  const vectors: number[][] = [];
  const parts = partsOf(spec);
  for (let part = 0; part < parts; part++) {
    const input = texts.slice(part * CHUNK, (part + 1) * CHUNK);
    const earlier = Vectors.safeParse(jsonOf((await results.part(id, part)) ?? '')).data;
    if (earlier?.length === input.length) {
      vectors.push(...earlier);
      continue;
    }
    progress(vectors.length, texts.length, `embedding with ${model}`);
    const result = await clients.modelGateway.embed({ model, input }, call);
    vectors.push(...result.vectors);
    if (part < parts - 1) await results.keepPart(id, part, JSON.stringify(result.vectors));
  }
  progress(texts.length, texts.length, 'done');
  const stored = await results.put(id, 'application/json', json(vectors));
  await results.dropParts(id, parts - 1);
  return { model, count: vectors.length, dimensions: vectors[0]?.length ?? 0, ...stored };
};

/** Into how many parts it is done. */
export function partsOf({ texts }: Extract<JobSpec, { kind: 'embed-batch' }>): number {
  return Math.ceil(texts.length / CHUNK);
}

async function* json(vectors: readonly number[][]): AsyncGenerator<string> {
  for (const [at, vector] of vectors.entries()) yield `${at === 0 ? '[' : ','}${JSON.stringify(vector)}`;
  yield ']';
}
