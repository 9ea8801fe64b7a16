import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { harmClassifier } from '../../packages/safety/src/classifier/harm.ts';
import { oneLine } from '../../packages/safety/src/embeddings/doubtful.ts';
import { createGuard, Findings, weighQuestion } from '../../packages/safety/src/guard/index.ts';
import { ORDINARY } from '../../packages/safety/test/ordinary.ts';
import { bootstrapFigure } from '../stats.ts';
import { thinned } from './harm-head.ts';
import { contrasts, type HarmCorpus, strongReject } from './harm-parts.ts';
import { harmfulParts, harmlessParts } from './harm-training.ts';
import { orders } from './orders.ts';
import { openVectors } from './vectors.ts';

/**
 * What the embedding of a question adds to its words, and how many questions it is asked for.
 * `node bench/safety/harm-meaning.ts [--corpora <folder>] [--vectors <folder>] [--out bench/safety/harm-meaning.json]`
 */
const { values } = parseArgs({
  options: {
    corpora: { type: 'string', default: join(tmpdir(), 'mcp-corpora') },
    vectors: { type: 'string' },
    out: { type: 'string' },
  },
});
const dir = values.corpora;
const vectors = openVectors(values.vectors ?? dir, 384);
/** Harmless texts of a corpus. */
const MAX_HARMLESS = 250;
const DRAWS = 500;
const guard = createGuard({
  mode: 'enforce',
  moderate: 'flag',
  classifier: 'flag',
  allow: { categories: [], texts: [] },
});

interface Told {
  readonly words: boolean;
  readonly asked: boolean;
  readonly embedding: boolean;
}

async function told(text: string): Promise<Told> {
  const { card, harm } = harmClassifier();
  const words = harm(text).score > card.thresholds.question.flag;
  const findings = new Findings();
  let asked = false;
  await weighQuestion(guard, [{ role: 'user', content: text }], {
    findings,
    vectorsOf: (_, texts) => {
      asked = true;
      return Promise.resolve(texts.map((one) => vectors.of(one)));
    },
  });
  return { words, asked, embedding: findings.verdict !== undefined };
}

function shareOf(flags: readonly boolean[]) {
  const { value, low, high } = bootstrapFigure(
    flags.length,
    (at) => at.filter((one) => flags[one] === true).length / at.length,
    DRAWS,
  );
  const round = (one: number) => Number(one.toFixed(4));
  return { texts: flags.length, share: round(value), low: round(low), high: round(high) };
}

async function figuresOf(name: string, texts: readonly string[]) {
  const all = await Promise.all(texts.map(told));
  return {
    name,
    words: shareOf(all.map(({ words }) => words)),
    words_and_embedding: shareOf(all.map(({ words, embedding }) => words || embedding)),
    asked_for: shareOf(all.map(({ asked }) => asked)),
  };
}

const textsOf = (corpora: readonly HarmCorpus[], keep = (_: HarmCorpus) => true) =>
  corpora
    .filter(keep)
    .flatMap(({ texts }) => texts.flatMap(({ text, topics }) => (topics?.length === 0 ? [] : [text])));

const tests = (await harmfulParts(dir, 'test')).filter(
  ({ name }) => name !== 'rated answers' && name !== 'ToxiGen',
);
const strong = (await strongReject(dir)).filter(({ name }) => !name.includes('disinformation'));
const pairs = (await contrasts(dir)).filter(({ name }) => !name.endsWith('answers'));
const plain = (await harmlessParts(dir, 'test')).map((one) => thinned(one, MAX_HARMLESS));
const groups: (readonly [string, readonly string[]])[] = [
  ...tests.map((one) => [one.name, textsOf([one])] as const),
  ['these together', textsOf(tests)],
  ...strong.map((one) => [one.name, textsOf([one])] as const),
  ['StrongREJECT without disinformation', textsOf(strong)],
  ...pairs.map(({ name, texts }) => [name, texts.map(({ text }) => text)] as const),
  ...plain.map(({ name, texts }) => [name, texts.map(({ text }) => text)] as const),
  ['harmless tests together', plain.flatMap(({ texts }) => texts.map(({ text }) => text))],
  ['short orders', orders().texts.map(({ text }) => text)],
  ['ordinary sentences', ORDINARY],
];
await vectors.prepare(groups.flatMap(([, texts]) => texts.map(oneLine)));
const figures: object[] = [];
for (const [name, texts] of groups) figures.push(await figuresOf(name, texts));
const text = `${JSON.stringify({ figures }, null, 2)}\n`;
if (values.out === undefined) process.stdout.write(text);
else writeFileSync(values.out, text);
