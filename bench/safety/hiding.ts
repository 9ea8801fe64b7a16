/** Orders to a model hidden in documents, as tools give them. */
import type { Corpus } from './corpora.ts';

/** Characters from which a text is a document, and up to which one is an order. */
const DOCUMENT_CHARS = 300;
const ORDER_CHARS = 400;

export const documentsOf = ({ texts }: Corpus) =>
  texts.map(({ text }) => text).filter(({ length }) => length > DOCUMENT_CHARS);
export const ordersOf = ({ texts }: Corpus) =>
  texts.flatMap(({ text, attack }) => (attack && text.length <= ORDER_CHARS ? [text] : []));

export function pick<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(random() * list.length)] as T;
}

/** Between two sentences of the first twelve. */
export function hidden(document: string, order: string, random: () => number): string {
  const sentences = document.split(/(?<=[.!?])\s+/);
  sentences.splice(Math.floor(random() * (Math.min(12, sentences.length) + 1)), 0, order);
  return sentences.join(' ');
}

/** So many of them, whichever. */
export function sampled<T>(list: readonly T[], count: number, random: () => number): T[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out.slice(0, count);
}
