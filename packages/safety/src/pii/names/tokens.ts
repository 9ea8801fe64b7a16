/** Words, numbers and marks of a text as the classifier of names reads them. */
import { isCommon } from './word-filters.ts';

export interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** It stands first in its line. */
  readonly first: boolean;
  /** The character right before it and right after it; 32 where it is a blank or nothing. */
  readonly left: number;
  readonly right: number;
  readonly shape: Shape;
  /** In small letters it is a word that names nobody. */
  readonly common: boolean;
}

/** How a token is written; the classifier knows these by their number. */
export const SHAPES = ['small', 'title', 'capitals', 'initial', 'mixed', 'number', 'mark', 'rare'] as const;
type Shape = (typeof SHAPES)[number];

/** A name that stands for a value is one mark. */
const TOKEN =
  /<[A-Z_]{2,15}_\d{1,5}>|\p{Lu}\.(?![\p{L}\d])|\p{L}[\p{L}\p{M}]*(?:['’-]\p{L}[\p{L}\p{M}]*)*|\d[\d/-]*[\p{L}]{0,3}|[^\s\p{L}\d]/gu;

export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const word = /['’]s$/i.test(match[0]) ? match[0].slice(0, -2) : match[0];
    const first = tokens.length === 0 || text.slice(end, match.index).includes('\n');
    end = match.index + word.length;
    const left = glued(text, match.index - 1);
    tokens.push({
      text: word,
      start: match.index,
      end,
      first,
      left,
      right: glued(text, end),
      ...written(word),
    });
  }
  return tokens;
}

function glued(text: string, at: number): number {
  const code = at < 0 || at >= text.length ? 32 : text.charCodeAt(at);
  return Math.max(code, 32);
}

interface Written {
  readonly shape: Shape;
  readonly common: boolean;
}

/** What was worked out of words: most of a text is the same few. */
const known = new Map<string, Written>();
export const MAX_KNOWN_WORDS = 8192;

function written(word: string): Written {
  const found = known.get(word);
  if (found !== undefined) return found;
  const shape = shapeOf(word);
  const common = shape !== 'mark' && shape !== 'number' && parts(word).every(isCommon);
  const made = { common, shape: shape === 'small' && !common && RARE.test(word) ? ('rare' as const) : shape };
  if (known.size >= MAX_KNOWN_WORDS) known.clear();
  known.set(word, made);
  return made;
}

/** A token that may be part of a name: no mark, no word that everybody uses in small letters, and no piece of something longer. */
export function isCandidate({ shape, left, right }: Token): boolean {
  return shape !== 'small' && shape !== 'mark' && !isAlphanumeric(left) && !isAlphanumeric(right);
}

function isAlphanumeric(code: number): boolean {
  return (
    (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95
  );
}

/** A word in small letters that may be a name all the same. */
const RARE = /^\p{Ll}[\p{Ll}\p{M}-]{2,}$/u;

/** What stands between the hyphens of a word, which is as common as they are. */
function parts(word: string): string[] {
  const all = word.toLowerCase().split(/['’-]/);
  return all.length === 1 ? all : all.filter(({ length }) => length > 1);
}

function shapeOf(word: string): Shape {
  if (/^\p{Lu}\.?$/u.test(word)) return 'initial';
  if (/^\d/.test(word)) return 'number';
  if (!/^\p{L}/u.test(word)) return 'mark';
  if (/^\p{Lu}[\p{Ll}\p{M}]+(?:['’-]\p{Lu}?[\p{Ll}\p{M}]+)*$/u.test(word)) return 'title';
  if (/^[\p{Lu}\p{M}'’-]+$/u.test(word)) return 'capitals';
  return /^\p{Lu}/u.test(word) ? 'mixed' : 'small';
}
