import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createGuard, Findings, quarantine } from '@mcp/safety/guard';
import { bootstrapFigure, mulberry32 } from '../stats.ts';
import { bastion, fitzGov, neuralchemy, parted, slabs } from './corpora.ts';
import { documentsOf, hidden, ordersOf, pick } from './hiding.ts';
import { mails } from './plain-corpora.ts';
import { ownFiles } from './plain-texts.ts';

/**
 * Orders to a model hidden in documents, as tools give them: how many are taken out, and how many documents lose
 * something without one. `node bench/safety/hidden.ts [--corpora <folder>] [--out bench/safety/hidden.json]`
 */
const { values } = parseArgs({
  options: { corpora: { type: 'string', default: join(tmpdir(), 'mcp-corpora') }, out: { type: 'string' } },
});
const dir = values.corpora;
const DOCUMENTS = 500;
const random = mulberry32(31);
const guard = createGuard({
  mode: 'enforce',
  moderate: 'flag',
  classifier: 'flag',
  allow: { categories: [], texts: [] },
});

const loses = (content: string) => {
  const findings = new Findings();
  quarantine(guard, [{ role: 'tool', tool_call_id: 'c', content }], findings);
  return findings.verdict?.action === 'quarantined';
};

const round = (value: number) => Number(value.toFixed(4));
function share(texts: readonly string[]) {
  const lost = texts.map(loses);
  const { value, low, high } = bootstrapFigure(
    lost.length,
    (picked) => picked.filter((at) => lost[at] === true).length / picked.length,
    500,
  );
  return { documents: texts.length, quarantined: round(value), interval: [round(low), round(high)] };
}

const letters = documentsOf(parted(await mails(dir), 'test'));
const passages = documentsOf(await fitzGov(dir, 'test'));
const some = (list: readonly string[]) => Array.from({ length: DOCUMENTS }, () => pick(list, random));
const orders = {
  bastioncorpus: ordersOf(await bastion(dir)),
  's-labs, test': ordersOf(await slabs(dir, 'test')),
  'neuralchemy, test': ordersOf(await neuralchemy(dir, 'test')),
};
const result = {
  harmless: {
    'spam-assassin, 3 of 10': share(letters),
    'fitz-gov, other half': share(passages),
    "this repository's files": share(documentsOf(ownFiles())),
  },
  hidden: Object.fromEntries(
    Object.entries(orders).flatMap(([name, list]) => [
      [
        `${name}, in mails`,
        share(some(letters).map((document) => hidden(document, pick(list, random), random))),
      ],
      [
        `${name}, in passages`,
        share(some(passages).map((document) => hidden(document, pick(list, random), random))),
      ],
    ]),
  ),
};
const text = `${JSON.stringify(result, null, 2)}\n`;
if (values.out === undefined) process.stdout.write(text);
else writeFileSync(values.out, text);
