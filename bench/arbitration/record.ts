/**
 * Records what the two embedded models answer to short items of the corpus, each alone as in mode `answer`, and with
 * `--refine` the refinement turns that the arbitration then asks for.
 * `node bench/arbitration/record.ts --corpus <fitz_gov/data> [--disputed 62] [--agreed 20] [--refine] [--part dev --out …]`
 * What is there already is not asked again.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ChatMessage } from '@mcp/contracts';
import { MAX_TOKENS, messagesFor, type Row, readRows, settled } from './candidates.ts';
import { type Item, MAX_CHARS, readCorpus, shortItems } from './corpus.ts';
import { hashOf, LARGE, openModels, SMALL } from './models.ts';

const { values } = parseArgs({
  options: {
    corpus: { type: 'string' },
    disputed: { type: 'string', default: '62' },
    agreed: { type: 'string', default: '20' },
    part: { type: 'string', default: 'test' },
    refine: { type: 'boolean', default: false },
    out: { type: 'string', default: join(import.meta.dirname, 'answers.jsonl') },
  },
});
if (values.corpus === undefined)
  throw new Error('--corpus must name the folder fitz_gov/data of fitz-gov 4.1.0');
const part = values.part === 'dev' ? 'dev' : 'test';
const short = shortItems(readCorpus(values.corpus), MAX_CHARS, part);
const items = [
  ...short.filter(({ disputed }) => disputed).slice(0, Number(values.disputed)),
  ...short.filter(({ disputed }) => !disputed).slice(0, Number(values.agreed)),
];
const rows = existsSync(values.out) ? readRows(values.out) : [];
const models = await openModels([SMALL, LARGE]);

function found(item: Item, model: string): Row | undefined {
  return rows.find((row) => row.id === item.id && row.model === model && row.turn === 'first');
}

async function record(
  item: Item,
  turn: Pick<Row, 'model' | 'turn' | 'asked_sha256'>,
  messages: readonly ChatMessage[],
) {
  const answer = await models.ask(turn.model, messages, MAX_TOKENS);
  const weights_sha256 = hashOf(turn.model).slice(0, 16);
  const row = { id: item.id, ...turn, weights_sha256, max_tokens: MAX_TOKENS, ...answer };
  appendFileSync(values.out, `${JSON.stringify(row)}\n`);
  process.stderr.write(
    `${item.id} ${turn.model} ${answer.output_tokens} tokens in ${answer.duration_ms} ms\n`,
  );
}

for (const item of items) {
  if (!values.refine) {
    for (const model of [SMALL, LARGE])
      if (found(item, model) === undefined) await record(item, { model, turn: 'first' }, messagesFor(item));
    continue;
  }
  const said = [found(item, LARGE), found(item, SMALL)].flatMap((row) => row ?? []);
  if (said.length < 2) continue;
  const { refinement, refined } = await settled(item, said, {
    embed: models.embed,
    recorded: ({ asked_sha256 }) =>
      rows.find((row) => row.id === item.id && row.asked_sha256 === asked_sha256),
  });
  if (refinement === undefined || refined !== undefined) continue;
  const { model, brief, asked_sha256 } = refinement;
  await record(item, { model, turn: 'refinement', asked_sha256 }, messagesFor(item, brief));
}
await models.close();
