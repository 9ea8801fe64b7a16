/** Statistics of paired rounds: medians and bootstrap intervals (Efron 1979, percentile method). */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const mid = Math.floor(sorted.length / 2);
  const high = sorted[mid] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[mid - 1] ?? Number.NaN) + high) / 2;
}

/** The value below which a share `q` of the values lies (nearest rank). */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? Number.NaN;
}

interface Interval {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Median with a 95 % bootstrap interval over rounds. The generator is seeded, so that the same rounds give the same interval. */
export function bootstrapMedian(values: readonly number[], draws = 2000): Interval {
  const random = mulberry32(0x5eed);
  const medians = Array.from({ length: draws }, () =>
    median(Array.from(values, () => values[Math.floor(random() * values.length)] ?? Number.NaN)),
  ).sort((a, b) => a - b);
  return {
    median: median(values),
    low: medians[Math.floor(draws * 0.025)] ?? Number.NaN,
    high: medians[Math.floor(draws * 0.975)] ?? Number.NaN,
  };
}

/** A figure over `count` items with its 95 % bootstrap interval; `of` is given the items that were drawn. */
export function bootstrapFigure(count: number, of: (picked: readonly number[]) => number, draws = 2000) {
  const random = mulberry32(0x5eed);
  const all = Array.from({ length: count }, (_, at) => at);
  const drawn = Array.from({ length: draws }, () => of(all.map(() => Math.floor(random() * count)))).sort(
    (a, b) => a - b,
  );
  const at = (share: number) => drawn[Math.floor(draws * share)] ?? Number.NaN;
  return { value: of(all), low: at(0.025), high: at(0.975) };
}

export function shuffled<T>(items: readonly T[]): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}

/** Seeded random numbers in [0, 1). */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
