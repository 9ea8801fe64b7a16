/** Embeddings of sentences, each worked out once and kept in a file beside the corpora. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { openModels } from '../arbitration/models.ts';

const AT_ONCE = 64;

export interface Vectors {
  of(text: string): Float32Array;
  /** Works out what is missing. */
  prepare(texts: readonly string[]): Promise<void>;
}

export function openVectors(dir: string, dimensions: number): Vectors {
  const file = join(dir, 'vectors.bin');
  const names = join(dir, 'vectors.json');
  const known = new Map<string, Float32Array>();
  if (existsSync(names)) {
    const bytes = readFileSync(file);
    const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    for (const [at, text] of z
      .array(z.string())
      .parse(JSON.parse(readFileSync(names, 'utf8')))
      .entries())
      known.set(text, all.subarray(at * dimensions, (at + 1) * dimensions));
  }
  const keep = () => {
    const all = new Float32Array(known.size * dimensions);
    for (const [at, vector] of [...known.values()].entries()) all.set(vector, at * dimensions);
    writeFileSync(file, new Uint8Array(all.buffer));
    writeFileSync(names, JSON.stringify([...known.keys()]));
  };
  return {
    of(text) {
      const vector = known.get(text);
      if (vector === undefined) throw new RangeError(`no vector was prepared of: ${text.slice(0, 80)}`);
      return vector;
    },
    async prepare(texts) {
      const missing = [...new Set(texts)].filter((text) => !known.has(text));
      if (missing.length === 0) return;
      const models = await openModels([]);
      for (let at = 0; at < missing.length; at += AT_ONCE) {
        const some = missing.slice(at, at + AT_ONCE);
        for (const [i, vector] of (await models.embed(some)).entries())
          known.set(some[i] ?? '', Float32Array.from(vector));
      }
      await models.close();
      keep();
    },
  };
}
