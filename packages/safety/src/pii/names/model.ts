/** The weights of the classifier of names: `names.json` and `names.bin` beside it, which `bench/pii/train.ts` writes. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { INNER_WORDS } from '../inner-words.ts';
import { BUCKETS, FEATURES, featuresAt, LABELS, NONE } from './features.ts';
import type { Token } from './tokens.ts';

export const NamesCard = z.object({
  name: z.string(),
  version: z.string(),
  trained_at: z.iso.date(),
  seed: z.number(),
  /** A weight is its byte times its size times this. */
  scale: z.number().positive(),
  /** What every label has to be better by than none. */
  bias: z.number(),
  corpora: z.array(z.object({ name: z.string(), licence: z.string(), texts: z.number() })),
});
export type NamesCard = z.infer<typeof NamesCard>;

export interface NamesModel {
  /** The label of each token; `NONE` for most. */
  labels(tokens: readonly Token[], from: number): Uint8Array;
}

function namesModel(card: NamesCard, weights: Int8Array): NamesModel {
  if (weights.length !== BUCKETS * LABELS.length)
    throw new RangeError(`the classifier of names has ${weights.length} weights: train it again`);
  const values = Float32Array.from(weights, (one) => one * Math.abs(one) * card.scale);
  return {
    labels: (tokens, from) => labelled(tokens, from, (features) => best(values, card.bias, features)),
  };
}

/** Labels tokens one after the other, each by what was found before it. */
export function labelled(
  tokens: readonly Token[],
  from: number,
  decide: (features: Int32Array) => number,
): Uint8Array {
  const labels = new Uint8Array(tokens.length).fill(NONE);
  const features = new Int32Array(FEATURES);
  let tag: number = NONE;
  tokens.forEach((token, at) => {
    if (token.start < from || token.shape === 'mark') return;
    if (token.shape === 'small') {
      // A small word inside a name does not end it.
      if (!INNER_WORDS.has(token.text)) tag = NONE;
      return;
    }
    featuresAt(tokens, { at, tag }, features);
    tag = decide(features);
    labels[at] = tag;
  });
  return labels;
}

function best(values: Float32Array, bias: number, features: Int32Array): number {
  let label: number = NONE;
  let highest = bias;
  for (let one = 0; one < LABELS.length; one++) {
    let sum = 0;
    for (let i = 0; i < FEATURES; i++) sum += values[(features[i] ?? 0) * LABELS.length + one] ?? 0;
    if (sum <= highest) continue;
    highest = sum;
    label = one;
  }
  return label;
}

let loaded: NamesModel | undefined;

/** The model that ships with the package, read once. */
export function shippedNames(): NamesModel {
  if (loaded === undefined) {
    const card = NamesCard.parse(JSON.parse(readFileSync(new URL('names.json', import.meta.url), 'utf8')));
    const bytes = readFileSync(new URL('names.bin', import.meta.url));
    loaded = namesModel(card, new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }
  return loaded;
}
