/** Names that stand for personal data: the same one for the same value, as `<PERSON_1>`. */
import type { PiiKind } from './kinds.ts';

/** Values that are told apart; beyond them they share the name that ends in 0. */
const MAX_VALUES = 10_000;

export class Pseudonyms {
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<PiiKind, number>();

  /** The name of a value. */
  of(kind: PiiKind, value: string): string {
    const key = `${kind} ${sameAs(kind, value)}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    if (this.#names.size >= MAX_VALUES) return `<${kind.toUpperCase()}_0>`;
    const name = this.#next(kind);
    this.#names.set(key, name);
    return name;
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
