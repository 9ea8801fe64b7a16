/** Names of people and places in a text. */
import type { Span } from '../kinds.ts';
import { LABELS, NONE } from './features.ts';
import { type ChainState, shippedNames } from './model.ts';
import { isTechnical } from './technical-terms.ts';
import { type Token, tokensOf } from './tokens.ts';
import { isCommon, isKnownName } from './word-filters.ts';

/** What may stand inside one name of a kind. */
const INSIDE = {
  person:
    /^(?:[ \t]|[.'’-]| (?:van|von|de|del|della|dela|da|das|do|dos|di|du|der|den|la|le|al|el|bin|ibn|ben|zu|zur|vom|ter|ten|af|av|y|e)(?= )){0,12}$/u,
  location:
    /^(?:[ \t]|[.'’-]| (?:of|the|de|del|della|da|das|do|dos|di|du|des|der|den|dem|la|le|les|el|los|las|am|an|auf|im|in|ob|bei|vor|sur|sous|en|lès|aan|op|upon|nad|pod|pri|v|w|na|y|e|and)(?= )){0,12}$/u,
  address: /^(?:[\s,.'’/#()-]| (?!(?:in|at|is|to|as|by|for|with|from|on|or) )\p{Ll}{1,12}\.?(?= )){0,16}$/u,
} as const;
/** Words in small letters that a surname begins with. */
const PARTICLES =
  /(?<![\p{L}\d.'’-])(?:(?:van|von|de|del|della|dela|da|das|do|dos|di|du|der|den|la|le|al|el|bin|ibn|ben|zu|zur|vom|ter|ten|af|av) ){1,3}$/u;
/** The kind of street in small letters, and the number of a house before it. */
const STREET =
  /(?<![\p{L}\d.'’-])(?:\d{1,6},? )?(?:ul|al|pl|rue|avenue|boulevard|place|chemin|impasse|allée|quai|route|calle|avenida|plaza|paseo|via|viale|piazza|corso|rua|travessa)\.? (?:(?:de|du|des|da|do|del|della|la|le|les) ){0,2}$/u;
/** Characters in which they are looked for. */
const LEAD_CHARS = 40;

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
  const found: Found[] = [];
  tokens.forEach((token, at) => {
    const kind = LABELS[labels[at] ?? NONE];
    if (kind === undefined || kind === 'organisation') return;
    const open = found.at(-1);
    if (open?.kind === kind && INSIDE[kind].test(text.slice(open.end, token.start))) {
      open.end = token.end;
      open.tokens.push(token);
    } else found.push({ kind, start: startOf(kind, token, { text, from }), end: token.end, tokens: [token] });
  });
  const spans = found.filter((one, at) => isName(one, text) || isPart(found, at, text));
  return { spans: spans.map(({ kind, start, end }) => ({ kind, start, end })), state: next };
}

interface Found {
  readonly kind: keyof typeof INSIDE;
  readonly start: number;
  end: number;
  readonly tokens: Token[];
}

/** Where a name begins: a surname with its particles, an address with its kind of street. */
function startOf(
  kind: Found['kind'],
  { start, shape }: Token,
  { text, from }: { readonly text: string; readonly from: number },
): number {
  if (kind === 'location' || shape === 'rare') return start;
  const before = text.slice(Math.max(from, start - LEAD_CHARS), start);
  return start - ((kind === 'person' ? PARTICLES : STREET).exec(before)?.[0].length ?? 0);
}

/** A number alone is part of an address where one stands right before or after it. */
function isPart(found: readonly Found[], at: number, text: string): boolean {
  const own = found[at];
  if (own?.kind !== 'address' || own.tokens.some(({ shape }) => shape === 'initial')) return false;
  const before = found[at - 1];
  const after = found[at + 1];
  return (
    (before !== undefined &&
      before.kind !== 'person' &&
      INSIDE.address.test(text.slice(before.end, own.start))) ||
    (after?.kind === 'address' && INSIDE.address.test(text.slice(own.end, after.start)))
  );
}

/** Whether a piece has a word that may be part of a name: most have not. */
function mayName(piece: string): boolean {
  if (/[\p{Lu}\d]/u.test(piece)) return true;
  return (piece.match(/\p{Ll}{3,}/gu) ?? []).some((word) => !isCommon(word));
}

/** Initials and numbers alone are no names, and neither are terms of the trade. */
function isName({ kind, start, tokens }: Found, text: string): boolean {
  if (tokens.every(({ shape }) => shape === 'rare' || shape === 'number'))
    return kind !== 'address' && tokens.some((token) => isKnownName(token.text)) && isAnnounced(text, start);
  const words = tokens.filter(({ shape }) => shape !== 'initial' && shape !== 'number');
  if (words.length === 0) return kind === 'address' && tokens.length > 1;
  return !words.every(({ text: word }) => isTechnical(word));
}

/** Before a name in small letters stands a word that everybody uses, and at most a mark between. */
function isAnnounced(text: string, start: number): boolean {
  const before = /(\p{Ll}{2,})[,:]? $/u.exec(text.slice(Math.max(0, start - LEAD_CHARS), start))?.[1];
  return before !== undefined && isCommon(before);
}
