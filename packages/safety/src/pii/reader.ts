/** Reads a text that comes in pieces and tells what of it is personal; what it tells does not hang on the pieces. */
import { type Detected, detect } from './detect.ts';
import { PII_KINDS, type PiiKind, type Span } from './kinds.ts';
import type { ChainState } from './names/model.ts';
import { CONTEXT_CHARS } from './recogniser.ts';
import { MAX_SEGMENT_CHARS, Segmenter } from './segments.ts';

/** Of a segment without a place to cut, so much is kept back to be read with what follows. */
const OVERLAP_CHARS = 160;

export interface ReaderOptions {
  /** The text is JSON, whose escapes are read as what they stand for. */
  readonly json?: boolean;
  readonly kinds?: ReadonlySet<PiiKind>;
}

export const ALL_KINDS: ReadonlySet<PiiKind> = new Set(PII_KINDS);

/** A part of a text that has been read; the spans are counted from its beginning. */
export interface Part {
  readonly text: string;
  readonly spans: readonly Span[];
}

export class PiiReader {
  readonly #json: boolean;
  readonly #kinds: ReadonlySet<PiiKind>;
  readonly #segments: Segmenter;
  #before = '';
  #names: ChainState | undefined;

  constructor({ json = false, kinds = ALL_KINDS }: ReaderOptions = {}) {
    this.#json = json;
    this.#kinds = kinds;
    this.#segments = new Segmenter((segment) => cutOf(segment, this.#detect(segment).spans));
  }

  /** Characters that wait for what follows them. */
  get held(): number {
    return this.#segments.held;
  }

  *push(text: string): Generator<Part> {
    for (const segment of this.#segments.push(text)) yield this.#part(segment);
  }

  *end(): Generator<Part> {
    const rest = this.#segments.end();
    if (rest !== '') yield this.#part(rest);
  }

  #part(text: string): Part {
    const { spans, names } = this.#detect(text);
    this.#names = names;
    this.#before = `${this.#before}${text}`.slice(-CONTEXT_CHARS);
    return { text, spans };
  }

  #detect(text: string): Detected {
    return detect(text, {
      before: this.#before,
      json: this.#json,
      kinds: this.#kinds,
      names: this.#names,
    });
  }
}

/** What of a whole text is personal. */
export function piiIn(text: string, options?: ReaderOptions): readonly Span[] {
  const reader = new PiiReader(options);
  const spans: Span[] = [];
  let at = 0;
  for (const part of [...reader.push(text), ...reader.end()]) {
    for (const { kind, start, end } of part.spans) spans.push({ kind, start: at + start, end: at + end });
    at += part.text.length;
  }
  return spans;
}

/** Where a segment is cut that has no place for it: nothing that is found goes on over it. Undefined: it grows. */
function cutOf(segment: string, spans: readonly Span[]): number | undefined {
  const open = openFrom(segment);
  if (open !== undefined && open < segment.length - OVERLAP_CHARS) return open === 0 ? undefined : open;
  const most = segment.length - OVERLAP_CHARS;
  const mark = lastMark(segment, most);
  const wanted = mark > MAX_SEGMENT_CHARS / 4 ? mark : most;
  const over = spans.find(({ start, end }) => start < wanted && wanted < end);
  if (over === undefined) return wholeCharacter(segment, wanted);
  return over.start > 0 ? over.start : over.end;
}

/** Where something begins that may be a long secret which has not ended: a private key, or a token. */
function openFrom(segment: string): number | undefined {
  const key = segment.lastIndexOf('-----BEGIN ');
  if (key >= 0 && !segment.includes('-----END ', key)) return key;
  const token = /(?<![\w.-])[\w.-]{1,20000}$/.exec(segment);
  return token?.index;
}

function lastMark(segment: string, before: number): number {
  for (let at = before; at > 0; at--) if (/[\s,;{}()[\]<>|]/.test(segment[at - 1] ?? '')) return at;
  return 0;
}

function wholeCharacter(segment: string, at: number): number {
  const code = segment.charCodeAt(at);
  return code >= 0xdc00 && code < 0xe000 ? at - 1 : at;
}
