/** The golden set: questions whose answers can be checked, some generated from a seed, some of fitz-gov (PyPI, 4.1.0, MIT). */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { mulberry32 } from '../stats.ts';
import { FACTS, REVIEWS } from './plain-questions.ts';

export interface Item {
  readonly id: string;
  readonly kind: string;
  readonly question: string;
  readonly max_tokens: number;
  /** `dev`: thresholds are chosen on it; `test`: nothing is. */
  readonly part: 'dev' | 'test';
  /** Whether an answer is right. */
  right(text: string): boolean;
}

const SHORT_TOKENS = 24;
const SENTENCE_TOKENS = 40;
/** Characters that a passage has at most: the larger model reads some 20 tokens a second here. */
const MAX_CHARS = 420;
/** Passages of fitz-gov. */
const PASSAGES = 40;

/** All items, in a fixed random order. `dir` is the folder fitz_gov/data. */
export function goldenSet(dir: string): Item[] {
  const ordered = [...extractions(), ...sums(), ...facts(), ...reviews(), ...grounded(dir)].sort((a, b) =>
    digest(`order ${a.id}`) < digest(`order ${b.id}`) ? -1 : 1,
  );
  // Of each kind every second one, so that both parts have the same mix.
  const of = new Map<string, number>();
  return ordered.map((item) => {
    const place = of.get(item.kind) ?? 0;
    of.set(item.kind, place + 1);
    return { ...item, part: place % 2 === 0 ? 'dev' : 'test' };
  });
}

type Unparted = Omit<Item, 'part'>;

function itemOf(given: Omit<Unparted, 'max_tokens'> & { readonly max_tokens?: number }): Unparted {
  return { max_tokens: SHORT_TOKENS, ...given };
}

const NAMES = ['Ada Brandt', 'Luis Ortega', 'Mina Patel', 'Jonas Weber', 'Aiko Tanaka', 'Sara Lindqvist'];
const CITIES = ['Oslo', 'Lisbon', 'Nairobi', 'Toronto', 'Osaka', 'Lima', 'Warsaw', 'Dublin'];
const MONTHS = ['January', 'March', 'May', 'July', 'September', 'November'];

/** A field of a short note, with another of its kind beside it that is wrong. */
function extractions(): Unparted[] {
  const random = mulberry32(21);
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)] ?? '';
  return Array.from({ length: 60 }, (_, at) => {
    const [name, from] = [pick(NAMES), pick(CITIES)];
    const to = pick(CITIES.filter((city) => city !== from));
    const order = String(1000 + Math.floor(random() * 9000));
    const date = `${1 + Math.floor(random() * 28)} ${pick(MONTHS)}`;
    const note = `Order ${order} of ${name} left ${from} on ${date} and goes to ${to}.`;
    const asked = [
      { what: 'Who ordered?', is: name, not: [] },
      { what: 'Where does it go to?', is: to, not: [from] },
      { what: 'Where did it leave from?', is: from, not: [to] },
      { what: 'What is the number of the order?', is: order, not: [] },
      { what: 'On which date did it leave?', is: date, not: [] },
    ][at % 5];
    if (asked === undefined) throw new RangeError('there are five questions');
    return itemOf({
      id: `extract-${at}`,
      kind: 'extraction',
      question: `${note} ${asked.what}`,
      right: (text) => has(text, asked.is) && !asked.not.some((other) => has(text, other)),
    });
  });
}

/** From one digit to three. */
function sums(): Unparted[] {
  const random = mulberry32(22);
  const below = (limit: number) => 2 + Math.floor(random() * (limit - 2));
  return Array.from({ length: 40 }, (_, at) => {
    const [a, b] = at % 2 === 0 ? [below(10), below(10)] : [below(300), below(90)];
    const plus = at % 4 < 2;
    const is = plus ? a + b : a * b;
    return itemOf({
      id: `sum-${at}`,
      kind: 'arithmetic',
      question: `What is ${a} ${plus ? 'plus' : 'times'} ${b}?`,
      right: (text) => text.replaceAll(',', '').match(/\d+/g)?.at(-1) === String(is),
    });
  });
}

function facts(): Unparted[] {
  return FACTS.map(([question, ...answers], at) =>
    itemOf({
      id: `fact-${at}`,
      kind: 'fact',
      question,
      right: (text) => answers.some((answer) => has(text, answer)),
    }),
  );
}

function reviews(): Unparted[] {
  return REVIEWS.map(([is, review], at) =>
    itemOf({
      id: `review-${at}`,
      kind: 'classification',
      question: `Is this review positive or negative? "${review}" Answer with one word.`,
      right: (text) => has(text, is) && !has(text, is === 'positive' ? 'negative' : 'positive'),
    }),
  );
}

const Case = z.object({
  id: z.string(),
  query: z.string(),
  contexts: z.array(z.string()),
  forbidden_claims: z.array(z.string()),
});

/** Passages that do not tell what is asked: right is what claims nothing that they do not say. */
function grounded(dir: string): Unparted[] {
  return cases(dir).map(({ id, query, contexts, forbidden_claims }) =>
    itemOf({
      id,
      kind: 'grounding',
      question: `${contexts.join('\n')}\n\n${query} Answer from this text in one sentence, and say so where it does not tell.`,
      max_tokens: SENTENCE_TOKENS,
      right: (text) => !claims(text, forbidden_claims),
    }),
  );
}

function claims(text: string, patterns: readonly string[]): boolean {
  return (
    text.trim() === '' || patterns.some((pattern) => new RegExp(pattern.replace('(?i)', ''), 'i').test(text))
  );
}

function cases(dir: string): z.infer<typeof Case>[] {
  const parsed: unknown = JSON.parse(readFileSync(join(dir, 'tier1_core', 'grounding.json'), 'utf8'));
  const listed = z.object({ cases: z.array(Case) }).safeParse(parsed).data?.cases;
  return (listed ?? z.array(Case).parse(parsed))
    .filter(({ contexts }) => contexts.join('').length <= MAX_CHARS)
    .sort((a, b) => (digest(a.id) < digest(b.id) ? -1 : 1))
    .slice(0, PASSAGES);
}

/** Whether the text has the words as words. */
function has(text: string, words: string): boolean {
  const escaped = words.toLowerCase().replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, 'u').test(text.toLowerCase());
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
