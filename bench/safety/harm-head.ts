/** Trains the head over embeddings of questions: a network on those of the classifier's texts, then its threshold. */
import { INJECTION_EMBEDDER } from '@mcp/safety/manifest';
import { harmClassifier } from '../../packages/safety/src/classifier/harm.ts';
import { oneLine } from '../../packages/safety/src/embeddings/doubtful.ts';
import { type HeadCard, headOf } from '../../packages/safety/src/embeddings/head.ts';
import type { HarmCorpus, Harmful } from './harm-parts.ts';
import { harmlessParts, trainingParts } from './harm-training.ts';
import { type Example, Network } from './network.ts';
import type { Vectors } from './vectors.ts';

const DIMENSIONS = 384;
const HIDDEN = 32;
const EPOCHS = 8;
const SEED = 5;
/** Texts of a corpus that are embedded; of harmful ones that are public all are. */
const MAX_TEXTS: Readonly<Record<string, number>> = {
  wishes: 1800,
  'dark questions': 3000,
  's-labs': 700,
  'fitz-gov': 450,
  'spam-assassin': 80,
  'chatterbot corpus': 600,
  'false claims': 250,
  'installed packages': 80,
  'sentences of spam-assassin': 700,
  'everyday sentences': 1500,
};
/** Of a corpus of the validation part. */
const MAX_VALIDATION = 250;
/** What a harmful text of a public corpus counts beside one that was put together. */
const CORPUS_WEIGHT = 3;
/** The network and the words count as much. */
const COMBINED = { network: 0.5, classifier: 0.5, nearness: 0, bias: 0 } as const;
/** Share of the harmless validation texts that may be flagged, each corpus counting as much. */
const FLAGGED = 0.01;

const isHarmful = ({ topics }: Harmful) => topics === undefined || topics.length > 0;

export function thinned(corpus: HarmCorpus, most: number): HarmCorpus {
  const step = Math.max(1, corpus.texts.length / most);
  const texts = corpus.texts.filter((_, at) => Math.floor(at / step) !== Math.floor((at - 1) / step));
  return { ...corpus, texts: texts.filter(({ text }) => oneLine(text) !== '') };
}

export async function trainHarmHead(
  dir: string,
  vectors: Vectors,
): Promise<{ readonly card: HeadCard; readonly weights: Int8Array }> {
  const training = (await trainingParts(dir))
    .filter(({ name }) => name !== 'rated answers')
    .map((corpus) => thinned(corpus, MAX_TEXTS[corpus.name] ?? Number.POSITIVE_INFINITY));
  const validation = (await harmlessParts(dir, 'validation')).map((one) => thinned(one, MAX_VALIDATION));
  await vectors.prepare(
    [...training, ...validation].flatMap(({ texts }) => texts.map(({ text }) => oneLine(text))),
  );
  const network = new Network({ dimensions: DIMENSIONS, hidden: HIDDEN, seed: SEED });
  network.train(
    training.flatMap(({ name, texts }) =>
      texts.map(
        (one): Example => ({
          vector: vectors.of(oneLine(one.text)),
          target: isHarmful(one) ? 1 : 0,
          weight: isHarmful(one) && name !== 'wishes' ? CORPUS_WEIGHT : 1,
        }),
      ),
    ),
    EPOCHS,
  );
  const { weights, card: quantised } = network.quantised();
  const card: HeadCard = {
    name: 'mcp/harm-head',
    version: '1',
    trained_at: new Date().toISOString().slice(0, 10),
    seed: SEED,
    embedder: INJECTION_EMBEDDER,
    ...quantised,
    combined: COMBINED,
    threshold: 1,
    corpora: training.map(({ texts, ...corpus }) => ({ ...corpus, sentences: texts.length })),
  };
  const head = headOf(card, weights);
  const scoreOf = (text: string) =>
    head.score({ vector: vectors.of(oneLine(text)), score: harmClassifier().harm(text).score, nearness: 0 });
  const scores = validation
    .flatMap(({ texts }, _, all) =>
      texts.map(({ text }) => ({ score: scoreOf(text), share: 1 / texts.length / all.length })),
    )
    .sort((a, b) => b.score - a.score);
  let sum = 0;
  const threshold =
    scores.find(({ share }) => {
      sum += share;
      return sum > FLAGGED;
    })?.score ?? 1;
  return { weights, card: { ...card, threshold } };
}
