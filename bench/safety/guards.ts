/**
 * Small guard models whose weights a registry package carries, on the questions that no model should answer and on
 * harmless texts: whether one of them could be the moderation stage.
 * `node bench/safety/guards.ts [--corpora <folder>] [--out bench/safety/guards.json]`
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bootstrapFigure } from '../stats.ts';
import { type Corpus, fitzGov } from './corpora.ts';
import { advBench, doNotAnswer, harmBench } from './harm-corpora.ts';
import { askPeer } from './peers.ts';
import { mails, smallTalk } from './plain-corpora.ts';

const { values } = parseArgs({
  options: { corpora: { type: 'string', default: join(tmpdir(), 'mcp-corpora') }, out: { type: 'string' } },
});
const dir = values.corpora;
const MAX_HARMLESS = 1500;
const GUARDS = ['alt-profanity-check 1.9.1'] as const;

function shareOf(flags: readonly boolean[]) {
  const { value, low, high } = bootstrapFigure(
    flags.length,
    (at) => at.filter((one) => flags[one] === true).length / at.length,
    500,
  );
  const round = (one: number) => Number(one.toFixed(3));
  return { texts: flags.length, flagged: round(value), low: round(low), high: round(high) };
}

function harmlessOf({ name, texts }: Corpus) {
  const plain = texts.filter(({ attack }) => !attack).map(({ text }) => text.slice(0, 4000));
  // Evenly over the corpus.
  const every = Math.max(1, Math.ceil(plain.length / MAX_HARMLESS));
  return { name: `harmless: ${name}`, texts: plain.filter((_, at) => at % every === 0) };
}

const groups = [
  ...(await doNotAnswer(dir)),
  await harmBench(dir),
  await advBench(dir),
  harmlessOf(await fitzGov(dir, 'test')),
  harmlessOf(await mails(dir)),
  harmlessOf(await smallTalk(dir)),
].map(({ name, texts }) => ({ name, texts }));
const result: Record<string, object> = {};
for (const guard of GUARDS) {
  const { flagged, p50_ms } = await askPeer(
    guard,
    groups.flatMap(({ texts }) => texts),
    dir,
  );
  let from = 0;
  const figures: Record<string, object> = {};
  for (const { name, texts } of groups) {
    figures[name] = shareOf(flagged.slice(from, from + texts.length));
    from += texts.length;
  }
  result[guard] = { p50_ms: Number(p50_ms.toFixed(2)), figures };
}
const text = `${JSON.stringify({ at: new Date().toISOString(), node: process.version, guards: result }, null, 2)}\n`;
if (values.out === undefined) process.stdout.write(text);
else writeFileSync(values.out, text);
