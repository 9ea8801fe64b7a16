/** Names that stand for personal data: the same one for the same value, as `<PERSON_1>`. */
import { z } from 'zod';
import { PII_KINDS, type PiiKind } from './kinds.ts';

/** Values that are told apart; beyond them they share the name that ends in 0. */
const MAX_VALUES = 10_000;
/** Values that are looked for in other texts, the first ones. */
const MAX_SOUGHT = 500;
/** Shorter values are parts of too many words. */
const LEAST_SOUGHT_CHARS = 3;

const KINDS = PII_KINDS.map((kind) => kind.toUpperCase()).join('|');

/** A name of a value; models write some of them in small letters. */
export const PSEUDONYM = new RegExp(`<(${KINDS})_(\\d{1,5})>`, 'gi');
/** What may be the beginning of one, at the end of a text. */
export const OPEN_PSEUDONYM = /<[a-z_]{0,15}\d{0,5}$/i;

/** Values, and the names that stand for them. */
export const PiiEntries = z.array(
  z.object({ name: z.string().max(40), kind: z.enum(PII_KINDS), value: z.string().max(20_000) }),
);
export type PiiEntries = z.infer<typeof PiiEntries>;

export class Pseudonyms {
  readonly #names = new Map<string, string>();
  readonly #values = new Map<string, { readonly kind: PiiKind; readonly value: string }>();
  readonly #counts = new Map<PiiKind, number>();

  /** The name of a value. */
  of(kind: PiiKind, value: string): string {
    const key = `${kind} ${sameAs(kind, value)}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    if (this.#names.size >= MAX_VALUES) return `<${kind.toUpperCase()}_0>`;
    const name = this.#next(kind);
    this.#names.set(key, name);
    this.#values.set(name, { kind, value });
    return name;
  }

  /** The value that a name stands for; undefined where it is none of ours. */
  valueOf(name: string): string | undefined {
    return this.#values.get(name.toUpperCase())?.value;
  }

  /** The values with their names, the first ones. */
  entries(most: number): PiiEntries {
    return [...this.#values].slice(0, most).map(([name, { kind, value }]) => ({ name, kind, value }));
  }

  /** Takes over names that were given before, in front of any that are given here. */
  learn(entries: PiiEntries): void {
    for (const { name, kind, value } of entries) {
      this.#names.set(`${kind} ${sameAs(kind, value)}`, name);
      this.#values.set(name, { kind, value });
      this.reserve(name);
    }
  }

  /** Names that a text has already are given to nothing else. */
  reserve(text: string): void {
    if (!text.includes('<')) return;
    for (const [, kind = '', number] of text.matchAll(PSEUDONYM)) {
      const found = PII_KINDS.find((one) => one === kind.toLowerCase());
      if (found !== undefined)
        this.#counts.set(found, Math.max(this.#counts.get(found) ?? 0, Number(number) % MAX_VALUES));
    }
  }

  /** A text with values that are known already replaced, wherever they stand as words of their own. */
  replaced(text: string, onFound: (kind: PiiKind) => void = () => undefined): string {
    let out = text;
    let sought = 0;
    for (const [name, { kind, value }] of this.#values) {
      if (++sought > MAX_SOUGHT) break;
      if (value.length < LEAST_SOUGHT_CHARS || !out.includes(value)) continue;
      out = replacedWord(out, value, () => {
        onFound(kind);
        return name;
      });
    }
    return out;
  }

  /** The same of a JSON text, which stays one. */
  replacedInJson(text: string, onFound?: (kind: PiiKind) => void): string {
    if (this.#values.size === 0) return text;
    return text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.]*(?:[eE][+-]?\d+)?/g, (token) => {
      const quoted = token.startsWith('"');
      const said = quoted ? unescaped(token.slice(1, -1)) : token.replace(/^-/, '');
      const out = this.replaced(said, onFound);
      return out === said ? token : JSON.stringify(out);
    });
  }

  #next(kind: PiiKind): string {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    return `<${kind.toUpperCase()}_${count}>`;
  }
}

/** What a part of a JSON text stands for; the part itself where it is cut within an escape. */
export function unescaped(part: string): string {
  if (!part.includes('\\')) return part;
  try {
    return String(JSON.parse(`"${part}"`));
  } catch {
    return part;
  }
}

function replacedWord(text: string, value: string, name: () => string): string {
  let out = '';
  let from = 0;
  for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + value.length)) {
    const end = at + value.length;
    if (isWord(text.slice(Math.max(0, at - 1), at)) && isWord(value.slice(0, 1))) continue;
    if (isWord(value.slice(-1)) && isWord(text.slice(end, end + 1))) continue;
    out += `${text.slice(from, at)}${name()}`;
    from = end;
  }
  return `${out}${text.slice(from)}`;
}

function isWord(char: string): boolean {
  return /^[\p{L}\p{N}]$/u.test(char);
}

/** Case and what stands between digits make no other value. */
function sameAs(kind: PiiKind, value: string): string {
  switch (kind) {
    case 'secret':
    case 'crypto_address':
      return value;
    case 'person':
    case 'location':
    case 'address':
      return value.toLowerCase().replace(/\s+/g, ' ');
    default:
      return value.toLowerCase().replace(/[\s().-]/g, '');
  }
}
