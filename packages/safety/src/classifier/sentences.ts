/** Sentences of a text by where they stand: an order hides best among much that is none, so each is read by itself. */

/** Characters of one; a longer one is cut there. */
const MAX_CHARS = 400;
/** Sentences that are read of a text, the first and the last ones; those between them are not. */
const MAX_FIRST = 100;
const MAX_SENTENCES = 600;
const ENDS = /[.!?](?=\s)|\n\s*\n/g;

export interface Part {
  readonly from: number;
  readonly to: number;
}

export function sentencesIn(text: string): readonly Part[] {
  const parts: Part[] = [];
  let from = 0;
  const add = (end: number) => {
    for (; from < end; from = Math.min(end, from + MAX_CHARS)) {
      const to = Math.min(end, from + MAX_CHARS);
      if (parts.length >= MAX_SENTENCES) parts.splice(MAX_FIRST, 1);
      parts.push({ from, to });
    }
  };
  for (const { index, 0: end } of text.matchAll(ENDS)) add(index + end.length);
  add(text.length);
  return parts;
}

/** Each sentence, and each with the next: what is said in two is found as well. */
export function* spansIn(text: string): Generator<Part> {
  const parts = sentencesIn(text);
  for (const [at, part] of parts.entries()) {
    yield part;
    const next = parts[at + 1];
    if (next !== undefined && next.from === part.to) yield { from: part.from, to: next.to };
  }
}
