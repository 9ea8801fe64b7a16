/**
 * Records what the two embedded models answer to the golden set, each alone, with the log probability of each token.
 * `node bench/adaptive/record.ts --corpus <fitz_gov/data> [--out bench/adaptive/answers.jsonl]`
 * What is there already is not asked again.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { hashOf, LARGE, openModels, SMALL } from '../arbitration/models.ts';
import { messagesOf, type Row, readRows } from './answers.ts';
import { goldenSet, type Item } from './golden.ts';

const { values } = parseArgs({
  options: {
    corpus: { type: 'string' },
    out: { type: 'string', default: join(import.meta.dirname, 'answers.jsonl') },
  },
});
if (values.corpus === undefined)
  throw new Error('--corpus must name the folder fitz_gov/data of fitz-gov 4.1.0');
const rows = existsSync(values.out) ? readRows(values.out) : [];
const models = await openModels([SMALL, LARGE]);

async function record(item: Item, model: string): Promise<void> {
  const started_ms = performance.now();
  const row: Row = {
    id: item.id,
    model,
    weights_sha256: hashOf(model).slice(0, 16),
    text: '',
    finish: '',
    input_tokens: 0,
    output_tokens: 0,
    logprobs: [],
    duration_ms: 0,
  };
  const events = models.stream({
    model,
    messages: messagesOf(item),
    stream: true,
    max_tokens: item.max_tokens,
    temperature: 0,
    logprobs: true,
  });
  for await (const event of events) {
    if (event.type === 'text') {
      row.text += event.text;
      row.logprobs.push(...(event.logprobs ?? []).map(({ logprob }) => Number(logprob.toFixed(3))));
    } else if (event.type === 'finish') row.finish = event.reason.unified;
    else if (event.type === 'usage') {
      row.input_tokens = event.usage.input_tokens;
      row.output_tokens = event.usage.output_tokens;
    }
  }
  row.duration_ms = Math.round(performance.now() - started_ms);
  appendFileSync(values.out, `${JSON.stringify(row)}\n`);
  process.stderr.write(`${item.id} ${model}: ${item.right(row.text) ? 'right' : 'wrong'}, ${row.text}\n`);
}

for (const item of goldenSet(values.corpus))
  for (const model of [SMALL, LARGE])
    if (!rows.some((row) => row.id === item.id && row.model === model)) await record(item, model);
await models.close();
