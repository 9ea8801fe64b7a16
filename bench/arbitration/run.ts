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
import { bootstrapFigure, quantile } from '../stats.ts';
import { arbitrated, MAX_TOKENS, messagesFor, type Row, readRows, TERMS } from './candidates.ts';
import { type Item, MAX_CHARS, questionOf, readCorpus, shortItems } from './corpus.ts';
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

interface Trial {
  readonly item: Item;
  readonly large: Row;
  readonly small: Row;
  readonly selected: Row;
  /** Undefined: none was wanted. */
  readonly trigger: string | undefined;
  readonly refined: Row | undefined;
  /** What stands after the refinement, where one was taken. */
  readonly final: Row;
  readonly wall_ms: number;
  readonly cpu_ms: number;
  /** Of it, what comes after the embedding. */
  readonly compare_cpu_ms: number;
}

/** Scores one item as core does: embed the question and both answers, compare, choose. */
async function tryItem(models: Models, item: Item, rows: readonly Row[]): Promise<Trial | undefined> {
  const row = (model: string, turn: Row['turn']) =>
    rows.find((one) => one.id === item.id && one.model === model && one.turn === turn);
  const large = row(LARGE, 'first');
  const small = row(SMALL, 'first');
  if (large === undefined || small === undefined) return undefined;
  const started_ms = performance.now();
  const started_cpu = process.cpuUsage();
  const vectors = await models.embed([questionOf(item), large.text || '-', small.text || '-']);
  const embedded_cpu = process.cpuUsage();
  const { chosen, trigger } = arbitrated(item, [large, small], vectors);
  const cpu = process.cpuUsage(started_cpu);
  const compared = process.cpuUsage(embedded_cpu);
  const wall_ms = performance.now() - started_ms;
  const refined = trigger === undefined ? undefined : row(LARGE, 'refinement');
  let final = chosen ?? large;
  if (refined !== undefined) {
    const again = await models.embed([questionOf(item), refined.text || '-', small.text || '-']);
    final = arbitrated(item, [refined, small], again).chosen ?? refined;
  }
  const cpu_ms = (cpu.user + cpu.system) / 1000;
  const compare_cpu_ms = (compared.user + compared.system) / 1000;
  return {
    item,
    large,
    small,
    selected: chosen ?? large,
    trigger,
    refined,
    final,
    wall_ms,
    cpu_ms,
    compare_cpu_ms,
  };
}

/** An answer to contradicting sources that does not tell both sides. */
function isResidual({ text }: Row, item: Item): number {
  return sideOf(text, item) === 'both' ? 0 : 1;
}

function tokens(rows: readonly (Row | undefined)[]): number {
  return rows.reduce((sum, row) => sum + (row === undefined ? 0 : row.input_tokens + row.output_tokens), 0);
}

function round(value: number): number {
  return Number(value.toFixed(3));
}

/** Residual contradictions of one way to answer against the best single model, and what it costs. */
function against(trials: readonly Trial[], final: (trial: Trial) => Row, spent: (trial: Trial) => number) {
  const before = trials.map(({ large, item }) => isResidual(large, item));
  const after = trials.map((trial) => isResidual(final(trial), trial.item));
  const change = bootstrapFigure(trials.length, (picked) => {
    const base = picked.reduce((sum, at) => sum + (before[at] ?? 0), 0);
    return base === 0 ? 0 : picked.reduce((sum, at) => sum + (after[at] ?? 0), 0) / base - 1;
  });
  const single = trials.reduce((sum, { large }) => sum + tokens([large]), 0);
  return {
    residual: after.reduce((sum, one) => sum + one, 0),
    change: round(change.value),
    change_low: round(change.low),
    change_high: round(change.high),
    tokens_ratio: round(trials.reduce((sum, trial) => sum + spent(trial), 0) / single),
  };
}

function figuresOf(trials: readonly Trial[]) {
  const both = ({ large, small }: Trial) => tokens([large, small]);
  const spent = ({ large, small, refined }: Trial) => tokens([large, small, refined]);
  const wanted = trials.filter(({ trigger }) => trigger !== undefined);
  const small = trials.map(({ small: row, item }) => isResidual(row, item));
  return {
    items: trials.length,
    extra_turns_wanted: wanted.length,
    extra_turns_recorded: wanted.filter(({ refined }) => refined !== undefined).length,
    large_alone: against(
      trials,
      ({ large }) => large,
      (trial) => tokens([trial.large]),
    ),
    small_alone_residual: small.reduce((sum, one) => sum + one, 0),
    selection: against(trials, ({ selected }) => selected, both),
    arbitration: against(trials, ({ final }) => final, spent),
    refinement_stands: against(trials, ({ refined, selected }) => refined ?? selected, spent),
  };
}

function wantedOf(trials: readonly Trial[]): string {
  return `${trials.filter(({ trigger }) => trigger !== undefined).length} of ${trials.length}`;
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
    const said = [await ask(LARGE, 'first'), await ask(SMALL, 'first')] as const;
    const vectors = await models.embed([questionOf(item), ...said.map(({ text }) => text || '-')]);
    const { trigger, task, verdict } = arbitrated(item, said, vectors);
    const refined =
      task === undefined ? undefined : await ask(LARGE, 'refinement', messagesFor(item, said, task));
    const sides = [...said, ...(refined === undefined ? [] : [refined])].map(({ text }) =>
      sideOf(text, item),
    );
    results.push({ id: item.id, trigger: trigger ?? null, chosen: verdict.chosen, sides });
  }
  return results;
}

const corpus = readCorpus(values.corpus);
const rows = readRows(join(import.meta.dirname, 'answers.jsonl'));
const models = await openModels(Number(values.live) > 0 ? [SMALL, LARGE] : []);
const trials: Trial[] = [];
await models.embed(['The first one wakes the model up.']);
for (const item of shortItems(corpus, MAX_CHARS)) {
  const trial = await tryItem(models, item, rows);
  if (trial !== undefined) trials.push(trial);
}
const answered = trials.filter(({ item }) => item.disputed);
// Recorded in this order: from the first whose extra turn is not recorded on, none is counted.
const open = answered.findIndex(({ trigger, refined }) => trigger !== undefined && refined === undefined);
const disputed = open < 0 ? answered : answered.slice(0, open);
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
  extra_turns_wanted: { disputed: wantedOf(answered), agreed: wantedOf(agreed) },
  overhead: {
    decisions: trials.length,
    wall_p50_ms: round(
      quantile(
        trials.map(({ wall_ms }) => wall_ms),
        0.5,
      ),
    ),
    wall_p95_ms: round(
      quantile(
        trials.map(({ wall_ms }) => wall_ms),
        0.95,
      ),
    ),
    cpu_p50_ms: round(
      quantile(
        trials.map(({ cpu_ms }) => cpu_ms),
        0.5,
      ),
    ),
    cpu_p95_ms: round(
      quantile(
        trials.map(({ cpu_ms }) => cpu_ms),
        0.95,
      ),
    ),
    compare_cpu_p95_ms: round(
      quantile(
        trials.map(({ compare_cpu_ms }) => compare_cpu_ms),
        0.95,
      ),
    ),
  },
  live: await live(models, shortItems(corpus, 300).slice(0, Number(values.live))),
};
await models.close();
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
