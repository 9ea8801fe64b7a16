/**
 * A linear model over hashed words for what a text means by its subject: whether it means harm at all, and of which
 * kinds. The first is trained on harmful and harmless texts, the second on harmful ones alone.
 */
import { z } from 'zod';
import type { SafetyCategory } from '../categories.ts';
import { Corpus, readModel } from '../shipped-model.ts';
import { readWindow, scoreOf, valuesOf, WINDOW_CHARS, windowStarts } from './features.ts';

/** The categories that it tells apart. */
export const HARM_TOPICS = [
  'hate',
  'harassment',
  'self-harm',
  'sexual',
  'violence',
  'weapons',
  'illicit',
  'malware',
  'privacy',
] as const satisfies readonly SafetyCategory[];
export type HarmTopic = (typeof HARM_TOPICS)[number];

/** Weights of the model of any harm, and of each kind; powers of two. */
export const HARM_BUCKETS = 1 << 17;
export const TOPIC_BUCKETS = 1 << 15;

const Linear = z.object({
  bias: z.number(),
  /** A weight is its byte times its size times this. */
  scale: z.number().positive(),
});

/** Scores above which are one or two in a hundred of the harmless texts of the validation parts, and one in a thousand. */
const Thresholds = z.object({ flag: z.number(), block: z.number() });

/** What the model says of itself: `harm.json` beside its weights, which `bench/safety/train-harm.ts` writes. */
export const HarmCard = z.object({
  name: z.string(),
  version: z.string(),
  trained_at: z.iso.date(),
  seed: z.number(),
  harm: Linear,
  topics: z.record(z.enum(HARM_TOPICS), Linear),
  /** Scores from which a question, and a window of an answer, counts as harmful; and those from which it may be blocked. */
  thresholds: z.object({ question: Thresholds, answer: Thresholds }),
  corpora: z.array(Corpus.extend({ texts: z.number() })),
});
export type HarmCard = z.infer<typeof HarmCard>;

interface Harm {
  /** That a text means harm, in [0, 1]. */
  readonly score: number;
  /** Where its worst window begins. */
  readonly from: number;
}

export interface HarmClassifier {
  readonly card: HarmCard;
  /** Of a long text that of its worst window. */
  harm(text: string): Harm;
  /** That of a part of a text, at most a window. */
  windowScore(text: string, from: number): number;
  /** How likely each kind is, given that the window means harm; the kinds by the order of {@link HARM_TOPICS}. */
  topics(text: string, from: number): readonly number[];
}

export function harmClassifierOf(card: HarmCard, weights: Int8Array): HarmClassifier {
  const expected = HARM_BUCKETS + HARM_TOPICS.length * TOPIC_BUCKETS;
  if (weights.length !== expected)
    throw new RangeError(`the classifier has ${weights.length} weights, not ${expected}: train it again`);
  const harm = valuesOf(weights.subarray(0, HARM_BUCKETS), card.harm.scale);
  const topics = HARM_TOPICS.map((topic, at) => {
    const { bias, scale } = card.topics[topic];
    const from = HARM_BUCKETS + at * TOPIC_BUCKETS;
    return { bias, values: valuesOf(weights.subarray(from, from + TOPIC_BUCKETS), scale) };
  });
  const windowScore = (text: string, from: number): number => {
    const count = readWindow(text, from);
    return scoreOf(harm, card.harm.bias, count);
  };
  return {
    card,
    windowScore,
    harm(text) {
      let worst: Harm = { score: 0, from: 0 };
      for (const from of text.length <= WINDOW_CHARS ? [0] : windowStarts(text)) {
        const score = windowScore(text, from);
        if (score > worst.score) worst = { score, from };
      }
      return worst;
    },
    topics(text, from) {
      const count = readWindow(text, from);
      return topics.map(({ values, bias }) => scoreOf(values, bias, count));
    },
  };
}

let loaded: HarmClassifier | undefined;

/** The model that ships with the package, read once. */
export function harmClassifier(): HarmClassifier {
  if (loaded === undefined) {
    const { card, weights } = readModel(HarmCard, { name: 'harm', beside: import.meta.url });
    loaded = harmClassifierOf(card, weights);
  }
  return loaded;
}
