import { writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { HARM_TOPICS, type HarmTopic, harmClassifier } from '../../packages/safety/src/classifier/harm.ts';
import { injectionScore } from '../../packages/safety/src/guard/index.ts';
import { rulesIn } from '../../packages/safety/src/rules/rules.ts';
import { ORDINARY } from '../../packages/safety/test/ordinary.ts';
import { bootstrapFigure, quantile } from '../stats.ts';
import { contrasts, type HarmCorpus, type Harmful, strongReject } from './harm-parts.ts';
import { harmfulParts, harmlessParts } from './harm-training.ts';
import { orders } from './orders.ts';
import { askPeer } from './peers.ts';
import { ownFiles } from './plain-texts.ts';

/**
 * How much of what means harm the classifier finds, by corpus and category, and how much it takes for harm that means
 * none, beside the rules and what others have; and how long a text takes.
 * `node bench/safety/harm.ts [--corpora <folder>] [--out bench/safety/harm.json]`
 */
const { values } = parseArgs({
  options: { corpora: { type: 'string', default: join(tmpdir(), 'mcp-corpora') }, out: { type: 'string' } },
});
const dir = values.corpora;
const PEERS = ['forcefield 0.8.0', 'ai-injection-guard 0.3.0', 'alt-profanity-check 1.9.1'] as const;
/** Harmless texts of a corpus that peers are asked about. */
const MAX_PEER_TEXTS = 200;
const DRAWS = 500;
const PASSES = 3;

const round = (value: number) => Number(value.toFixed(4));

function shareOf(flags: readonly boolean[]) {
  const { value, low, high } = bootstrapFigure(
    flags.length,
    (at) => at.filter((one) => flags[one] === true).length / at.length,
    DRAWS,
  );
  return { texts: flags.length, share: round(value), low: round(low), high: round(high) };
}

const classifier = harmClassifier();
const { thresholds } = classifier.card;
const means = ({ topics }: Harmful) => topics === undefined || topics.length > 0;
const byRules = (text: string) =>
  rulesIn(text).some(({ category }) => category !== 'prompt-injection' && category !== 'jailbreak');
const byClassifier = (text: string) => classifier.harm(text).score > thresholds.question.flag;
const answered = (text: string) => classifier.harm(text).score > thresholds.answer.flag;

/** The category that is told first. */
function first(text: string): HarmTopic {
  const shares = classifier.topics(text, classifier.harm(text).from);
  return HARM_TOPICS[shares.indexOf(Math.max(...shares))] ?? 'illicit';
}

interface Group extends Omit<HarmCorpus, 'texts'> {
  readonly texts: readonly Harmful[];
}

const named = (corpus: HarmCorpus, ending: string, keep: (one: Harmful) => boolean): Group => ({
  ...corpus,
  name: `${corpus.name}${ending}`,
  texts: corpus.texts.filter(keep),
});

const tests = await harmfulParts(dir, 'test');
const asked = tests.filter(({ name }) => name !== 'rated answers');
const known = asked.filter(({ name }) => name !== 'ToxiGen').map((one) => named(one, '', means));
const answers = [
  ...tests.filter(({ name }) => name === 'rated answers'),
  ...(await contrasts(dir)).filter(({ name }) => name.endsWith('answers')),
];
const heldOut = [
  ...(await strongReject(dir)),
  ...(await contrasts(dir)).filter(({ name }) => !name.endsWith('answers')),
];
const plain = ({ texts, ...corpus }: ReturnType<typeof orders>): HarmCorpus => ({
  ...corpus,
  texts: texts.map(({ text }) => ({ text, topics: [] })),
});
const ordinary = ORDINARY.map((text) => ({ text, topics: [] }));
const harmlessTests = await harmlessParts(dir, 'test');
const harmless: HarmCorpus[] = [
  ...harmlessTests,
  plain(orders()),
  plain(ownFiles()),
  {
    name: 'ordinary sentences',
    version: 'packages/safety/test/ordinary.ts',
    licence: 'of this repository',
    part: 'all',
    texts: ordinary,
  },
];

/** Of the questions of the tests whose category is known; the sentences of ToxiGen are no questions. */
function byCategory(): object {
  const texts = known.flatMap((corpus) => corpus.texts);
  return Object.fromEntries(
    HARM_TOPICS.flatMap((topic) => {
      const own = texts.filter(({ topics }) => topics?.includes(topic) === true);
      if (own.length === 0) return [];
      const right = ({ text, topics }: Harmful) =>
        byClassifier(text) && topics?.includes(first(text)) === true;
      return [
        [
          topic,
          {
            rules: shareOf(own.map(({ text }) => byRules(text))),
            classifier: shareOf(own.map(({ text }) => byClassifier(text))),
            either: shareOf(own.map(({ text }) => byRules(text) || byClassifier(text))),
            right_category: shareOf(own.map(right)),
          },
        ],
      ];
    }),
  );
}

function figuresOf({ texts, ...corpus }: Group, found: (text: string) => boolean): object {
  const right = texts.filter(({ topics }) => (topics?.length ?? 0) > 0);
  return {
    ...corpus,
    rules: shareOf(texts.map(({ text }) => byRules(text))),
    classifier: shareOf(texts.map(({ text }) => found(text))),
    either: shareOf(texts.map(({ text }) => byRules(text) || found(text))),
    ...(right.length === 0
      ? {}
      : {
          right_category: shareOf(
            right.map(({ text, topics }) => found(text) && topics?.includes(first(text)) === true),
          ),
        }),
  };
}

/** Recall of questions where that share of the harmless tests, each corpus counting as much, is flagged. */
function recallAt(share: number, groups: readonly Group[]): object {
  const others = harmlessTests.flatMap(({ texts }, _, all) =>
    texts.map(({ text }) => ({ score: classifier.harm(text).score, share: 1 / texts.length / all.length })),
  );
  let sum = 0;
  const threshold =
    others
      .sort((a, b) => b.score - a.score)
      .find((one) => {
        sum += one.share;
        return sum > share;
      })?.score ?? 0;
  const texts = groups.flatMap((group) => group.texts);
  return {
    threshold: round(threshold),
    ...shareOf(texts.map(({ text }) => classifier.harm(text).score > threshold)),
  };
}

async function peers(): Promise<object> {
  const groups = [...asked.map((one) => named(one, '', means)), ...heldOut, ...harmless.map(thinned)];
  const texts = [...new Set(groups.flatMap((group) => group.texts.map(({ text }) => text.slice(0, 4000))))];
  const out: Record<string, object> = {};
  for (const peer of PEERS) {
    const { flagged, p50_ms } = await askPeer(peer, texts, dir);
    const flags = new Map(texts.map((text, at) => [text, flagged[at] === true]));
    out[peer] = {
      p50_ms: round(p50_ms),
      flagged: Object.fromEntries(
        groups.map((group) => [
          group.name,
          shareOf(group.texts.map(({ text }) => flags.get(text.slice(0, 4000)) === true)),
        ]),
      ),
    };
  }
  return out;
}

function thinned(corpus: HarmCorpus): HarmCorpus {
  const step = Math.max(1, Math.ceil(corpus.texts.length / MAX_PEER_TEXTS));
  return { ...corpus, texts: corpus.texts.filter((_, at) => at % step === 0) };
}

/** Rules and both classifiers of one question. */
function timeOf(texts: readonly string[]): object {
  const work = (text: string) => [rulesIn(text), injectionScore(text), classifier.harm(text)];
  for (const text of texts.slice(0, 500)) work(text);
  // The least of some, as others use the machine too.
  const times = texts.map((text) =>
    Math.min(
      ...Array.from({ length: PASSES }, () => {
        const since = performance.now();
        work(text);
        return performance.now() - since;
      }),
    ),
  );
  return { texts: texts.length, p50_ms: round(quantile(times, 0.5)), p99_ms: round(quantile(times, 0.99)) };
}

const ours = heldOut.filter(
  ({ name }) => name.startsWith('StrongREJECT') && !name.includes('disinformation'),
);
const pool = (name: string, groups: readonly Group[]): Group => ({
  name,
  version: '',
  licence: '',
  part: '',
  texts: groups.flatMap(({ texts }) => texts),
});
const everything = [...asked, ...heldOut, ...harmless].flatMap(({ texts }) => texts.map(({ text }) => text));
const result = {
  machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
  thresholds,
  tests: asked.map((one) => figuresOf(named(one, '', means), byClassifier)),
  tests_together: figuresOf(pool('Do-Not-Answer, HarmBench, AdvBench', known), byClassifier),
  by_category: byCategory(),
  held_out: [...heldOut, pool('StrongREJECT without disinformation', ours)].map((one) =>
    figuresOf(one, byClassifier),
  ),
  recall_at_2_percent: { tests: recallAt(0.02, known), held_out: recallAt(0.02, ours) },
  harmless: harmless.map((one) => figuresOf(one, byClassifier)),
  answers: [
    ...answers.map((one) => named(one, ', those that mean harm', means)),
    ...answers.map((one) => named(one, ', those that mean none', (text) => !means(text))),
  ]
    .filter(({ texts }) => texts.length > 0)
    .map((one) => figuresOf(one, answered)),
  peers: await peers(),
  time: timeOf(everything.filter(({ length }) => length <= 4000)),
};
const text = `${JSON.stringify(result, null, 2)}\n`;
if (values.out === undefined) process.stdout.write(text);
else writeFileSync(values.out, text);
