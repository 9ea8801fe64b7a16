/** The claims of a text: its sentences and clauses that say something, with what can be compared in them. */
import { type Quantity, quantitiesOf } from './quantities.ts';
import { stem } from './stem.ts';
import { ANTONYMS, NEGATIVE_ENDING, NEGATORS, NOT_NEGATING, STOP_WORDS, UNIVERSAL } from './words.ts';

/** One thing that a text says. */
export interface Claim {
  readonly text: string;
  /** Stems of its content words, each once. */
  readonly stems: ReadonlySet<string>;
  /** Names in it: capitalised words that do not begin it. */
  readonly names: ReadonlySet<string>;
  readonly quantities: readonly Quantity[];
  /** Whether it denies what its words say. */
  readonly negated: boolean;
  /** `all` or `none`, where it speaks of every one. */
  readonly universal: 'all' | 'none' | undefined;
  /** Sides of opposites that it takes, by the number of the pair. */
  readonly sides: ReadonlyMap<number, 0 | 1>;
  /** `yes` or `no`, where the text begins by answering so. */
  readonly verdict: 'yes' | 'no' | undefined;
}

/** Claims that are read of one text, and characters of each. */
const MAX_CLAIMS = 40;
export const MAX_CLAIM_CHARS = 400;
/** Characters of a text that are read. */
const MAX_CHARS = 20_000;
const MIN_STEMS = 2;

const CODE = /```[\s\S]*?(?:```|$)/g;
const BULLET = /^\s*(?:[-*•>]|#{1,6}|\(?\d{1,2}[.)])\s+/;
/** `Source 1:`, `[2]` and the like, before what a source says. */
export const LABEL =
  /^[ \t>*-]*(?:[[(]?(?:source|document|passage|excerpt|article)[ \t]*#?\d{0,3}[\])]?[ \t]*[:.–-]|\[\d{1,3}\][ \t]*[:.–-]?)[ \t]*/gim;
/** Where one sentence says two things. */
const CLAUSES = /;\s+|\s+[–—]\s+|,?\s+(?:but|whereas|while|however|although|though)\s+|\.\s+(?=However\b)/i;
/** What is set against the rest and denies nothing of it: `…, not a single mutation`. */
const CONTRASTED = /,\s+(?:and\s+)?not\s[^,;]*/gi;
const WORD = /[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*/gu;
const SENTENCES = new Intl.Segmenter('en', { granularity: 'sentence' });

/** The claims of a text in their order, at most {@link MAX_CLAIMS}. Questions and code claim nothing. */
export function claimsOf(text: string): Claim[] {
  const claims: Claim[] = [];
  const lines = text.slice(0, MAX_CHARS).replace(CODE, ' ').split(/\n+/);
  for (const line of lines)
    for (const { segment } of SENTENCES.segment(line.replace(BULLET, '').replace(LABEL, '')))
      for (const part of segment.trim().endsWith('?') ? [] : segment.split(CLAUSES)) {
        if (claims.length >= MAX_CLAIMS) return claims;
        const claim = claimOf(part.trim().slice(0, MAX_CLAIM_CHARS).toWellFormed());
        if (claim !== undefined) claims.push(claim);
      }
  return claims;
}

function wordsOf(text: string): string[] {
  return (text.match(WORD) ?? []).map((word) => word.toLowerCase().replace('’', "'"));
}

/** Reads one claim; undefined where there is too little in it to compare. */
function claimOf(text: string): Claim | undefined {
  const words = text.match(WORD) ?? [];
  const lower = wordsOf(text);
  const verdict = /^(yes|no)\b/i.exec(text)?.[1]?.toLowerCase() as 'yes' | 'no' | undefined;
  const content = lower.filter((word) => !STOP_WORDS.has(word) && !/^\d/.test(word));
  const stems = new Set(content.map(stem));
  if (stems.size < MIN_STEMS && verdict === undefined) return undefined;
  const names = words.filter(
    (word, at) => at > 0 && /^\p{Lu}[\p{L}\p{N}-]+$/u.test(word) && !STOP_WORDS.has(word.toLowerCase()),
  );
  return {
    text,
    stems,
    names: new Set(names.map((name) => name.toLowerCase())),
    quantities: quantitiesOf(text),
    negated: isNegated(wordsOf(text.replace(CONTRASTED, ' '))),
    universal: universalOf(lower),
    sides: sidesOf(lower),
    verdict,
  };
}

/** An odd number of words that deny; `not only` and the like deny nothing. */
function isNegated(words: readonly string[]): boolean {
  const denied = words.filter(
    (word, at) =>
      (NEGATORS.has(word) || NEGATIVE_ENDING.test(word)) &&
      !NOT_NEGATING.has(`${word} ${words[at + 1] ?? ''}`),
  );
  return denied.length % 2 === 1;
}

function universalOf(words: readonly string[]): Claim['universal'] {
  for (const [at, word] of words.entries()) {
    const universal = UNIVERSAL.get(word);
    if (universal !== undefined)
      return words[at - 1] === 'not' || words[at - 1] === 'nearly' ? undefined : universal;
  }
  return undefined;
}

function sidesOf(words: readonly string[]): Map<number, 0 | 1> {
  const sides = new Map<number, 0 | 1>();
  const both = new Set<number>();
  for (const word of words)
    for (const [pair, side] of ANTONYMS.get(stem(word)) ?? []) {
      const other = sides.get(pair);
      if (other !== undefined && other !== side) both.add(pair);
      sides.set(pair, side);
    }
  // Who names both sides takes neither.
  for (const pair of both) sides.delete(pair);
  return sides;
}

/**
 * How much two claims speak of the same thing, in [0, 1]: shared content words over those of the shorter and of both.
 * One word that both have is no subject in common.
 */
export function overlapOf(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const one of a) if (b.has(one)) shared++;
  if (shared < MIN_STEMS) return 0;
  // The geometric mean of containment and Jaccard: a short claim inside a long one is about it, yet not all of it.
  const contained = shared / Math.min(a.size, b.size);
  return Math.sqrt(contained * (shared / (a.size + b.size - shared)));
}
