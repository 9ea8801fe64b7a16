/** A linear model over hashed words: how much a text looks like an attempt to give a model other instructions. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { BUCKETS, features, normOf, readWindow, WINDOW_CHARS, windowStarts } from './features.ts';

/** What a model says of itself: `injection.json` beside its weights, which `bench/safety/train.ts` writes. */
export const ModelCard = z.object({
  name: z.string(),
  version: z.string(),
  trained_at: z.iso.date(),
  seed: z.number(),
  bias: z.number(),
  /** A weight is its byte times its size times this: small ones, which are most, are told apart well. */
  scale: z.number().positive(),
  /** Scores from which a text counts, chosen on the validation parts for so many false positives; the first is 0.5. */
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
  /** That of the window of a text that begins there. */
  windowScore(text: string, from: number): number;
}

export function classifierOf(card: ModelCard, weights: Int8Array): Classifier {
  if (weights.length !== BUCKETS)
    throw new RangeError(`the classifier has ${weights.length} weights, not ${BUCKETS}: train it again`);
  const values = Float32Array.from(weights, (one) => one * Math.abs(one) * card.scale);
  const windowScore = (text: string, from: number): number => {
    const count = readWindow(text, from);
    let sum = 0;
    for (let i = 0; i < count; i++) sum += values[features[i] ?? 0] ?? 0;
    return sigmoid(card.bias + sum * normOf(count));
  };
  return {
    card,
    windowScore,
    score(text) {
      if (text.length <= WINDOW_CHARS) return windowScore(text, 0);
      return Math.max(...windowStarts(text).map((from) => windowScore(text, from)));
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
