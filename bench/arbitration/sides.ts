/** Which of two contradicting sources an answer takes over: by words and numbers that are in one source alone. */
import { claimsOf } from '@mcp/conversation';
import type { Item } from './corpus.ts';

/** From this share of a source's own words on, an answer has taken it over. */
const TAKEN = 0.25;

/** `one`: it says what one source says and is silent on the other, which contradicts it. */
export type Side = 'none' | 'one' | 'both';

export function sideOf(answer: string, { question, sources }: Item): Side {
  const said = wordsOf(answer);
  const asked = wordsOf(question);
  const taken = sources.filter((source, at) => {
    const others = new Set(
      sources.filter((_, other) => other !== at).flatMap((other) => [...wordsOf(other)]),
    );
    const own = [...wordsOf(source)].filter((word) => !others.has(word) && !asked.has(word));
    const found = own.filter((word) => said.has(word));
    return own.length > 0 && found.length / own.length >= TAKEN;
  });
  return taken.length === 0 ? 'none' : taken.length === 1 ? 'one' : 'both';
}

/** Stems and numbers of a text. */
function wordsOf(text: string): Set<string> {
  const claims = claimsOf(text);
  return new Set(
    claims.flatMap(({ stems, quantities }) => [
      ...stems,
      ...quantities.map(({ of, value }) => `${of}=${value}`),
    ]),
  );
}
