/** Names that stand for personal data: the same one for the same value, as `<PERSON_1>`. */
import { PII_KINDS, type PiiKind } from './kinds.ts';

/** Values that are told apart; beyond them they share the name that ends in 0. */
const MAX_VALUES = 10_000;

const KINDS = PII_KINDS.map((kind) => kind.toUpperCase()).join('|');

/** A name of a value; models write some of them in small letters. */
const PSEUDONYM = new RegExp(`<(${KINDS})_(\\d{1,5})>`, 'gi');
/** What may be the beginning of one, at the end of a text. */
export const OPEN_PSEUDONYM = /<[a-z_]{0,15}\d{0,5}$/i;

export class Pseudonyms {
  readonly #names = new Map<string, string>();
  readonly #values = new Map<string, string>();
  readonly #counts = new Map<PiiKind, number>();

  /** The name of a value. */
  of(kind: PiiKind, value: string): string {
    const key = `${kind} ${sameAs(kind, value)}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    if (this.#names.size >= MAX_VALUES) return `<${kind.toUpperCase()}_0>`;
    const name = this.#next(kind);
    this.#names.set(key, name);
    this.#values.set(name, value);
    return name;
  }

  /** The value that a name stands for; undefined where it is none of ours. */
  valueOf(name: string): string | undefined {
    return this.#values.get(name.toUpperCase());
  }

  /** Names that a text has already are given to nothing else. */
  reserve(text: string): void {
    for (const [, kind = '', number] of text.matchAll(PSEUDONYM)) {
      const found = PII_KINDS.find((one) => one === kind.toLowerCase());
      if (found !== undefined)
        this.#counts.set(found, Math.max(this.#counts.get(found) ?? 0, Number(number)));
    }
  }

  #next(kind: PiiKind): string {
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    return `<${kind.toUpperCase()}_${count}>`;
  }
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
