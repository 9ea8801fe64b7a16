/** Trains the head over embeddings: the network on sentences, then the sum and the threshold on documents. */
import { INJECTION_EMBEDDER } from '@mcp/safety/manifest';
import {
  type Classifier,
  classifierOf,
  injectionClassifier,
} from '../../packages/safety/src/classifier/classifier.ts';
import { doubtfulIn, oneLine } from '../../packages/safety/src/embeddings/doubtful.ts';
import {
  type Head,
  type HeadCard,
  headOf,
  logitOf,
  nearnessOf,
  type Weighed,
} from '../../packages/safety/src/embeddings/head.ts';
import { mulberry32 } from '../stats.ts';
import type { Corpus } from './corpora.ts';
import { hidden, pick } from './hiding.ts';
import { type Example, Network } from './network.ts';
import { type Named, SEED, trainingSentences, tuning } from './sentence-parts.ts';
import { trained, trainingParts, validationParts } from './training.ts';
import type { Vectors } from './vectors.ts';

export const DIMENSIONS = 384;
const HIDDEN = 32;
const EPOCHS = 10;
/** Documents with an order in them that the sum is chosen by. */
const HIDDEN_DOCUMENTS = 500;
/** Share of the harmless documents that may lose something. */
const LOST = 0.01;
const SUM_STEPS = 1500;
const SUM_RATE = 2;

export interface Ground {
  readonly vectors: Vectors;
  /** What scores windows: the sentences' stage. */
  readonly classifier: Classifier;
}

export interface Weighing extends Weighed {
  readonly text: string;
}

/** A document as the stage reads it. */
export function weighed(document: string, { vectors, classifier }: Ground): Weighing[] {
  const sentences = doubtfulIn(document, classifier.windowScore);
  const own = sentences.map(({ text }) => vectors.of(text));
  const near = nearnessOf(own);
  return sentences.map(({ text, score }, at) => ({
    text,
    score,
    vector: own[at] ?? [],
    nearness: near[at] ?? 0,
  }));
}

/** Texts that are embedded for documents. */
export const textsOf = (documents: readonly string[], { windowScore }: Pick<Classifier, 'windowScore'>) =>
  documents.flatMap((document) => doubtfulIn(document, windowScore).map(({ text }) => text));

interface Hiding {
  readonly document: string;
  readonly order: string;
}

export function hidings(
  { documents, orders }: { readonly documents: readonly Named[]; readonly orders: readonly Named[] },
  count: number,
): Hiding[] {
  const random = mulberry32(SEED);
  const all = documents.flatMap(({ texts }) => texts);
  const every = orders.flatMap(({ texts }) => texts);
  return Array.from({ length: count }, () => {
    const order = pick(every, random);
    return { document: hidden(pick(all, random), order, random), order: oneLine(order) };
  });
}

/** Corpora of attacks of which others are trained without: what the network says of those that it has not seen. */
const FOLDS: readonly string[] = ['s-labs', 'neuralchemy'];

export interface Trained {
  readonly card: HeadCard;
  readonly weights: Int8Array;
  readonly ground: Ground;
}

/** A head, and a classifier where corpora are left out: then nothing has seen them. */
export async function trainHead(
  dir: string,
  vectors: Vectors,
  without: readonly string[] = [],
): Promise<Trained> {
  const tuned = await tuning(dir);
  const folds: Fold[] = [];
  for (const fold of FOLDS.filter((name) => !without.includes(name))) {
    const unseen = [...without, fold];
    const ground = { vectors, classifier: await classifierWithout(dir, unseen) };
    const orders = tuned.orders.filter(({ name }) => name === fold);
    const attacked = hidings({ documents: tuned.documents, orders }, HIDDEN_DOCUMENTS);
    await vectors.prepare(
      textsOf([...plain(tuned.documents), ...attacked.map(({ document }) => document)], ground.classifier),
    );
    folds.push({ head: await networkWithout(dir, vectors, unseen), ground, attacked });
  }
  const head = await networkWithout(dir, vectors, without);
  const ground = { vectors, classifier: await classifierWithout(dir, without) };
  await vectors.prepare(textsOf(plain(tuned.documents), ground.classifier));
  const combined = sumOf(folds, tuned.documents);
  const whole = headOf({ ...head.card, combined }, head.weights);
  const worst = plain(tuned.documents)
    .map((text) => worstOf(whole, weighed(text, ground)))
    .sort((a, b) => b - a);
  const threshold = worst[Math.floor(worst.length * LOST)] ?? 1;
  return { ground, weights: head.weights, card: { ...head.card, combined, threshold } };
}

const plain = (documents: readonly Named[]) => documents.flatMap(({ texts }) => texts);
const classifiers = new Map<string, Classifier>();

async function classifierWithout(dir: string, without: readonly string[]): Promise<Classifier> {
  if (without.length === 0) return injectionClassifier();
  const key = without.toSorted().join();
  const known = classifiers.get(key);
  if (known !== undefined) return known;
  const others = (list: readonly Corpus[]) => list.filter(({ name }) => !without.includes(name));
  const validation = others(await validationParts(dir));
  // Where both are left out there is nobody to say which score is 0.5: any of them does, as scores are only compared.
  const { card, weights } = trained(
    others(await trainingParts(dir)),
    validation.length > 0 ? validation : await validationParts(dir),
  );
  const classifier = classifierOf(card, weights);
  classifiers.set(key, classifier);
  return classifier;
}

/** The network alone, with a sum and a threshold that are still to be chosen. */
async function networkWithout(dir: string, vectors: Vectors, without: readonly string[]) {
  const training = (await trainingSentences(dir)).filter(({ name }) => !without.includes(name));
  await vectors.prepare(training.flatMap(({ sentences }) => sentences));
  const network = new Network({ dimensions: DIMENSIONS, hidden: HIDDEN, seed: SEED });
  network.train(
    training.flatMap(({ sentences, attack, weight }) =>
      sentences.map((text): Example => ({ vector: vectors.of(text), target: attack ? 1 : 0, weight })),
    ),
    EPOCHS,
  );
  const { weights, card: quantised } = network.quantised();
  const card: HeadCard = {
    name: 'mcp/injection-head',
    version: '1',
    trained_at: new Date().toISOString().slice(0, 10),
    seed: SEED,
    embedder: INJECTION_EMBEDDER,
    ...quantised,
    combined: { network: 1, classifier: 0, nearness: 0, bias: 0 },
    threshold: 1,
    corpora: training.map(({ sentences, attack: _, weight: __, ...corpus }) => ({
      ...corpus,
      sentences: sentences.length,
    })),
  };
  return { card, weights };
}

export function worstOf(head: Head, sentences: readonly Weighed[]): number {
  return Math.max(0, ...sentences.map((one) => head.score(one)));
}

interface Fold {
  readonly head: { readonly card: HeadCard; readonly weights: Int8Array };
  readonly ground: Ground;
  readonly attacked: readonly Hiding[];
}

/** Logistic regression by gradient descent; in each fold sentences of orders count as much as all others together. */
function sumOf(folds: readonly Fold[], documents: readonly Named[]): HeadCard['combined'] {
  const rows = folds.flatMap(({ head: { card, weights }, ground, attacked }) => {
    const head = headOf(card, weights);
    const rowOf = (one: Weighing) => [head.network(one.vector) / 4, logitOf(one.score) / 4, one.nearness, 1];
    const others = plain(documents).flatMap((text) => weighed(text, ground).map(rowOf));
    const orders = attacked.flatMap(({ document, order }) =>
      weighed(document, ground)
        .filter(({ text }) => order.includes(text) || text.includes(order))
        .map(rowOf),
    );
    return [
      { rows: others, target: 0 },
      { rows: orders, target: 1 },
    ];
  });
  const weights = [0, 0, 0, 0];
  for (let step = 0; step < SUM_STEPS; step++) {
    const gradient = [0, 0, 0, 0];
    for (const { rows: some, target } of rows)
      for (const row of some) {
        const sum = row.reduce((all, value, at) => all + value * (weights[at] ?? 0), 0);
        const error = (1 / (1 + Math.exp(-sum)) - target) / some.length / folds.length;
        for (const [at, value] of row.entries()) gradient[at] = (gradient[at] ?? 0) + error * value;
      }
    for (const [at, value] of gradient.entries()) weights[at] = (weights[at] ?? 0) - SUM_RATE * value;
  }
  const [network = 0, classifier = 0, nearness = 0, bias = 0] = weights;
  return { network: network / 4, classifier: classifier / 4, nearness, bias };
}
