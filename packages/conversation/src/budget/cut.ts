/** Cuts text where a sentence ends. */

/** Stands where a text was cut. */
export const MARKER = ' […] ';
/** Stands between sentences where others were left out. There may be many: in all vocabularies it takes little. */
export const GAP = ' ... ';
const MAX_TAIL_CHARS = 400;

/** The end of a sentence with the white space after it, without which a full stop may be that of a number. */
const SENTENCE_END = /[.!?…]["'”’)\]]*\s+|[。！？]["'”’)\]]*\s*|\n+/gu;

/** Where sentences end in a text: indexes after the white space that follows. */
export function sentenceEnds(text: string): number[] {
  return Array.from(text.matchAll(SENTENCE_END), ({ index, 0: found }) => index + found.length);
}

/** A text in its sentences, neighbours joined up to about `chars` each; joined they are the text again. */
export function chunksOf(text: string, chars: number): string[] {
  const chunks: string[] = [];
  let from = 0;
  let last = 0;
  for (const end of [...sentenceEnds(text), text.length]) {
    if (end - from > chars && last > from) {
      chunks.push(text.slice(from, last));
      from = last;
    }
    last = end;
  }
  if (last > from) chunks.push(text.slice(from, last));
  return chunks;
}

/**
 * At most `size` characters and a marker where the rest was: the beginning, to the end of a sentence where one ends
 * in its last quarter, and a little of the end, where the task of a turn stands.
 */
export function cut(text: string, size: number): string {
  if (size >= text.length) return text;
  const tail_size = Math.min(MAX_TAIL_CHARS, Math.floor(size / 4));
  const head = text.slice(0, size - tail_size).replace(/[\uD800-\uDBFF]$/, '');
  const end = Math.max(
    head.lastIndexOf('. '),
    head.lastIndexOf('! '),
    head.lastIndexOf('? '),
    head.lastIndexOf('\n'),
  );
  const tail = tail_size === 0 ? '' : text.slice(-tail_size).replace(/^[\uDC00-\uDFFF]/, '');
  return `${end > 0.75 * head.length ? head.slice(0, end + 1) : head}${MARKER}${tail}`;
}
