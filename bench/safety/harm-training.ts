/** Trains the classifier of harm: whether a text means any, on harmful and harmless texts, and which, on harmful ones. */
import { features, readWindow, windowStarts } from '../../packages/safety/src/classifier/features.ts';
import {
  HARM_BUCKETS,
  HARM_TOPICS,
  type HarmCard,
  type HarmTopic,
  harmClassifierOf,
  TOPIC_BUCKETS,
} from '../../packages/safety/src/classifier/harm.ts';
import { type Corpus, fitzGov, slabs } from './corpora.ts';
import { everyday } from './everyday.ts';
import {
  advBenchParts,
  doNotAnswerParts,
  futureBehaviours,
  type HarmCorpus,
  type Harmful,
  harmBenchParts,
  type Part,
  partOf,
  ratedAnswers,
  toxiGen,
} from './harm-parts.ts';
import { darkQuestions } from './harm-questions.ts';
import { wishes } from './harm-wishes.ts';
import { claims, customers, humanEval, ifBench, mails, sentencesOf, smallTalk } from './plain-corpora.ts';
import { installedCode } from './plain-texts.ts';
import { fit, type Row, type Trained } from './training.ts';

const OURS = { version: 'bench/safety', licence: 'of this repository' } as const;

/** Texts that mean harm, with those that corpora of such call harmless. */
export async function harmfulParts(dir: string, part: Part): Promise<HarmCorpus[]> {
  return [
    partOf(await doNotAnswerParts(dir), part),
    partOf(await harmBenchParts(dir), part),
    partOf(await advBenchParts(dir), part),
    partOf(await toxiGen(dir), part),
    await ratedAnswers(dir, part),
  ];
}

function harmless({ texts, ...corpus }: Corpus): HarmCorpus {
  const plain = texts.filter(({ attack }) => !attack);
  return { ...corpus, texts: plain.map(({ text }) => ({ text, topics: [] })) };
}

/** Corpora that mean no harm. The harmless texts of neuralchemy are not among them: they attack no model, but many mean harm. */
export async function harmlessParts(dir: string, part: Part): Promise<HarmCorpus[]> {
  const own = part === 'test' ? await fitzGov(dir, 'test') : partOf(await fitzGov(dir, 'train'), part);
  const corpora: Corpus[] = [
    await slabs(dir, part),
    own,
    partOf(await mails(dir), part),
    partOf(await smallTalk(dir), part),
    partOf(await claims(dir), part),
    partOf(await customers(dir), part),
    partOf(await ifBench(dir), part),
  ];
  return corpora.map(harmless);
}

/** What models and people write at length. */
export async function answersValidation(dir: string): Promise<HarmCorpus[]> {
  const others = (await harmlessParts(dir, 'validation')).filter(
    ({ name }) => name === 'fitz-gov' || name === 'spam-assassin',
  );
  return [await ratedAnswers(dir, 'validation'), ...others];
}

async function onlyTrained(dir: string): Promise<HarmCorpus[]> {
  const questions = darkQuestions().map((text): Harmful => ({ text, topics: [] }));
  const own = [
    { ...OURS, name: 'wishes', part: 'all', texts: wishes() },
    { ...OURS, name: 'dark questions', part: 'all', texts: questions },
  ];
  const plain = [
    installedCode(),
    sentencesOf(partOf(await mails(dir), 'train')),
    await humanEval(dir),
    everyday(),
  ];
  return [...own, await futureBehaviours(dir, await harmfulParts(dir, 'test')), ...plain.map(harmless)];
}

export async function trainingParts(dir: string): Promise<HarmCorpus[]> {
  return [
    ...(await harmfulParts(dir, 'train')),
    ...(await harmlessParts(dir, 'train')),
    ...(await onlyTrained(dir)),
  ];
}

const SEED = 11;
const OPTIONS = { seed: SEED, epochs: 10, rate: 0.5, l2: 1e-6, dropout: 0.3 } as const;
/** What a text of a corpus counts beside one that was put together. */
const CORPUS_WEIGHT = 3;
/** Windows of a harmless text. */
const MAX_WINDOWS = 6;
/** Harmful texts together count as much as this share of the harmless ones. */
const BALANCE = 0.5;

const isHarmful = ({ topics }: Harmful) => topics === undefined || topics.length > 0;

function windowsOf(text: string): Int32Array[] {
  return windowStarts(text)
    .slice(0, MAX_WINDOWS)
    .map((from) => features.slice(0, readWindow(text, from)));
}

function harmRows(corpora: readonly HarmCorpus[]): Row[] {
  const rows = corpora.flatMap(({ name, texts }) =>
    texts.flatMap((one): Row[] => {
      const windows = windowsOf(one.text);
      const target = isHarmful(one) ? 1 : 0;
      const weight = (target === 1 && name !== 'wishes' ? CORPUS_WEIGHT : 1) / windows.length;
      return windows.map((all) => ({ features: all, target, weight }));
    }),
  );
  return balanced(rows, BALANCE);
}

/** Those of the kind count together as much as a third of the others. */
function topicRows(corpora: readonly HarmCorpus[], topic: HarmTopic): Row[] {
  const rows = corpora.flatMap(({ name, texts }) =>
    texts.flatMap(({ text, topics = [] }): Row[] =>
      topics.length === 0
        ? []
        : windowsOf(text).map((all) => ({
            features: all,
            target: topics.includes(topic) ? 1 : 0,
            weight: name === 'wishes' ? 1 : CORPUS_WEIGHT,
          })),
    ),
  );
  return balanced(rows, 1 / 3);
}

function balanced(rows: readonly Row[], share: number): Row[] {
  const sum = (target: number) =>
    rows.reduce((all, row) => all + (row.target === target ? row.weight : 0), 0);
  const factor = (sum(0) / sum(1)) * share;
  return rows.map((row) => (row.target === 1 ? { ...row, weight: row.weight * factor } : row));
}

export interface TrainedHarm {
  readonly card: HarmCard;
  readonly weights: Int8Array;
}

/** A model with the thresholds that its card speaks of. */
export function trainedHarm(
  corpora: readonly HarmCorpus[],
  validation: { readonly questions: readonly HarmCorpus[]; readonly answers: readonly HarmCorpus[] },
): TrainedHarm {
  const harm = fit(harmRows(corpora), { ...OPTIONS, buckets: HARM_BUCKETS });
  const topics = HARM_TOPICS.map((topic) =>
    fit(topicRows(corpora, topic), { ...OPTIONS, buckets: TOPIC_BUCKETS }),
  );
  const weights = new Int8Array(HARM_BUCKETS + HARM_TOPICS.length * TOPIC_BUCKETS);
  weights.set(harm.weights);
  for (const [at, topic] of topics.entries()) weights.set(topic.weights, HARM_BUCKETS + at * TOPIC_BUCKETS);
  const linear = ({ bias, scale }: Trained) => ({ bias, scale });
  const card: HarmCard = {
    name: 'mcp/harm',
    version: '1',
    trained_at: new Date().toISOString().slice(0, 10),
    seed: SEED,
    harm: linear(harm),
    topics: Object.fromEntries(
      HARM_TOPICS.map((topic, at) => [topic, linear(topics[at] ?? harm)]),
    ) as HarmCard['topics'],
    thresholds: { question: NOTHING, answer: NOTHING },
    corpora: corpora.map(({ texts, ...corpus }) => ({ ...corpus, texts: texts.length })),
  };
  const model = harmClassifierOf(card, weights);
  const scoreOf = (text: string) => model.harm(text).score;
  const thresholds = {
    question: thresholdsOf(validation.questions, { flag: 0.01, block: 0.001 }, scoreOf),
    answer: thresholdsOf(validation.answers, { flag: 0.02, block: 0.001 }, scoreOf),
  };
  return { card: { ...card, thresholds }, weights };
}

type Thresholds = HarmCard['thresholds']['question'];
const NOTHING: Thresholds = { flag: 1, block: 1 };
/** The lowest scores above which on the mean of the corpora no more than those shares of their harmless texts are. */
function thresholdsOf(
  corpora: readonly HarmCorpus[],
  shares: Thresholds,
  scoreOf: (text: string) => number,
): Thresholds {
  const harmless = corpora
    .map(({ texts }) => texts.filter((one) => !isHarmful(one)))
    .filter(({ length }) => length > 0);
  const scores = harmless
    .flatMap((texts) =>
      texts.map(({ text }) => ({ score: scoreOf(text), share: 1 / texts.length / harmless.length })),
    )
    .sort((a, b) => b.score - a.score);
  const above = (limit: number): number => {
    let sum = 0;
    for (const { score, share } of scores) {
      sum += share;
      if (sum > limit) return score;
    }
    return 0;
  };
  return { flag: above(shares.flag), block: above(shares.block) };
}
