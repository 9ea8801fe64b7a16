/** The sentences of a text that are worth an embedding: those that the classifier doubts most. */
import { injectionClassifier } from '../classifier/classifier.ts';
import { type Part, sentencesIn } from '../classifier/sentences.ts';

/** Sentences of one text. */
const MAX_SENTENCES = 32;
/** Characters of one that are embedded. */
const MAX_CHARS = 480;
/** Characters from which a sentence can be an order. */
const MIN_CHARS = 12;

export interface Doubtful extends Part {
  /** {@link oneLine} */
  readonly text: string;
  /** The classifier's, in [0, 1]. */
  readonly score: number;
}

/** In the order of the text. Of a text with many sentences those count that the classifier scores highest. */
export function doubtfulIn(
  text: string,
  windowScore = injectionClassifier().windowScore,
): readonly Doubtful[] {
  return sentencesIn(text)
    .map((part) => ({ ...part, text: oneLine(text.slice(part.from, part.to)) }))
    .filter((one) => one.text.length >= MIN_CHARS)
    .map((one) => ({ ...one, score: windowScore(text, one.from, one.to) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, MAX_SENTENCES)
    .sort((a, b) => a.from - b.from);
}

/** As it is embedded: on one line, in characters of which none is more than one token of the model's 512. */
export function oneLine(text: string): string {
  return text.normalize('NFKD').replace(/\s+/g, ' ').trim().slice(0, MAX_CHARS).toWellFormed();
}
