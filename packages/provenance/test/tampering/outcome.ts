/** What became of one tampering, and a generator with a seed to choose it with. */

export const KINDS = [
  'bit flip',
  'deletion',
  'reordering',
  'truncation',
  'insertion',
  'replay',
  'rollback',
  'split view',
  'swapped signature',
] as const;
export type Kind = (typeof KINDS)[number];

export interface Outcome {
  readonly target: 'log files' | 'checkpoint' | 'conversation log' | 'proof bundle';
  readonly kind: Kind;
  readonly found: boolean;
  /** Whether the verdict names the record or entry that is wrong; undefined: there is none to name, as of a signature. */
  readonly named: boolean | undefined;
  readonly said: string;
}

/** What a verifier said. */
export interface Said {
  readonly ok: boolean;
  readonly at: number | null;
  readonly reason: string;
}

/** Those that may be named, of which one is wrong; null: none in particular. */
export function outcomeOf(
  what: Pick<Outcome, 'target' | 'kind'>,
  { ok, at, reason }: Said,
  expected: readonly number[] | null,
): Outcome {
  const named = expected === null ? undefined : at !== null && expected.includes(at);
  return {
    ...what,
    found: !ok,
    named,
    said: `${at}, expected ${expected?.join(' or ') ?? 'none'}: ${reason}`,
  };
}

export interface Chance {
  /** A whole number from 0 to before `most`. */
  below(most: number): number;
  pick<T>(items: readonly T[]): T;
}

/** A small generator with a seed (mulberry32). */
export function chanceOf(seed: number): Chance {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (most: number) => Math.floor(next() * most);
  return { below, pick: (items) => items[below(items.length)] as (typeof items)[number] };
}

/** The bytes with one bit another. */
export function flipped(bytes: Buffer, at: number, chance: Chance): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ (1 << chance.below(8));
  return changed;
}
