/** In which order pieces of a context are worth keeping. */
import { cosine } from '../arbitration/arbitration.ts';
import type { Piece } from './pieces.ts';

/** Vectors of the question and of the pieces, in their order. */
export interface PieceVectors {
  readonly question: readonly number[];
  readonly pieces: readonly (readonly number[])[];
}

/** What relevance to the question weighs; the rest is recency. */
const RELEVANCE_WEIGHT = 0.7;

/** Worth of each piece in [0, 1]: how near it is to the question, and how late it was said. */
function worthOf(count: number, vectors: PieceVectors): number[] {
  return Array.from({ length: count }, (_, i) => {
    const relevance = (cosine(vectors.question, vectors.pieces[i] ?? []) + 1) / 2;
    return RELEVANCE_WEIGHT * relevance + (1 - RELEVANCE_WEIGHT) * ((i + 1) / count);
  });
}

/** Pieces by their worth, the best first; of equals the later. */
export function byWorth(pieces: readonly Piece[], vectors: PieceVectors): Piece[] {
  const worth = worthOf(pieces.length, vectors);
  return [...pieces.keys()]
    .sort((a, b) => (worth[b] ?? 0) - (worth[a] ?? 0) || b - a)
    .flatMap((i) => pieces[i] ?? []);
}

/**
 * Pieces in the order in which they stand for all of them: first the anchors, which are the first and the last one,
 * then always the one that brings the others nearest to one that is kept, counted by their worth. Each prefix of it
 * is the medoids of so many clusters (the BUILD phase of PAM, Kaufman and Rousseeuw 1990).
 */
export function byCoverage(pieces: readonly Piece[], vectors: PieceVectors): Piece[] {
  const count = pieces.length;
  const worth = worthOf(count, vectors);
  const near = nearness(vectors.pieces.slice(0, count));
  const covered = new Array<number>(count).fill(0);
  const left = new Set(pieces.keys());
  const order: number[] = [];
  const take = (i: number) => {
    left.delete(i);
    order.push(i);
    for (let j = 0; j < count; j++) covered[j] = Math.max(covered[j] ?? 0, near[i]?.[j] ?? 0);
  };
  for (const anchor of new Set([count - 1, 0])) if (left.has(anchor)) take(anchor);
  while (left.size > 0) {
    let best = -1;
    let most = Number.NEGATIVE_INFINITY;
    for (const i of left) {
      let gain = 0;
      for (let j = 0; j < count; j++)
        gain += (worth[j] ?? 0) * Math.max(0, (near[i]?.[j] ?? 0) - (covered[j] ?? 0));
      if (gain > most) {
        most = gain;
        best = i;
      }
    }
    take(best);
  }
  return order.flatMap((i) => pieces[i] ?? []);
}

/** How near each two vectors are, in [0, 1]. */
function nearness(vectors: PieceVectors['pieces']): number[][] {
  const units = vectors.map((vector) => {
    const length = Math.hypot(...vector);
    return Float64Array.from(vector, (x) => (length === 0 ? 0 : x / length));
  });
  const near = units.map(() => new Array<number>(units.length).fill(1));
  for (const [i, a] of units.entries())
    for (const [j, b] of units.slice(0, i).entries()) {
      let dot = 0;
      for (let k = 0; k < a.length; k++) dot += (a[k] ?? 0) * (b[k] ?? 0);
      for (const [x, y] of [
        [i, j],
        [j, i],
      ] as const)
        (near[x] as number[])[y] = (dot + 1) / 2;
    }
  return near;
}
