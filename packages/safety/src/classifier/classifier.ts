/** A linear model over hashed words: how much a text looks like an attempt to give a model other instructions. */
import { z } from 'zod';
import { Corpus, readModel } from '../shipped-model.ts';
import { BUCKETS, readWindow, scoreOf, valuesOf, WINDOW_CHARS, windowStarts } from './features.ts';
import { spansIn } from './sentences.ts';

/** What a model says of itself: `injection.json` beside its weights, which `bench/safety/train.ts` writes. */
export const ModelCard = z.object({
  name: z.string(),
  version: z.string(),
  trained_at: z.iso.date(),
  seed: z.number(),
  bias: z.number(),
  /** A weight is its byte times its size times this: small ones, which are most, are told apart well. */
  scale: z.number().positive(),
  /**
   * Scores from which a text counts: 0.5, for 2 % of the harmless texts of the validation parts; and that of a sentence
   * of a document, for one document in two hundred.
   */
  thresholds: z.object({ fp_2_percent: z.number(), sentence: z.number() }),
  corpora: z.array(Corpus.extend({ texts: z.number() })),
});
export type ModelCard = z.infer<typeof ModelCard>;

export interface Classifier {
  readonly card: ModelCard;
  /** In [0, 1]; of a long text that of its worst window. */
  score(text: string): number;
  /** That of a part of a text, at most a window. */
  windowScore(text: string, from: number, to?: number): number;
  /** That of the worst sentence of a text, or of two that follow on one another. */
  sentenceScore(text: string): number;
}

export function classifierOf(card: ModelCard, weights: Int8Array): Classifier {
  if (weights.length !== BUCKETS)
    throw new RangeError(`the classifier has ${weights.length} weights, not ${BUCKETS}: train it again`);
  const values = valuesOf(weights, card.scale);
  const windowScore = (text: string, from: number, to?: number): number => {
    return scoreOf(values, card.bias, readWindow(text, from, to));
  };
  return {
    card,
    windowScore,
    sentenceScore(text) {
      let worst = 0;
      for (const { from, to } of spansIn(text)) worst = Math.max(worst, windowScore(text, from, to));
      return worst;
    },
    score(text) {
      if (text.length <= WINDOW_CHARS) return windowScore(text, 0);
      return Math.max(...windowStarts(text).map((from) => windowScore(text, from)));
    },
  };
}

let loaded: Classifier | undefined;

/** The model that ships with the package, read once. */
export function injectionClassifier(): Classifier {
  if (loaded === undefined) {
    const { card, weights } = readModel(ModelCard, { name: 'injection', beside: import.meta.url });
    loaded = classifierOf(card, weights);
  }
  return loaded;
}
