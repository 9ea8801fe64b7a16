/**
 * The graphs of agents on the real embedded models, through the official OpenAI client: what each of them does, and how
 * often its answer is right beside a single model's.
 * `node bench/agents/run.ts [--shown small] [--facts standard] [--minutes 30] [--max-tokens 24] [--out bench/agents/result.json]`
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { GraphInfo } from '@mcp/contracts';
import { z } from 'zod';
import { type Running, startReal } from './client.ts';
import { QUESTIONS, saidIn } from './questions.ts';
import { type Row, showGraph } from './shown.ts';

const { values } = parseArgs({
  options: {
    // Models that the platform is started with; `none` leaves the part out.
    shown: { type: 'string', default: 'small' },
    facts: { type: 'string', default: 'standard' },
    // Questions are asked for so long; what does not fit is left out and counted.
    minutes: { type: 'string', default: '30' },
    'max-tokens': { type: 'string', default: '24' },
    asked: {
      type: 'string',
      default: 'smollm2-135m-instruct,qwen2.5-coder-1.5b-instruct,mcp/single-with-critic,mcp/debate',
    },
    /** Names of graphs; without it all are shown. */
    graphs: { type: 'string' },
    out: { type: 'string' },
  },
});
const max_tokens = Number(values['max-tokens']);

async function shown(platform: Running): Promise<Row[]> {
  const { graphs } = z.object({ graphs: z.array(GraphInfo) }).parse(await platform.json('/v1/graphs'));
  const rows: Row[] = [];
  for (const graph of graphs) {
    if (!(values.graphs?.split(',').includes(graph.name) ?? true)) continue;
    rows.push(await showGraph(platform, graph, max_tokens));
    process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`);
  }
  return rows;
}

interface Asked {
  readonly question: string;
  readonly model: string;
  readonly answer: string;
  readonly right: boolean;
  readonly duration_ms: number;
  readonly tokens: number;
}

/** All models one question after the other, so that all have the same ones when the time is over. */
async function facts({ openai }: Running): Promise<Asked[]> {
  const until_ms = Date.now() + Number(values.minutes) * 60_000;
  const models = values.asked.split(',');
  const rows: Asked[] = [];
  for (const [question, answer] of QUESTIONS) {
    const own: Asked[] = [];
    for (const model of models) {
      if (Date.now() > until_ms) return rows;
      const started_ms = performance.now();
      const { choices, usage } = await openai.chat.completions.create({
        model,
        max_tokens,
        temperature: 0,
        messages: [{ role: 'user', content: `${question} Begin with yes or no.` }],
      });
      const said = choices[0]?.message.content ?? '';
      own.push({
        question,
        model,
        answer: said,
        right: saidIn(said) === answer,
        duration_ms: Math.round(performance.now() - started_ms),
        tokens: usage?.total_tokens ?? 0,
      });
      process.stderr.write(`${JSON.stringify(own.at(-1))}\n`);
    }
    rows.push(...own);
  }
  return rows;
}

function summaryOf(rows: readonly Asked[]) {
  return [...new Set(rows.map(({ model }) => model))].map((model) => {
    const own = rows.filter((row) => row.model === model);
    const right = own.filter((row) => row.right).length;
    const tokens = own.reduce((sum, row) => sum + row.tokens, 0);
    return { model, right, of: own.length, tokens_per_question: Math.round(tokens / own.length) };
  });
}

async function on<T>(models: string, work: (platform: Running) => Promise<T[]>): Promise<T[]> {
  if (models === 'none') return [];
  const platform = await startReal(models);
  try {
    return await work(platform);
  } finally {
    await platform.stop();
  }
}

const graphs = await on(values.shown, shown);
const answers = await on(values.facts, facts);
const result = {
  at: new Date().toISOString(),
  node: process.version,
  cpus: cpus().length,
  cpu: cpus()[0]?.model ?? '',
  load_average: loadavg()[0],
  max_tokens,
  shown: { models: values.shown, graphs },
  facts: { models: values.facts, summary: summaryOf(answers), answers },
};
const text = `${JSON.stringify(result, null, 2)}\n`;
if (values.out === undefined) process.stdout.write(text);
else writeFileSync(values.out, text);
