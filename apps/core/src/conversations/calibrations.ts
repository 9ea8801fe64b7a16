/** Models that are remembered; those learnt of first are forgotten first. */
const MAX_MODELS = 1000;
/** Weight of each new ratio: some twenty calls are looked back on. */
const WEIGHT = 0.1;

/**
 * How many real tokens a counted one of each model is, learnt from what models report. It is where a conversation
 * begins that has no reports of its own yet; those are in its records, and go before it.
 */
export class Calibrations {
  readonly #ratios = new Map<string, number>();

  ratioOf(model: string): number {
    return this.#ratios.get(model) ?? 1;
  }

  learn(model: string, seen: { readonly counted_tokens: number; readonly input_tokens: number }): void {
    if (seen.counted_tokens <= 0 || seen.input_tokens <= 0) return;
    const ratio = Math.min(4, Math.max(0.25, seen.input_tokens / seen.counted_tokens));
    const before = this.#ratios.get(model) ?? ratio;
    this.#ratios.delete(model);
    this.#ratios.set(model, before + WEIGHT * (ratio - before));
    const [oldest] = this.#ratios.keys();
    if (this.#ratios.size > MAX_MODELS && oldest !== undefined) this.#ratios.delete(oldest);
  }
}
