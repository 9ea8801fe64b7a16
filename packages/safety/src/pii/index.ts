/** Personal data and secrets in texts: found, named, taken out. */
import type { PiiKind } from './kinds.ts';
import { PERSONAL_KINDS } from './policy.ts';
import { PSEUDONYM, Pseudonyms } from './pseudonyms.ts';
import { piiIn } from './reader.ts';
import { redacted } from './redact.ts';

/** Characters that are looked at for tags; a text with more is tagged `unread` beside what was found. */
const MAX_CHARS = 200_000;

export type PiiTag = PiiKind | 'unread';

const PERSONAL: ReadonlySet<PiiKind> = new Set(PERSONAL_KINDS);

/** Kinds of personal data in a text (blueprint phase F), sorted, without the data. */
export function piiTags(text: string): PiiTag[] {
  const tags = new Set<PiiTag>(piiIn(text.slice(0, MAX_CHARS), { kinds: PERSONAL }).map(({ kind }) => kind));
  if (text.length > MAX_CHARS) tags.add('unread');
  return [...tags].sort();
}

/** Kinds of what names stand for in a text, as `replaced:email`. */
export function replacedTags(text: string): string[] {
  if (!text.includes('<')) return [];
  const kinds = [...text.matchAll(PSEUDONYM)].map(([, kind = '']) => kind.toLowerCase());
  return [...new Set(kinds)].sort().map((kind) => `replaced:${kind}`);
}

/** The text with its personal data taken out, each value by its name. */
export function redactPii(text: string, pseudonyms = new Pseudonyms()): string {
  return redacted(text, { pseudonyms, kinds: PERSONAL });
}
