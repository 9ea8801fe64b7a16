/** Sentences and documents that the head over embeddings is trained, tuned and asked on: each part on texts of its own. */
import { sentencesIn } from '../../packages/safety/src/classifier/sentences.ts';
import { doubtfulIn, oneLine } from '../../packages/safety/src/embeddings/doubtful.ts';
import { mulberry32 } from '../stats.ts';
import {
  bastion,
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
import { documentsOf, ordersOf, sampled } from './hiding.ts';
import { claims, customers, ifBench, mails, sentencesOf, smallTalk } from './plain-corpora.ts';
import { installedCode, ownFiles } from './plain-texts.ts';

export const SEED = 99;

export interface Sentences extends Omit<Corpus, 'texts'> {
  readonly attack: boolean;
  /** How much each counts: of a jailbreak's sentences few are orders. */
  readonly weight: number;
  readonly sentences: readonly string[];
}

export interface Named {
  readonly name: string;
  readonly texts: readonly string[];
}

const partsOf = (text: string) => sentencesIn(text).map(({ from, to }) => text.slice(from, to));
const harmless = (texts: readonly Labelled[]) => texts.flatMap(({ text, attack }) => (attack ? [] : [text]));

interface How {
  readonly attack?: true;
  readonly count: number;
  /** Sentences of each text, whichever; undefined: whole texts. */
  readonly each?: number;
  /** And those that the classifier doubts most: they are what the head is asked about. */
  readonly doubtful?: number;
  readonly weight?: number;
}

/** So many texts of a corpus, or so many sentences of each of them. */
function group({ texts, ...corpus }: Corpus, how: How): Sentences {
  const random = mulberry32(SEED);
  const { attack = false, count, each, doubtful = 0, weight = 1 } = how;
  const whole = attack ? texts.map(({ text }) => text.slice(0, 400)) : harmless(texts);
  const chosen = sampled([...new Set(whole)], count, random);
  const sentences =
    each === undefined
      ? chosen
      : chosen.flatMap((text) => [...sampled(partsOf(text), each, random), ...mostDoubtful(text, doubtful)]);
  return {
    ...corpus,
    attack,
    weight,
    sentences: [...new Set(sentences.map(oneLine))].filter((text) => text !== ''),
  };
}

function mostDoubtful(text: string, count: number): string[] {
  return doubtfulIn(text)
    .toSorted((a, b) => b.score - a.score)
    .slice(0, count)
    .map((one) => one.text);
}

const attacks = (corpus: Corpus): Corpus => ({
  ...corpus,
  texts: corpus.texts.filter(({ attack }) => attack),
});
const orders = (corpus: Corpus): Corpus => ({
  ...corpus,
  texts: ordersOf(corpus).map((text) => ({ text, attack: true })),
});

/** Every second text, from the first or the second on. */
const half = (corpus: Corpus, from: 0 | 1): Corpus => ({
  ...corpus,
  texts: corpus.texts.filter((_, at) => at % 2 === from),
});

export async function trainingSentences(dir: string): Promise<Sentences[]> {
  const letters = parted(await mails(dir), 'train');
  const jailbreaks = [parted(await garak(dir), 'train'), parted(await pyrit(dir), 'train')];
  const slabs_train = await slabs(dir, 'train');
  const neuralchemy_train = await neuralchemy(dir, 'train');
  return [
    group(orders(slabs_train), { attack: true, count: 2500 }),
    group(orders(neuralchemy_train), { attack: true, count: 2500 }),
    group(attacks(parted(await yanismiraoui(dir), 'train')), { attack: true, count: 1000 }),
    ...jailbreaks.map((corpus) => {
      const texts = corpus.texts.flatMap(({ text }) =>
        partsOf(text)
          .filter(({ length }) => length > 30)
          .map((one) => ({ text: one, attack: true })),
      );
      return group({ ...corpus, texts }, { attack: true, count: 600, weight: 0.25 });
    }),
    group(slabs_train, { count: 2500 }),
    group(neuralchemy_train, { count: 1500 }),
    group(half(letters, 0), { count: 1200, each: 4, doubtful: 4 }),
    group(half(await fitzGov(dir, 'train'), 0), { count: 900, each: 1, doubtful: 1 }),
    group(half(installedCode(), 0), { count: 1500, each: 1, doubtful: 3 }),
    group(sentencesOf(letters), { count: 1000 }),
    group(everyday(), { count: 600 }),
    group(parted(await ifBench(dir), 'train'), { count: 200, each: 3 }),
    group(parted(await claims(dir), 'train'), { count: 300 }),
    group(parted(await customers(dir), 'train'), { count: 200 }),
    group(parted(await smallTalk(dir), 'train'), { count: 400 }),
  ];
}

const some = (corpus: Corpus, count: number): Named => ({
  name: corpus.name,
  texts: sampled(documentsOf(corpus), count, mulberry32(SEED)),
});
const ordersIn = (corpus: Corpus, count: number): Named => ({
  name: corpus.name,
  texts: sampled([...new Set(ordersOf(corpus))], count, mulberry32(SEED)),
});

/** What the sum and the threshold are chosen by: texts of the training parts, of which no sentence was trained on. */
export async function tuning(dir: string): Promise<{ documents: Named[]; orders: Named[] }> {
  return {
    documents: [
      some(half(parted(await mails(dir), 'train'), 1), 300),
      some(half(await fitzGov(dir, 'train'), 1), 300),
      some(half(installedCode(), 1), 150),
    ],
    orders: [
      ordersIn(await slabs(dir, 'validation'), 250),
      ordersIn(await neuralchemy(dir, 'validation'), 250),
    ],
  };
}

/** What is reported: parts that nothing was trained or tuned on, bastioncorpus not even in part. */
export async function asked(dir: string): Promise<{ documents: Named[]; orders: Named[] }> {
  return {
    documents: [
      some(parted(await mails(dir), 'test'), 400),
      some(await fitzGov(dir, 'test'), 400),
      some(ownFiles(), 200),
    ],
    orders: [
      ordersIn(await bastion(dir), 200),
      ordersIn(await slabs(dir, 'test'), 400),
      ordersIn(await neuralchemy(dir, 'test'), 400),
    ],
  };
}
