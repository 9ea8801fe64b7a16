/** Personal data and secrets in texts: found, named, taken out. */
import { PII_KINDS, type PiiKind } from './kinds.ts';
import { Pseudonyms } from './pseudonyms.ts';
import { piiIn } from './reader.ts';
import { redacted } from './redact.ts';

/** Characters that are looked at for tags; a text with more is tagged `unread` beside what was found. */
const MAX_CHARS = 200_000;

export type PiiTag = PiiKind | 'unread';

/** What most people take for personal: the name of a town alone is nobody's. */
const PERSONAL_KINDS: ReadonlySet<PiiKind> = new Set(PII_KINDS.filter((kind) => kind !== 'location'));

/** Kinds of personal data in a text (blueprint phase F), sorted, without the data. */
export function piiTags(text: string): PiiTag[] {
  const tags = new Set<PiiTag>(
    piiIn(text.slice(0, MAX_CHARS), { kinds: PERSONAL_KINDS }).map(({ kind }) => kind),
  );
  if (text.length > MAX_CHARS) tags.add('unread');
  return [...tags].sort();
}

/** The text with its personal data taken out, each value by its name. */
export function redactPii(text: string, pseudonyms = new Pseudonyms()): string {
  return redacted(text, { pseudonyms, kinds: PERSONAL_KINDS });
}
