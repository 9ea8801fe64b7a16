/** Labelled contradictions of fitz-gov (PyPI, 4.1.0, MIT), read from where it was unpacked: none of its text is kept here. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const Case = z.object({
  id: z.string(),
  subcategory: z.string(),
  query: z.string(),
  contexts: z.array(z.string()),
});

/** A question with what its sources say, and whether they contradict each other. */
export interface Item {
  readonly id: string;
  readonly kind: string;
  readonly question: string;
  readonly sources: readonly string[];
  readonly disputed: boolean;
  /** `dev`: words and thresholds were chosen on it; `test`: nothing was. */
  readonly part: 'dev' | 'test';
}

/** Characters that the sources of a recorded item have at most: small models read some 20 tokens a second here. */
export const MAX_CHARS = 700;

/** Kinds whose label is not "contradicts" although their sources disagree: left out on either side. */
const UNCLEAR = new Set(['contradiction_resolved', 'opposing_with_consensus']);

/** All cases of two sources or more: disputes, and questions whose sources agree. */
export function readCorpus(dir: string): Item[] {
  return [...read(dir, 'dispute', true), ...read(dir, 'trustworthy_direct', false)].filter(
    ({ sources, kind }) => sources.length > 1 && !UNCLEAR.has(kind),
  );
}

/** Those of a part with two sources and no more than `chars` characters of them, in a fixed random order. */
export function shortItems(items: readonly Item[], chars: number, part: Item['part'] = 'test'): Item[] {
  const length = ({ sources }: Item) => sources.reduce((sum, source) => sum + source.length, 0);
  return items
    .filter((item) => item.part === part && item.sources.length === 2 && length(item) <= chars)
    .sort((a, b) => (digest(`order ${a.id}`) < digest(`order ${b.id}`) ? -1 : 1));
}

/** What a model is asked about an item. */
export function questionOf({ question, sources }: Item): string {
  const listed = sources.map((source, at) => `Source ${at + 1}: ${source}`).join('\n');
  return `${listed}\n\n${question} Answer from the sources in one or two sentences.`;
}

function read(dir: string, category: string, disputed: boolean): Item[] {
  const text = readFileSync(join(dir, 'tier1_core', `${category}.json`), 'utf8');
  const parsed: unknown = JSON.parse(text);
  const cases =
    z.object({ cases: z.array(Case) }).safeParse(parsed).data?.cases ?? z.array(Case).parse(parsed);
  return cases.map(({ id, subcategory, query, contexts }) => ({
    id,
    kind: subcategory,
    question: query,
    sources: contexts,
    disputed,
    part: Number.parseInt(digest(id).slice(0, 2), 16) % 2 === 0 ? 'dev' : 'test',
  }));
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
