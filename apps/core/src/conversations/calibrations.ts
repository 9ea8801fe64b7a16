import { type ChatMessage, textOf } from '@mcp/contracts';

/** Models with a kind of text that are remembered; those learnt of first are forgotten first. */
const MAX_RATIOS = 4000;
/** Weight of each new ratio: some twenty calls are looked back on. */
const WEIGHT = 0.1;
/** So many characters of each message say of what kind it is. */
const READ_CHARS = 500;
/** A script that is less of a text than this does not make its kind. */
const MIN_SHARE = 0.05;
/** Scripts that vocabularies take very differently, by the first code unit beyond each. */
const SCRIPTS = [0x80, 0x250, 0x590, 0x2000, 0x2e80, 0xd800, 0xe000, 0x10000] as const;

/**
 * How many real tokens a counted one of each model is, learnt from what models report, by the scripts of the text. It
 * is where a conversation begins that has no reports of its own yet; those are in its records, and go before it.
 */
export class Calibrations {
  readonly #ratios = new Map<string, number>();

  /** For a kind of text that was not seen yet, the model's other ones say it. */
  ratioOf(model: string, messages: readonly ChatMessage[]): number {
    return this.#ratios.get(keyOf(model, messages)) ?? this.#ratios.get(model) ?? 1;
  }

  learn(
    model: string,
    messages: readonly ChatMessage[],
    seen: { readonly counted_tokens: number; readonly input_tokens: number },
  ): void {
    if (seen.counted_tokens <= 0 || seen.input_tokens <= 0) return;
    const ratio = Math.min(4, Math.max(0.25, seen.input_tokens / seen.counted_tokens));
    for (const key of [model, keyOf(model, messages)]) {
      const before = this.#ratios.get(key) ?? ratio;
      this.#ratios.delete(key);
      this.#ratios.set(key, before + WEIGHT * (ratio - before));
    }
    for (const oldest of this.#ratios.keys()) {
      if (this.#ratios.size <= MAX_RATIOS) break;
      this.#ratios.delete(oldest);
    }
  }
}

/** A model with the scripts that make up the messages. */
function keyOf(model: string, messages: readonly ChatMessage[]): string {
  const found = new Array<number>(SCRIPTS.length).fill(0);
  let all = 0;
  for (const { content } of messages) {
    const text = textOf(content, { picture: () => '' }).slice(0, READ_CHARS);
    all += text.length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      const script = code < SCRIPTS[0] ? 0 : SCRIPTS.findIndex((beyond) => code < beyond);
      found[script] = (found[script] ?? 0) + 1;
    }
  }
  const scripts = found.flatMap((count, script) => (count > all * MIN_SHARE ? [script] : []));
  return `${model} ${scripts.join()}`;
}
