/** Whether a model is adequate for a question, by the question and by its answer: pure. */
import { type AdequacyFeature, type AdequacyScale, type ChatMessage, textOf } from '@mcp/contracts';

/** Those that are not 0. */
export type Features = ReadonlyMap<AdequacyFeature, number>;

/** Values at which a feature is 1. */
const MOST = { chars: 20_000, digits: 0.25, sentences: 12, surprisal: 5, tokens: 512 } as const;
/** Characters whose words are looked at: those at the end, where the question stands. */
const WORD_CHARS = 2000;

/** What is known of the last question before it is answered. */
export function questionFeatures(messages: readonly ChatMessage[]): Features {
  const asked = messages.findLast(({ role }) => role === 'user');
  const text = asked === undefined ? '' : textOf(asked.content, { picture: () => '' });
  const digits = text.replaceAll(/\D/g, '').length / Math.max(1, text.length);
  const sentences = text.split(/[.!?\n]+\s/).length;
  return new Map<AdequacyFeature, number>([
    ['length', unit(Math.log1p(text.length) / Math.log1p(MOST.chars))],
    ['digits', unit(digits / MOST.digits)],
    ['sentences', unit(sentences / MOST.sentences)],
    ...wordsOf(text).map((word) => [`asked:${word}`, 1] as const),
  ]);
}

/** What an answer tells; nothing where its tokens have no log probabilities. */
export function answerFeatures(text: string, logprobs: readonly number[]): Features {
  const [first] = logprobs;
  if (first === undefined) return new Map();
  const surprisals = logprobs.map((logprob) => Math.min(MOST.surprisal, Math.max(0, -logprob)));
  const mean = surprisals.reduce((sum, one) => sum + one, 0) / surprisals.length;
  return new Map<AdequacyFeature, number>([
    ['surprisal', unit(mean / MOST.surprisal)],
    ['first_surprisal', unit(-first / MOST.surprisal)],
    ['highest_surprisal', unit(Math.max(...surprisals) / MOST.surprisal)],
    ['answer_length', unit(Math.log1p(logprobs.length) / Math.log1p(MOST.tokens))],
    ...wordsOf(text).map((word) => [`said:${word}`, 1] as const),
  ]);
}

/** The probability of being adequate. */
export function adequacy({ bias, weights }: Pick<AdequacyScale, 'bias' | 'weights'>, ...known: Features[]) {
  let sum = bias;
  for (const features of known)
    for (const [feature, value] of features)
      if (Object.hasOwn(weights, feature)) sum += (weights[feature] ?? 0) * value;
  return 1 / (1 + Math.exp(-sum));
}

/** Without names and numbers: those say which question it is, not of which kind. */
function wordsOf(text: string): string[] {
  const words = text
    .slice(-WORD_CHARS)
    .match(
      /(?<![\p{L}\p{N}])\p{Ll}{1,40}(?![\p{L}\p{N}])|(?<=^|[.!?]\s)\p{Lu}\p{Ll}{0,39}(?![\p{L}\p{N}])/gu,
    );
  return [...new Set(words?.map((word) => word.toLowerCase()))];
}

function unit(value: number): number {
  return Math.min(1, Math.max(0, value));
}
