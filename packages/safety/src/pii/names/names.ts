/** Names of people and places in a text. */
import type { Span } from '../kinds.ts';
import { isCommon } from './common-words.ts';
import { LABELS, NONE } from './features.ts';
import { type ChainState, shippedNames } from './model.ts';
import { isTechnical } from './technical-terms.ts';
import { type Token, tokensOf } from './tokens.ts';

/** What may stand inside one name of a kind. */
const INSIDE = {
  person: /^(?:[ \t]|[.'’-]| \p{Ll}{1,4}(?= )){0,12}$/u,
  location: /^(?:[ \t]|[.'’-]| \p{Ll}{1,4}(?= )){0,12}$/u,
  address: /^(?:[\s,.'’/#-]| \p{Ll}{1,12}(?= )){0,16}$/u,
} as const;

export interface Names {
  readonly spans: Span[];
  /** With this the names of what follows are read. */
  readonly state: ChainState | undefined;
}

/** The names from a character on; what stands before is read and not looked at, but for what its names were. */
export function namesIn(text: string, from: number, state?: ChainState): Names {
  if (!mayName(text.slice(from))) return { spans: [], state };
  const tokens = tokensOf(text);
  const { labels, state: next } = shippedNames().label({ text, tokens, from }, state);
  const spans: { kind: Span['kind']; start: number; end: number; tokens: Token[] }[] = [];
  tokens.forEach((token, at) => {
    const kind = LABELS[labels[at] ?? NONE];
    if (kind === undefined || kind === 'organisation') return;
    const open = spans.at(-1);
    if (open?.kind === kind && INSIDE[kind].test(text.slice(open.end, token.start))) {
      open.end = token.end;
      open.tokens.push(token);
    } else spans.push({ kind, start: token.start, end: token.end, tokens: [token] });
  });
  return { spans: spans.filter(isName).map(({ kind, start, end }) => ({ kind, start, end })), state: next };
}

/** Whether a piece has a word that may be part of a name: most have not. */
function mayName(piece: string): boolean {
  if (/[\p{Lu}\d]/u.test(piece)) return true;
  return (piece.match(/\p{Ll}{3,}/gu) ?? []).some((word) => !isCommon(word));
}

/** Initials and numbers alone are no names, and neither are terms of the trade. */
function isName({
  kind,
  tokens,
}: {
  readonly kind: Span['kind'];
  readonly tokens: readonly Token[];
}): boolean {
  const words = tokens.filter(({ shape }) => shape !== 'initial' && shape !== 'number');
  if (words.length === 0) return kind === 'address' && tokens.length > 1;
  return !words.every(({ text }) => isTechnical(text));
}
