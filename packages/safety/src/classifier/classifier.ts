/** A linear model over hashed n-grams: how much a text looks like an attempt to give a model other instructions. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { BUCKETS, eachFeature, windowsOf } from './features.ts';

/** What a model says of itself: `injection.json` beside its weights, which `bench/safety/train.ts` writes. */
export const ModelCard = z.object({
  name: z.string(),
  version: z.string(),
  trained_at: z.iso.date(),
  seed: z.number(),
  bias: z.number(),
  /** What one step of the weights, which are bytes, stands for. */
  scale: z.number().positive(),
  /** Scores from which a text counts, chosen on the validation parts for so many false positives. */
  thresholds: z.object({ fp_2_percent: z.number(), fp_half_percent: z.number() }),
  corpora: z.array(
    z.object({
      name: z.string(),
      version: z.string(),
      licence: z.string(),
      part: z.string(),
      texts: z.number(),
    }),
  ),
});
export type ModelCard = z.infer<typeof ModelCard>;

export interface Classifier {
  readonly card: ModelCard;
  /** In [0, 1]; of a long text that of its worst window. */
  score(text: string): number;
}

export function classifierOf(card: ModelCard, weights: Int8Array): Classifier {
  if (weights.length !== BUCKETS)
    throw new RangeError(`the classifier has ${weights.length} weights, not ${BUCKETS}: train it again`);
  return {
    card,
    score(text) {
      let worst = 0;
      for (const window of windowsOf(text)) {
        let sum = 0;
        const count = eachFeature(window, (bucket) => {
          sum += weights[bucket] ?? 0;
        });
        worst = Math.max(worst, sigmoid(card.bias + (sum * card.scale) / Math.sqrt(Math.max(1, count))));
      }
      return worst;
    },
  };
}

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}

let loaded: Classifier | undefined;

/** The model that ships with the package, read once. */
export function injectionClassifier(): Classifier {
  if (loaded === undefined) {
    const card = ModelCard.parse(
      JSON.parse(readFileSync(new URL('injection.json', import.meta.url), 'utf8')),
    );
    const bytes = readFileSync(new URL('injection.bin', import.meta.url));
    loaded = classifierOf(card, new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }
  return loaded;
}
