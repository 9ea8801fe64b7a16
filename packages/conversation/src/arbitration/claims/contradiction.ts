/** Contradictions between the claims of two texts, by evidence that can be read off them. */
import type { ContradictionKind } from '@mcp/contracts';
import { type Claim, overlapOf } from './claims.ts';

/** Two claims that cannot both be so. */
export interface Contradiction {
  readonly a: Claim;
  readonly b: Claim;
  readonly kind: ContradictionKind;
  /** How sure it is, in [0, 1]. */
  readonly strength: number;
}

interface Evidence {
  readonly kind: ContradictionKind;
  readonly strength: number;
}

/** How much each kind of evidence is worth where the claims speak of exactly the same. */
const WORTH: Readonly<Record<ContradictionKind, number>> = {
  verdict: 1,
  negation: 0.9,
  number: 0.9,
  opposite: 0.8,
  quantifier: 0.9,
  name: 0.5,
  judged: 1,
  position: 1,
};

/** Numbers of one kind, years apart, that are closer than this share are taken for the same, rounded. */
const SAME_NUMBER = 0.03;

/** The contradictions between the claims of two texts from a strength on, the surest first. */
export function contradictionsBetween(
  a: readonly Claim[],
  b: readonly Claim[],
  least: number,
): Contradiction[] {
  const found: Contradiction[] = [];
  for (const one of a)
    for (const other of b) {
      const evidence = evidenceBetween(one, other, least);
      if (evidence !== undefined) found.push({ a: one, b: other, ...evidence });
    }
  return found.sort((x, y) => y.strength - x.strength);
}

/** The strongest evidence that two claims contradict each other, from a strength on; undefined where there is none. */
export function evidenceBetween(a: Claim, b: Claim, least = 0): Evidence | undefined {
  const answers = a.verdict !== undefined && b.verdict !== undefined && a.verdict !== b.verdict;
  const about = overlapOf(a.stems, b.stems);
  // No evidence is worth more than how far they speak of the same; nearly all pairs end here.
  if (!answers && (about === 0 || about < least)) return undefined;
  // Who denies the opposite says the same.
  const denied = a.negated !== b.negated;
  const opposite = onOppositeSides(a, b);
  const kinds: readonly (readonly [ContradictionKind, boolean])[] = [
    ['quantifier', quantifiersApart(a, b)],
    ['negation', denied && !opposite],
    ['number', numbersApart(a, b)],
    ['opposite', opposite && !denied],
    ['name', namesApart(a, b)],
  ];
  const all = kinds.filter(([, seen]) => seen).map(([kind]) => ({ kind, strength: WORTH[kind] * about }));
  if (answers) all.push({ kind: 'verdict', strength: WORTH.verdict });
  const [best] = all.sort((x, y) => y.strength - x.strength);
  return best === undefined || best.strength < least ? undefined : best;
}

/** Whether both count the same kind of thing, and no count of the one is in the other. */
function numbersApart(a: Claim, b: Claim): boolean {
  const kinds = new Set(a.quantities.map(({ of }) => of));
  for (const kind of kinds) {
    const mine = a.quantities.filter(({ of }) => of === kind);
    const theirs = b.quantities.filter(({ of }) => of === kind);
    const near = kind === 'year' ? 0 : SAME_NUMBER;
    const met = mine.some((one) => theirs.some((other) => isSame(one.value, other.value, near)));
    if (theirs.length > 0 && !met) return true;
  }
  return false;
}

function isSame(a: number, b: number, near: number): boolean {
  return Math.abs(a - b) <= near * Math.max(Math.abs(a), Math.abs(b));
}

function quantifiersApart(a: Claim, b: Claim): boolean {
  return a.universal !== undefined && b.universal !== undefined && a.universal !== b.universal;
}

function onOppositeSides(a: Claim, b: Claim): boolean {
  for (const [pair, side] of a.sides) {
    const other = b.sides.get(pair);
    if (other !== undefined && other !== side) return true;
  }
  return false;
}

/** Nearly the same words with other names in them. */
function namesApart(a: Claim, b: Claim): boolean {
  if (a.names.size === 0 || b.names.size === 0) return false;
  return ![...a.names].some((name) => b.names.has(name));
}
