/**
 * What the arbitration finds and mends on labelled contradictions, over recorded answers of the two embedded models.
 * `node bench/arbitration/run.ts --corpus <fitz_gov/data> [--live 2] [--out bench/arbitration/result.json]`
 * The weights must be there (`node packages/assets/src/cli.ts standard`); the corpus is the folder `fitz_gov/data` of the
 * unpacked wheel fitz-gov 4.1.0.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bootstrapFigure } from '../stats.ts';
import {
  type Embed,
  MAX_TOKENS,
  messagesFor,
  type Row,
  readRows,
  type Settled,
  settled,
  TERMS,
} from './candidates.ts';
import { type Item, MAX_CHARS, readCorpus, shortItems } from './corpus.ts';
import { detectorFigures } from './detector.ts';
import { LARGE, type Models, openModels, SMALL } from './models.ts';
import { sideOf } from './sides.ts';

const { values } = parseArgs({
  options: {
    corpus: { type: 'string' },
    live: { type: 'string', default: '0' },
    out: { type: 'string' },
  },
});
if (values.corpus === undefined)
  throw new Error('--corpus must name the folder fitz_gov/data of fitz-gov 4.1.0');

interface Trial extends Settled {
  readonly item: Item;
  readonly large: Row;
  readonly small: Row;
}

/** Undefined: not all of it is recorded. */
async function tryItem(item: Item, rows: readonly Row[], embed: Embed): Promise<Trial | undefined> {
  const of = rows.filter(({ id }) => id === item.id);
  const first = (model: string) => of.find((row) => row.model === model && row.turn === 'first');
  const large = first(LARGE);
  const small = first(SMALL);
  if (large === undefined || small === undefined) return undefined;
  const recorded = ({ asked_sha256 }: { asked_sha256: string }) =>
    of.find((row) => row.asked_sha256 === asked_sha256);
  const way = await settled(item, [large, small], { embed, recorded });
  return way.refinement !== undefined && way.refined === undefined
    ? undefined
    : { item, large, small, ...way };
}

/** An answer to contradicting sources that does not tell both sides. */
function isResidual(text: string, item: Item): number {
  return sideOf(text, item) === 'both' ? 0 : 1;
}

function tokens(rows: readonly (Row | undefined)[]): number {
  return rows.reduce((sum, row) => sum + (row === undefined ? 0 : row.input_tokens + row.output_tokens), 0);
}

function round(value: number): number {
  return Number(value.toFixed(3));
}

function sum(values_: readonly number[]): number {
  return values_.reduce((total, one) => total + one, 0);
}

/** Residual contradictions of one way to answer against the best single model on the same items, and what it costs. */
function against(trials: readonly Trial[], final: (trial: Trial) => string, spent: (trial: Trial) => number) {
  const before = trials.map(({ large, item }) => isResidual(large.text, item));
  const after = trials.map((trial) => isResidual(final(trial), trial.item));
  const change = bootstrapFigure(trials.length, (picked) => {
    const base = sum(picked.map((at) => before[at] ?? 0));
    return base === 0 ? 0 : sum(picked.map((at) => after[at] ?? 0)) / base - 1;
  });
  const ratio = bootstrapFigure(trials.length, (picked) => {
    const of = (cost: (trial: Trial) => number) =>
      sum(picked.flatMap((at) => (trials[at] === undefined ? [] : [cost(trials[at])])));
    return of(spent) / of(({ large }) => tokens([large]));
  });
  return {
    residual: sum(after),
    change: round(change.value),
    change_low: round(change.low),
    change_high: round(change.high),
    tokens_ratio: round(ratio.value),
    tokens_ratio_low: round(ratio.low),
    tokens_ratio_high: round(ratio.high),
  };
}

function figuresOf(trials: readonly Trial[]) {
  const both = ({ large, small }: Trial) => tokens([large, small]);
  const count = (is: (trial: Trial) => boolean) => trials.filter(is).length;
  return {
    items: trials.length,
    large_alone_residual: sum(trials.map(({ large, item }) => isResidual(large.text, item))),
    small_alone_residual: sum(trials.map(({ small, item }) => isResidual(small.text, item))),
    refinement_turns: count(({ refined }) => refined !== undefined),
    answers_that_quote: count(({ quotes }) => quotes),
    selection: against(trials, ({ selected }) => selected, both),
    arbitration: against(
      trials,
      ({ final }) => final,
      ({ large, small, refined }) => tokens([large, small, refined]),
    ),
  };
}

/** The whole way once more with the models themselves. */
async function live(models: Models, items: readonly Item[]) {
  const results = [];
  for (const item of items) {
    const ask = async (model: string, turn: Row['turn'], messages = messagesFor(item)): Promise<Row> => {
      const answer = await models.ask(model, messages, MAX_TOKENS);
      const finish = answer.finish === 'stop' ? 'stop' : 'length';
      return { id: item.id, model, turn, weights_sha256: '', max_tokens: MAX_TOKENS, ...answer, finish };
    };
    const said = [await ask(LARGE, 'first'), await ask(SMALL, 'first')];
    const { embed } = models;
    const { refinement } = await settled(item, said, { embed, recorded: () => undefined });
    const refined =
      refinement && (await ask(refinement.model, 'refinement', messagesFor(item, refinement.brief)));
    const { trigger, quotes, final } = await settled(item, said, { embed, recorded: () => refined });
    const [large = '', small = ''] = said.map(({ text }) => sideOf(text, item));
    results.push({ id: item.id, trigger: trigger ?? null, large, small, final: sideOf(final, item), quotes });
  }
  return results;
}

const corpus = readCorpus(values.corpus);
const rows = readRows(join(import.meta.dirname, 'answers.jsonl'));
const models = await openModels(Number(values.live) > 0 ? [SMALL, LARGE] : []);
const trials: Trial[] = [];
for (const item of shortItems(corpus, MAX_CHARS)) {
  const trial = await tryItem(item, rows, models.embed);
  if (trial !== undefined) trials.push(trial);
}
const disputed = trials.filter(({ item }) => item.disputed);
const agreed = trials.filter(({ item }) => !item.disputed);
const result = {
  at: new Date().toISOString(),
  node: process.version,
  cpus: cpus().length,
  cpu: cpus()[0]?.model ?? '',
  load_average: round(loadavg()[0] ?? 0),
  corpus: 'fitz-gov 4.1.0 (PyPI, MIT)',
  models: [...new Set(rows.map(({ model, weights_sha256 }) => `${model} ${weights_sha256}`))],
  terms: TERMS,
  detector: detectorFigures(corpus, TERMS.thresholds.contradiction),
  disputed: figuresOf(disputed),
  agreed: figuresOf(agreed),
  live: await live(models, shortItems(corpus, 300).slice(0, Number(values.live))),
};
await models.close();
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
