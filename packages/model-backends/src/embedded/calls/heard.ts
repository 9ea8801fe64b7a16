/** What a model wrote, as text and tokens. */

import type { LlamaModel, Token } from 'node-llama-cpp';

export interface Heard {
  readonly text: string;
  readonly tokens: readonly Token[];
}

/** The tokens of the text before a later part: the model's own, where the part begins between two of them. */
export function tokensBefore(
  part: string,
  { heard, model }: { readonly heard: readonly Heard[]; readonly model: LlamaModel },
): Token[] {
  const whole = heard.map(({ text }) => text).join('');
  const until = Math.max(0, whole.lastIndexOf(part));
  const tokens: Token[] = [];
  let at = 0;
  for (const piece of heard) {
    if (at + piece.text.length > until) break;
    tokens.push(...piece.tokens);
    at += piece.text.length;
  }
  return [...tokens, ...model.tokenize(whole.slice(at, until))];
}
