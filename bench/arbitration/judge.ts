/**
 * What a judge of an embedded model adds: whether it sees that sources contradict each other, and what becomes of the
 * arbitration over the recorded answers when it is asked, as core asks it.
 * `node bench/arbitration/judge.ts --corpus <fitz_gov/data> --judge smollm2-135m-instruct [--pairs-minutes 3] [--way-minutes 8] [--out …]`
 * The time it may take is not bounded as in core: the figures say how many decisions would have been judged within it.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type CallContext,
  type ChatCompletionRequest,
  type LogprobToken,
  type ModelEvent,
  type ModelGatewayApi,
  ModelInfo,
} from '@mcp/contracts';
import { contradictionQuestion, yesOf } from '@mcp/conversation';
import { createLogger } from '@mcp/service-kit';
import { judge } from '../../apps/core/src/conversations/judge.ts';
import { bootstrapFigure, quantile } from '../stats.ts';
import { MAX_TOKENS, messagesFor, type Row, readRows, type Settled, settled, TERMS } from './candidates.ts';
import { type Item, MAX_CHARS, readCorpus, shortItems } from './corpus.ts';
import { LARGE, openModels, SMALL } from './models.ts';
import { sideOf } from './sides.ts';

const { values } = parseArgs({
  options: {
    corpus: { type: 'string' },
    judge: { type: 'string', default: SMALL },
    'pairs-minutes': { type: 'string', default: '3' },
    'way-minutes': { type: 'string', default: '8' },
    out: { type: 'string' },
  },
});
if (values.corpus === undefined)
  throw new Error('--corpus must name the folder fitz_gov/data of fitz-gov 4.1.0');

const HOUR_MS = 3_600_000;
const models = await openModels([...new Set([LARGE, values.judge])]);
const judgeInfo = ModelInfo.parse({
  id: values.judge,
  backend: 'embedded',
  kind: 'chat',
  owned_by: 'mcp',
  max_context: 4096,
  cost_input_per_mtok_usd: null,
  cost_output_per_mtok_usd: null,
  own: true,
  status: 'ready',
});
/** What the judge read and wrote. */
const used = { calls: 0, tokens: 0 };
const gateway: Pick<ModelGatewayApi, 'models' | 'generate'> = {
  models: () => Promise.resolve([judgeInfo]),
  async *generate(request: ChatCompletionRequest) {
    used.calls++;
    // Core leaves after the first word; what it read is told at the end.
    const events: ModelEvent[] = [];
    for await (const event of models.stream(request)) events.push(event);
    for (const event of events)
      if (event.type === 'usage') used.tokens += event.usage.input_tokens + event.usage.output_tokens;
    yield* events;
  },
};
const call: CallContext = {
  request_id: 'bench',
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  deadline_ms: Date.now() + HOUR_MS,
  principal: { id: 'bench', kind: 'service', name: 'bench', scopes: [] },
  class: 'interactive',
  signal: new AbortController().signal,
};
const deps = {
  kit: { log: createLogger('bench', 'silent') },
  models: gateway as ModelGatewayApi,
  terms: { ...TERMS, judge: { ...TERMS.judge, model: values.judge, timeout_ms: HOUR_MS } },
};

async function firstToken(request: ChatCompletionRequest): Promise<LogprobToken | undefined> {
  let first: LogprobToken | undefined;
  for await (const event of models.stream(request)) if (event.type === 'text') first ??= event.logprobs?.[0];
  return first;
}

/** How sure the judge is that the two sources of an item contradict each other. */
async function sourcesJudged(items: readonly Item[]) {
  const until_ms = Date.now() + Number(values['pairs-minutes']) * 60_000;
  const rows: { disputed: boolean; yes: number }[] = [];
  const took_ms: number[] = [];
  for (const { sources, disputed } of items) {
    if (Date.now() > until_ms) break;
    const [a = '', b = ''] = sources;
    const started_ms = performance.now();
    const messages = contradictionQuestion(a, b);
    const asked = { model: values.judge, messages, stream: true, max_tokens: 1, temperature: 0 };
    const yes = yesOf(await firstToken({ ...asked, logprobs: true, top_logprobs: 20 }));
    took_ms.push(performance.now() - started_ms);
    if (yes !== undefined) rows.push({ disputed, yes });
  }
  const share = (disputed: boolean) => {
    const flags = rows.filter((row) => row.disputed === disputed).map(({ yes }) => yes > 0.5);
    return `${flags.filter(Boolean).length} of ${flags.length}`;
  };
  const auc = bootstrapFigure(rows.length, (at) => aucOf(at.flatMap((one) => rows[one] ?? [])));
  return {
    pairs: rows.length,
    auc: rounded(auc),
    said_yes_of_disputes: share(true),
    said_yes_of_agreeing: share(false),
    call_ms_p50: Math.round(quantile(took_ms, 0.5)),
  };
}

/** The chance that a dispute gets more than an agreement; one half where one of them is missing. */
function aucOf(rows: readonly { disputed: boolean; yes: number }[]): number {
  const of = (disputed: boolean) => rows.filter((row) => row.disputed === disputed).map(({ yes }) => yes);
  const [high, low] = [of(true), of(false)];
  if (high.length === 0 || low.length === 0) return 0.5;
  const wins = high.map((a) => low.reduce((sum, b) => sum + (a > b ? 1 : a === b ? 0.5 : 0), 0));
  return wins.reduce((sum, one) => sum + one, 0) / (high.length * low.length);
}

interface Trial {
  readonly item: Item;
  readonly plain: string;
  readonly judged: string;
  readonly contradictions: readonly [before: number, after: number];
  readonly large_tokens: number;
  readonly plain_tokens: number;
  readonly judged_tokens: number;
  readonly calls: number;
  readonly judge_ms: number;
  readonly live_turn: boolean;
}

/** The same recorded answers with and without the judge. A turn that only the judge brings about is taken now. */
async function tryItem(item: Item, rows: readonly Row[]): Promise<Trial | undefined> {
  const of = rows.filter(({ id }) => id === item.id);
  const large = of.find(({ model, turn }) => model === LARGE && turn === 'first');
  const small = of.find(({ model, turn }) => model === SMALL && turn === 'first');
  if (large === undefined || small === undefined) return undefined;
  const kept = (asked: string) => of.find(({ asked_sha256 }) => asked_sha256 === asked);
  const { embed } = models;
  const plain = await settled(item, [large, small], {
    embed,
    recorded: ({ asked_sha256 }) => kept(asked_sha256),
  });
  if (plain.refinement !== undefined && plain.refined === undefined) return undefined;
  const before = { ...used };
  let judge_ms = 0;
  let live_turn = false;
  const judged = await settled(item, [large, small], {
    embed,
    async judge(question, seen) {
      const started_ms = performance.now();
      const said = await judge(deps, { question, ...seen }, call);
      judge_ms = Math.max(judge_ms, performance.now() - started_ms);
      return said;
    },
    async recorded({ model, brief, asked_sha256 }) {
      const there = kept(asked_sha256);
      if (there !== undefined) return there;
      live_turn = true;
      const answer = await models.ask(model, messagesFor(item, brief), MAX_TOKENS);
      const finish = answer.finish === 'stop' ? 'stop' : 'length';
      return { ...large, ...answer, model, turn: 'refinement', finish };
    },
  });
  const both = tokensOf([large, small]);
  return {
    item,
    plain: plain.final,
    judged: judged.final,
    contradictions: [countOf(plain), countOf(judged)],
    large_tokens: tokensOf([large]),
    plain_tokens: both + tokensOf([plain.refined]),
    judged_tokens: both + tokensOf([judged.refined]) + used.tokens - before.tokens,
    calls: used.calls - before.calls,
    judge_ms,
    live_turn,
  };
}

function countOf({ first }: Settled): number {
  return first.contradictions?.length ?? 0;
}

function tokensOf(rows: readonly (Row | undefined)[]): number {
  return rows.reduce((sum, row) => sum + (row === undefined ? 0 : row.input_tokens + row.output_tokens), 0);
}

function figuresOf(trials: readonly Trial[]) {
  const residual = (text: (trial: Trial) => string) =>
    trials.map((trial) => (sideOf(text(trial), trial.item) === 'both' ? 0 : 1));
  const [plain, judged] = [residual((one) => one.plain), residual((one) => one.judged)];
  const total = (list: readonly number[], at: readonly number[]) =>
    at.reduce((sum, one) => sum + (list[one] ?? 0), 0);
  const change = bootstrapFigure(trials.length, (at) => (total(judged, at) - total(plain, at)) / at.length);
  const ratio = (spent: (trial: Trial) => number) =>
    rounded(
      bootstrapFigure(
        trials.length,
        (at) =>
          total(trials.map(spent), at) /
          total(
            trials.map((one) => one.large_tokens),
            at,
          ),
      ),
    );
  const all = trials.map((_, at) => at);
  const times = trials.map(({ judge_ms }) => judge_ms);
  return {
    items: trials.length,
    residual_without: total(plain, all),
    residual_with: total(judged, all),
    /** Of the items, with minus without. */
    change: rounded(change),
    tokens_ratio_without: ratio((one) => one.plain_tokens),
    tokens_ratio_with: ratio((one) => one.judged_tokens),
    contradictions_without: trials.reduce((sum, one) => sum + one.contradictions[0], 0),
    contradictions_with: trials.reduce((sum, one) => sum + one.contradictions[1], 0),
    other_answers: trials.filter((one) => one.plain !== one.judged).length,
    live_turns: trials.filter((one) => one.live_turn).length,
    calls_per_item: Number((trials.reduce((sum, one) => sum + one.calls, 0) / trials.length).toFixed(2)),
    judge_ms_p50: Math.round(quantile(times, 0.5)),
    within_timeout: times.filter((one) => one <= TERMS.judge.timeout_ms).length,
  };
}

function rounded({ value, low, high }: { value: number; low: number; high: number }) {
  const three = (one: number) => Number(one.toFixed(3));
  return { value: three(value), low: three(low), high: three(high) };
}

async function way(items: readonly Item[], rows: readonly Row[]): Promise<Trial[]> {
  const until_ms = Date.now() + Number(values['way-minutes']) * 60_000;
  const trials: Trial[] = [];
  for (const item of items) {
    if (Date.now() > until_ms) break;
    const trial = await tryItem(item, rows);
    if (trial !== undefined) trials.push(trial);
  }
  return trials;
}

const items = shortItems(readCorpus(values.corpus), MAX_CHARS);
const rows = readRows(join(import.meta.dirname, 'answers.jsonl'));
const known = items.filter(({ id }) => rows.some((row) => row.id === id));
const sources = await sourcesJudged(known);
process.stderr.write(`${JSON.stringify(sources)}\n`);
const trials = await way(known, rows);
const disputed = trials.filter(({ item }) => item.disputed);
const agreed = trials.filter(({ item }) => !item.disputed);
const result = {
  at: new Date().toISOString(),
  node: process.version,
  cpus: cpus().length,
  cpu: cpus()[0]?.model ?? '',
  load_average: Number((loadavg()[0] ?? 0).toFixed(2)),
  corpus: 'fitz-gov 4.1.0 (PyPI, MIT)',
  judge: values.judge,
  sources,
  disputed: disputed.length === 0 ? null : figuresOf(disputed),
  agreed: agreed.length === 0 ? null : figuresOf(agreed),
};
await models.close();
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
