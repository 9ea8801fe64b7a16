/**
 * Time that the arbitration adds beyond the slower model: embeddings by the embedded model, the comparison, the decision.
 * `node bench/arbitration/overhead.ts --corpus <fitz_gov/data> [--items 300] [--out bench/arbitration/overhead.json]`
 * Two sources of each item stand for the answers. What the platform does while the slower model is still speaking is done
 * before the clock starts; every other item is decided with all of it after the answers, as it was done before.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type CallContext, type FinishReason, type ModelGatewayApi, ModelInfo } from '@mcp/contracts';
import type { FinishedTurn } from '@mcp/conversation';
import { createLogger } from '@mcp/service-kit';
import { AnswerVectors } from '../../apps/core/src/conversations/answer-vectors.ts';
import { score } from '../../apps/core/src/conversations/decide.ts';
import { quantile } from '../stats.ts';
import { TERMS } from './candidates.ts';
import { type Item, questionOf, readCorpus } from './corpus.ts';
import { openModels } from './models.ts';

const { values } = parseArgs({
  options: {
    corpus: { type: 'string' },
    items: { type: 'string', default: '300' },
    out: { type: 'string' },
  },
});
if (values.corpus === undefined)
  throw new Error('--corpus must name the folder fitz_gov/data of fitz-gov 4.1.0');

const STOP: FinishReason = { unified: 'stop', raw: 'stop' };
/** Decisions before the first that counts. */
const WARM_UP = 6;
/** Characters of a delta. */
const PIECE = 24;
const embedder = await openModels([]);
const info = ModelInfo.parse({
  id: 'embedder',
  backend: 'embedded',
  kind: 'embedding',
  owned_by: 'mcp',
  max_context: 512,
  cost_input_per_mtok_usd: null,
  cost_output_per_mtok_usd: null,
  status: 'ready',
});
const models: Pick<ModelGatewayApi, 'models' | 'embed'> = {
  models: () => Promise.resolve([info]),
  async embed({ model, input }) {
    const vectors = await embedder.embed([input].flat());
    return { model, vectors: vectors.map((vector) => [...vector]), input_tokens: 0 };
  },
};
const kit = {
  flags: { enabled: (name: string) => name === 'MODEL_ARBITRATION_ENABLED' },
  log: createLogger('bench', 'silent'),
};

function callOf(): CallContext {
  return {
    request_id: 'bench',
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    deadline_ms: Date.now() + 60_000,
    principal: { id: 'key:bench', kind: 'key', name: 'bench', scopes: ['chat'] },
    class: 'interactive',
    signal: new AbortController().signal,
  };
}

function turnOf(text: string, at: number): FinishedTurn {
  const participant = at === 0 ? 'modelA' : 'modelB';
  return {
    step: `s${at + 3}`,
    participant,
    model: participant,
    message_id: `0194f0c2-0000-7000-8000-00000000000${at}`,
    content: text,
    finish_reason: STOP,
    usage: { input_tokens: 0, output_tokens: 0 },
  };
}

/** Decides on one item. `ahead`: with what the platform does before the slower model is done. */
async function timed(item: Item, ahead: boolean): Promise<{ wall_ms: number; cpu_ms: number }> {
  const question = questionOf(item);
  const turns = item.sources.slice(0, 2).map(turnOf);
  const vectors = new AnswerVectors({ kit, models }, callOf());
  if (ahead) {
    const [faster, slower] = turns;
    for (const text of [question, faster?.content ?? '']) vectors.expect(text);
    for (const said of slower?.content.match(new RegExp(`[^]{1,${PIECE}}`, 'g')) ?? [])
      vectors.hear({ message_id: slower?.message_id ?? '', text: said });
    // What was begun is over while the model goes on: a token of it takes longer than an embedding.
    await vectors.of([question, faster?.content ?? '']);
  }
  const cpu = process.cpuUsage();
  const started_ms = performance.now();
  await score(
    { kit, models: models as ModelGatewayApi, terms: TERMS },
    { question, turns, vectors },
    callOf(),
  );
  const wall_ms = performance.now() - started_ms;
  const used = process.cpuUsage(cpu);
  return { wall_ms, cpu_ms: (used.user + used.system) / 1000 };
}

function figuresOf(times: readonly { wall_ms: number; cpu_ms: number }[]) {
  const of = (name: 'wall_ms' | 'cpu_ms', q: number) =>
    Number(
      quantile(
        times.map((one) => one[name]),
        q,
      ).toFixed(1),
    );
  return {
    decisions: times.length,
    wall_p50_ms: of('wall_ms', 0.5),
    wall_p95_ms: of('wall_ms', 0.95),
    cpu_p50_ms: of('cpu_ms', 0.5),
    cpu_p95_ms: of('cpu_ms', 0.95),
  };
}

/** Of all lengths, in a fixed order. */
const all = readCorpus(values.corpus).filter(({ sources }) => sources.length >= 2);
const every = Math.max(1, Math.floor(all.length / Number(values.items)));
const items = all.filter((_, at) => at % every === 0).slice(0, Number(values.items));
const ahead: { wall_ms: number; cpu_ms: number }[] = [];
const after: { wall_ms: number; cpu_ms: number }[] = [];
// Each text is embedded once: what was embedded before is known.
for (const [at, item] of items.entries()) {
  const time = await timed(item, at % 2 === 0);
  if (at >= WARM_UP) (at % 2 === 0 ? ahead : after).push(time);
}
await embedder.close();
const chars = items.flatMap(({ sources }) => sources.slice(0, 2).map(({ length }) => length));
const result = {
  at: new Date().toISOString(),
  node: process.version,
  cpus: cpus().length,
  cpu: cpus()[0]?.model ?? '',
  load_average: Number((loadavg()[0] ?? 0).toFixed(2)),
  corpus: 'fitz-gov 4.1.0 (PyPI, MIT)',
  answer_chars_p50: quantile(chars, 0.5),
  answer_chars_p95: quantile(chars, 0.95),
  ahead: figuresOf(ahead),
  all_after_the_answers: figuresOf(after),
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
