/**
 * How much answers disagree: the collision entropy (Rényi's of order 2) of their likeness as a density matrix,
 * −log Σ (kᵢⱼ / n)² of log n. 0: all say the same; 1: no two do. `likeness(i, j)` is in [0, 1], the same both ways.
 * It is kernel language entropy (Nikitin et al., 2024) of another order, which needs no eigenvalues.
 */
export function disagreementOf(count: number, likeness: (one: number, other: number) => number): number {
  if (count < 2) return 0;
  let sum = 0;
  for (let one = 0; one < count; one++)
    for (let other = 0; other < count; other++) sum += (one === other ? 1 : likeness(one, other)) ** 2;
  return Math.min(1, Math.max(0, -Math.log(sum / count ** 2) / Math.log(count)));
}
