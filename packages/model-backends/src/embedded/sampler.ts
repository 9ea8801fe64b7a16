/** How to choose among the next tokens, as on OpenAI's wire. */
export interface Sampling {
  readonly temperature: number;
  readonly top_p: number;
  /** 0: all. */
  readonly top_k: number;
  readonly min_p: number;
  readonly frequency_penalty: number;
  readonly presence_penalty: number;
  readonly seed: number;
}

/** Candidates looked at beyond the likeliest: the rest has no chance to speak of. */
const MAX_CANDIDATES = 1000;

/** Chooses tokens from the model's own distribution; the same seed chooses the same. */
export class Sampler<T> {
  readonly #sampling: Sampling;
  readonly #random: () => number;
  readonly #said = new Map<T, number>();

  constructor(sampling: Sampling) {
    this.#sampling = sampling;
    this.#random = mulberry32(sampling.seed);
  }

  /** `probabilities` must be sorted, the likeliest first. */
  choose(probabilities: ReadonlyMap<T, number>): T {
    const { temperature, top_p, top_k, min_p } = this.#sampling;
    const weighted = this.#weighted(
      probabilities,
      top_k > 0 ? Math.min(top_k, MAX_CANDIDATES) : MAX_CANDIDATES,
    );
    const [first] = weighted;
    if (first === undefined) throw new Error('the model gave no distribution');
    if (temperature === 0) return this.#note(first.token);
    const kept: { token: T; weight: number }[] = [];
    const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
    let mass = 0;
    for (const candidate of weighted) {
      if (kept.length > 0 && (mass >= top_p * total || candidate.weight < min_p * first.weight)) break;
      mass += candidate.weight;
      kept.push({ token: candidate.token, weight: (candidate.weight / first.weight) ** (1 / temperature) });
    }
    let left = this.#random() * kept.reduce((sum, { weight }) => sum + weight, 0);
    for (const { token, weight } of kept) {
      left -= weight;
      if (left <= 0) return this.#note(token);
    }
    return this.#note(first.token);
  }

  /** The likeliest, their weights lowered by the penalties on what was said already. */
  #weighted(probabilities: ReadonlyMap<T, number>, count: number): { token: T; weight: number }[] {
    const { frequency_penalty, presence_penalty } = this.#sampling;
    const out: { token: T; weight: number }[] = [];
    for (const [token, probability] of probabilities) {
      if (out.length >= count || probability <= 0) break;
      const times = this.#said.get(token) ?? 0;
      const penalty = times === 0 ? 0 : times * frequency_penalty + presence_penalty;
      out.push({ token, weight: probability * Math.exp(-penalty) });
    }
    return out.sort((a, b) => b.weight - a.weight);
  }

  #note(token: T): T {
    this.#said.set(token, (this.#said.get(token) ?? 0) + 1);
    return token;
  }
}

/** A small seeded generator (Tommy Ettinger's mulberry32); for choosing words, not for secrets. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
