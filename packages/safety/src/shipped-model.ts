/** A model that ships with the package: its card in JSON, and beside it its weights, a byte each. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** What a model was trained on; each card says beside it how much of that. */
export const Corpus = z.object({
  name: z.string(),
  version: z.string(),
  licence: z.string(),
  part: z.string(),
});

/** `beside`: the module in whose folder `<name>.json` and `<name>.bin` lie. */
export function readModel<C extends z.ZodType>(
  schema: C,
  { name, beside }: { readonly name: string; readonly beside: string },
): { readonly card: z.output<C>; readonly weights: Int8Array } {
  const read = (ending: string) => readFileSync(new URL(`${name}.${ending}`, beside));
  const bytes = read('bin');
  return {
    card: schema.parse(JSON.parse(read('json').toString())),
    weights: new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  };
}
