import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createGuard, Findings, quarantine, quarantineOutliers, type VectorsOf } from '@mcp/safety/guard';
import { injectionClassifier } from '../../packages/safety/src/classifier/classifier.ts';
import { type Head, headOf, injectionHead } from '../../packages/safety/src/embeddings/head.ts';
import { phrasesIn, ruleOf } from '../../packages/safety/src/rules/rules.ts';
import { openModels } from '../arbitration/models.ts';
import { bootstrapFigure, quantile } from '../stats.ts';
import { DIMENSIONS, type Ground, hidings, textsOf, trainHead, weighed, worstOf } from './head-training.ts';
import { asked, type Named } from './sentence-parts.ts';
import { openVectors } from './vectors.ts';

/**
 * Orders to a model hidden in documents, with the embeddings of sentences and without: at the thresholds that the
 * package ships, where as many harmless documents lose something, and of corpora that nothing was trained on.
 * `node bench/safety/outliers.ts [--corpora <folder>] [--out bench/safety/outliers.json]`
 */
const { values } = parseArgs({
  options: { corpora: { type: 'string', default: join(tmpdir(), 'mcp-corpora') }, out: { type: 'string' } },
});
const dir = values.corpora;
const HIDDEN_DOCUMENTS = 400;
const TIMED_DOCUMENTS = 100;

const round = (value: number) => Number(value.toFixed(4));
const guard = createGuard({
  mode: 'enforce',
  moderate: 'flag',
  classifier: 'flag',
  allow: { categories: [], texts: [] },
});
const vectors = openVectors(dir, DIMENSIONS);
const shipped: Ground = { vectors, classifier: injectionClassifier() };
const test = await asked(dir);

/** Documents by what hides in them and in what. */
const sets: Named[] = test.orders.flatMap((orders) =>
  test.documents.slice(0, 2).map((documents) => ({
    name: `${orders.name}, in ${documents.name}`,
    texts: hidings({ documents: [documents], orders: [orders] }, HIDDEN_DOCUMENTS).map(
      ({ document }) => document,
    ),
  })),
);
const all = [...test.documents, ...sets];
await vectors.prepare(all.flatMap(({ texts }) => textsOf(texts, shipped.classifier)));

const kept: VectorsOf = async (_, texts) => texts.map((text) => vectors.of(text));

/** What is left of a document, by the stages that the gateway has. */
async function left(content: string, vectorsOf: VectorsOf | undefined): Promise<boolean> {
  const findings = new Findings();
  const by_sentence = quarantine(guard, [{ role: 'tool', tool_call_id: 'c', content }], findings);
  // What a sentence was taken out of counts, whatever else is in it.
  if (vectorsOf !== undefined && findings.verdict === undefined)
    await quarantineOutliers(guard, by_sentence, { findings, vectorsOf });
  return findings.verdict?.action === 'quarantined';
}

function share(flags: readonly boolean[]): object {
  const of = (picked: readonly number[]) => picked.filter((at) => flags[at] === true).length / picked.length;
  const { value, low, high } = bootstrapFigure(flags.length, of, 500);
  return { documents: flags.length, share: round(value), interval: [round(low), round(high)] };
}

async function asShipped(): Promise<object> {
  const out: Record<string, object> = {};
  for (const { name, texts } of all) {
    const without: boolean[] = [];
    const with_embeddings: boolean[] = [];
    for (const text of texts) {
      without.push(await left(text, undefined));
      with_embeddings.push(await left(text, kept));
    }
    out[name] = { sentences: share(without), sentences_and_embeddings: share(with_embeddings) };
  }
  return out;
}

const givesOrders = (text: string) =>
  [...phrasesIn(text)].some((phrase) => ['prompt-injection', 'jailbreak'].includes(ruleOf(phrase).category));

/** Share of the hidden orders that is found where 2 % of the harmless documents of the test lose something. */
function atTwoPercent(ground: Ground, head: Head, names: readonly string[]): object {
  const detectors = {
    sentences: (text: string) => (givesOrders(text) ? 1 : ground.classifier.sentenceScore(text)),
    embeddings: (text: string) => worstOf(head, weighed(text, ground)),
  };
  const scores = new Map(
    Object.entries(detectors).map(([detector, score]) => [
      detector,
      new Map(all.map(({ name, texts }) => [name, texts.map(score)])),
    ]),
  );
  const of = (detector: string, name: string) => scores.get(detector)?.get(name) ?? [];
  const threshold = (detector: string, lost: number) => {
    const plain = test.documents.flatMap(({ name }) => of(detector, name)).sort((a, b) => b - a);
    return plain[Math.floor(plain.length * lost)] ?? 1;
  };
  const single = { sentences: threshold('sentences', 0.02), embeddings: threshold('embeddings', 0.02) };
  const flagsOf = (detector: string, name: string, limit: number) =>
    of(detector, name).map((score) => score > limit);
  const both = bothAt(flagsOf, threshold, test.documents);
  return Object.fromEntries(
    sets
      .filter(({ name }) => names.some((begin) => name.startsWith(begin)))
      .map(({ name }) => [
        name,
        {
          sentences: share(flagsOf('sentences', name, single.sentences)),
          embeddings: share(flagsOf('embeddings', name, single.embeddings)),
          sentences_and_embeddings: share(both(name)),
        },
      ]),
  );
}

/** Each stage lets as many harmless documents lose something, so many that together they are 2 %. */
function bothAt(
  flagsOf: (detector: string, name: string, limit: number) => readonly boolean[],
  threshold: (detector: string, lost: number) => number,
  documents: readonly Named[],
): (name: string) => readonly boolean[] {
  const flags = (name: string, lost: number) => {
    const embedded = flagsOf('embeddings', name, threshold('embeddings', lost));
    return flagsOf('sentences', name, threshold('sentences', lost)).map(
      (one, at) => one || embedded[at] === true,
    );
  };
  let lost = 0.02;
  for (; lost > 0.001; lost -= 0.0005) {
    const plain = documents.flatMap(({ name }) => flags(name, lost));
    if (plain.filter(Boolean).length <= plain.length * 0.02) break;
  }
  return (name) => flags(name, lost);
}

/** The same without a corpus in any training or tuning: what to expect of orders of another making. */
async function leftOut(name: string): Promise<object> {
  const { card, weights, ground } = await trainHead(dir, vectors, [name]);
  await vectors.prepare(
    textsOf(
      all.flatMap((one) => one.texts),
      ground.classifier,
    ),
  );
  return atTwoPercent(ground, headOf(card, weights), [name]);
}

/** Of documents as they come, embedded here and now: the time that the stage adds to the first sight of one. */
async function timed(): Promise<object> {
  const models = await openModels([]);
  await models.embed(['warm']);
  const times: number[] = [];
  let sentences = 0;
  for (const text of test.documents.flatMap(({ texts }) => texts.slice(-TIMED_DOCUMENTS / 2))) {
    const marked = `${text} `;
    const since = performance.now();
    await left(marked, async (_, texts) => {
      sentences += texts.length;
      return models.embed(texts);
    });
    times.push(performance.now() - since);
  }
  await models.close();
  return {
    documents: times.length,
    sentences_per_document: round(sentences / times.length),
    p50_ms: round(quantile(times, 0.5)),
    p95_ms: round(quantile(times, 0.95)),
  };
}

const result = {
  head: { threshold: injectionHead().card.threshold, combined: injectionHead().card.combined },
  as_shipped: await asShipped(),
  at_2_percent: atTwoPercent(
    shipped,
    injectionHead(),
    test.orders.map(({ name }) => name),
  ),
  left_out: { 's-labs': await leftOut('s-labs'), neuralchemy: await leftOut('neuralchemy') },
  time: await timed(),
};
const text = `${JSON.stringify(result, null, 2)}\n`;
if (values.out === undefined) process.stdout.write(text);
else writeFileSync(values.out, text);
