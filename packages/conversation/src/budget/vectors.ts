/** Vectors of texts where there is no embedding model: what they have in common are words. */

const DIMENSIONS = 256;
const MAX_CHARS = 8000;

/**
 * A vector for each text: its words, hashed, each weighted by how often it stands in this text and how few of the
 * others have it (tf–idf, Salton and Buckley 1988). Their cosine is the lexical overlap of two texts.
 */
export function lexicalVectors(texts: readonly string[]): number[][] {
  const words = texts.map(
    (text) =>
      text
        .slice(0, MAX_CHARS)
        .toLowerCase()
        .match(/[\p{L}\p{N}]+/gu) ?? [],
  );
  const having = new Map<string, number>();
  for (const list of words) for (const word of new Set(list)) having.set(word, (having.get(word) ?? 0) + 1);
  return words.map((list) => {
    const vector = new Array<number>(DIMENSIONS).fill(0);
    for (const word of list) {
      const at = hashOf(word) % DIMENSIONS;
      vector[at] = (vector[at] ?? 0) + Math.log(1 + texts.length / (having.get(word) ?? 1));
    }
    return vector;
  });
}

/** FNV-1a, 32 bits. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
