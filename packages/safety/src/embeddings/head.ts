/**
 * A small network over the embedding of a sentence, for instructions in other words than the classifier knows: one
 * hidden layer, then a logistic sum with what the classifier says and with how near the sentence is to its document.
 */
import { z } from 'zod';
import { INJECTION_EMBEDDER } from '../../manifest.ts';
import { Corpus, readModel } from '../shipped-model.ts';

export const HeadCard = z.object({
  name: z.string(),
  version: z.string(),
  trained_at: z.iso.date(),
  seed: z.number(),
  /** The embedding model: vectors of another one say nothing here. */
  embedder: z.literal(INJECTION_EMBEDDER),
  dimensions: z.int().positive(),
  /** What a byte of the weights stands for; those of one hidden unit after the other. */
  scale: z.number().positive(),
  hidden: z.array(z.object({ bias: z.number(), out: z.number() })),
  bias: z.number(),
  /** What the sum of the network, the classifier's logit and the nearness to the document count. */
  combined: z.object({
    network: z.number(),
    classifier: z.number(),
    nearness: z.number(),
    bias: z.number(),
  }),
  /** Score from which a sentence counts. */
  threshold: z.number(),
  corpora: z.array(Corpus.extend({ sentences: z.number() })),
});
export type HeadCard = z.infer<typeof HeadCard>;

export type Vector = readonly number[] | Float32Array;

/** A sentence as the head weighs it. */
export interface Weighed {
  readonly vector: Vector;
  /** The classifier's score of it, in [0, 1]. */
  readonly score: number;
  /** Cosine to the sum of the other sentences of its document. */
  readonly nearness: number;
}

export interface Head {
  readonly card: HeadCard;
  /** The sum of the network alone. */
  network(vector: Vector): number;
  /** In [0, 1]. */
  score(sentence: Weighed): number;
}

/** The classifier is never surer than that: where it errs the network must be able to say so. */
const SUREST = 6;

export function logitOf(score: number): number {
  return Math.min(SUREST, Math.max(-SUREST, Math.log(score / (1 - score))));
}

export function headOf(card: HeadCard, weights: Int8Array): Head {
  const { dimensions, hidden, scale, combined } = card;
  if (weights.length !== dimensions * hidden.length)
    throw new RangeError(
      `the head has ${weights.length} weights, not ${dimensions} × ${hidden.length}: train it again`,
    );
  const network = (vector: Vector): number => {
    let sum = card.bias;
    for (const [unit, { bias, out }] of hidden.entries()) {
      let value = 0;
      for (let at = 0; at < dimensions; at++)
        value += (weights[unit * dimensions + at] ?? 0) * (vector[at] ?? 0);
      sum += out * Math.max(0, bias + scale * value);
    }
    return sum;
  };
  return {
    card,
    network,
    score({ vector, score, nearness }) {
      const sum =
        combined.bias +
        combined.network * network(vector) +
        combined.classifier * logitOf(score) +
        combined.nearness * nearness;
      return 1 / (1 + Math.exp(-sum));
    },
  };
}

/** Of each vector, the cosine to the sum of the others: what is about something else is far from them. */
export function nearnessOf(vectors: readonly Vector[]): number[] {
  const sum = new Float64Array(vectors[0]?.length ?? 0);
  for (const vector of vectors)
    for (let at = 0; at < sum.length; at++) sum[at] = (sum[at] ?? 0) + (vector[at] ?? 0);
  return vectors.map((vector) => {
    let dot = 0;
    let square = 0;
    for (const [at, all] of sum.entries()) {
      const others = all - (vector[at] ?? 0);
      dot += others * (vector[at] ?? 0);
      square += others * others;
    }
    return vectors.length < 2 ? ALONE : dot / (Math.sqrt(square) || 1);
  });
}
/** As near as sentences of one document are on average. */
const ALONE = 0.3;

const loaded = new Map<string, Head>();

/** The weights of a name that ship with the package, read once. */
function shipped(name: 'injection' | 'harm'): Head {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const { card, weights } = readModel(HeadCard, { name, beside: import.meta.url });
  const head = headOf(card, weights);
  loaded.set(name, head);
  return head;
}

export const injectionHead = (): Head => shipped('injection');
/** For whole questions, which are near to no others. */
export const harmHead = (): Head => shipped('harm');
