/** Words, numbers and marks of a text as the classifier of names reads them. */
import { isCommon } from './common-words.ts';

export interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** It stands first in its line. */
  readonly first: boolean;
  readonly shape: Shape;
  /** In small letters it is a word that names nobody. */
  readonly common: boolean;
}

/** How a token is written; the classifier knows these by their number. */
export const SHAPES = ['small', 'title', 'capitals', 'initial', 'mixed', 'number', 'mark', 'rare'] as const;
type Shape = (typeof SHAPES)[number];

const TOKEN =
  /\p{Lu}\.(?![\p{L}\d])|\p{L}[\p{L}\p{M}]*(?:['’-]\p{L}[\p{L}\p{M}]*)*|\d[\d/-]*[\p{L}]{0,3}|[^\s\p{L}\d]/gu;

export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const word = match[0].replace(/['’]s$/i, '');
    const first = tokens.length === 0 || text.slice(end, match.index).includes('\n');
    end = match.index + word.length;
    const written = shapeOf(word);
    const common = written !== 'mark' && written !== 'number' && isCommon(word.toLowerCase());
    const shape = written === 'small' && !common && RARE.test(word) ? 'rare' : written;
    tokens.push({ text: word, start: match.index, end, first, shape, common });
  }
  return tokens;
}

/** A token that may be part of a name: no mark, and no word that everybody uses in small letters. */
export function isCandidate({ shape }: Token): boolean {
  return shape !== 'small' && shape !== 'mark';
}

/** A word in small letters that may be a name all the same. */
const RARE = /^\p{Ll}[\p{Ll}\p{M}'’-]{2,}$/u;

function shapeOf(word: string): Shape {
  if (/^\p{Lu}\.?$/u.test(word)) return 'initial';
  if (/^\d/.test(word)) return 'number';
  if (!/^\p{L}/u.test(word)) return 'mark';
  if (/^\p{Lu}[\p{Ll}\p{M}]+(?:['’-]\p{Lu}?[\p{Ll}\p{M}]+)*$/u.test(word)) return 'title';
  if (/^[\p{Lu}\p{M}'’-]+$/u.test(word)) return 'capitals';
  return /^\p{Lu}/u.test(word) ? 'mixed' : 'small';
}
