/** Names of people and places in a text. */
import type { Span } from '../kinds.ts';
import { LABELS, NONE } from './features.ts';
import { type NamesModel, shippedNames } from './model.ts';
import { isTechnical } from './technical-terms.ts';
import { type Token, tokensOf } from './tokens.ts';

/** What may stand inside one name of a kind. */
const INSIDE = {
  person: /^(?:[ \t]|[.'’-]| \p{Ll}{1,4}(?= )){0,12}$/u,
  location: /^(?:[ \t]|[.'’-]| \p{Ll}{1,4}(?= )){0,12}$/u,
  address: /^(?:[\s,.'’/#-]| \p{Ll}{1,4}(?= )){0,12}$/u,
} as const;

/** The names from a character on; what stands before is read and not looked at. */
export function namesIn(text: string, from: number, model: NamesModel = shippedNames()): Span[] {
  if (!/\p{Lu}/u.test(text.slice(from))) return [];
  const tokens = tokensOf(text);
  const labels = model.labels(tokens, from);
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
  return spans.filter(isName).map(({ kind, start, end }) => ({ kind, start, end }));
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
