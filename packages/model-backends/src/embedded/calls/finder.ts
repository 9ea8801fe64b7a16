/** Finds where function calls begin in what a model writes, however it is cut into pieces. Pure. */

import type { CallMarker, MarkerPart } from './syntax.ts';

export interface FoundCall {
  /** What stands before `{"name": …`. */
  readonly before: string;
  /** The function, where the beginning names it already. */
  readonly name: string | undefined;
  /** The beginning as the model wrote it. */
  readonly written: string;
}

export interface CallFinderOptions {
  readonly markers: readonly CallMarker[];
  readonly names: ReadonlySet<string>;
}

type Match =
  | { readonly type: 'whole'; readonly end: number; readonly call: FoundCall }
  /** The text ends before it is decided. */
  | { readonly type: 'begun' }
  | { readonly type: 'none' };

/** White space that may stand in one place of a beginning. */
const MAX_SPACE = 32;
/** What closes a call, for the models that write it anew after each. */
const CLOSINGS = ['</tool_call>', '</tools>', '```'];

/**
 * Lets text pass until a call begins. Held back is only what may be the beginning of a call, and white space before
 * it, which belongs to neither.
 */
export class CallFinder {
  readonly #options: CallFinderOptions;
  #held = '';
  /** Whether only white space stands in the line that was let pass last. */
  #blank_line = true;

  constructor(options: CallFinderOptions) {
    this.#options = options;
  }

  push(piece: string): { readonly text: string; readonly call?: FoundCall } {
    this.#held += piece;
    for (let at = 0; at < this.#held.length; at++) {
      const match = beginsAt(this.#held, at, { ...this.#options, line_start: this.#isLineStart(at) });
      switch (match.type) {
        case 'whole':
          return { text: this.#pass(at), call: match.call };
        case 'begun':
          return { text: this.#pass(at) };
        case 'none':
          break;
        default:
          match satisfies never;
      }
    }
    return { text: this.#pass(this.#held.length) };
  }

  /** What was held back, when no more comes. */
  end(): string {
    const text = this.#held;
    this.#held = '';
    return text;
  }

  #pass(until: number): string {
    const text = this.#held.slice(0, until).trimEnd();
    this.#blank_line = isBlank(lastLine(text, this.#blank_line));
    this.#held = this.#held.slice(text.length);
    return text;
  }

  #isLineStart(at: number): boolean {
    return isBlank(lastLine(this.#held.slice(0, at), this.#blank_line));
  }
}

/**
 * Says what follows a call: another one, or the end of the calls. Closing marks, commas and white space may stand
 * before another.
 */
export class NextCall {
  readonly #options: CallFinderOptions;
  #text = '';

  constructor(options: CallFinderOptions) {
    this.#options = options;
  }

  /** Undefined while it is not decided. */
  push(
    piece: string,
  ): { readonly type: 'call'; readonly call: FoundCall } | { readonly type: 'end' } | undefined {
    this.#text += piece;
    for (let at = 0; at < this.#text.length; ) {
      const match = beginsAt(this.#text, at, { ...this.#options, line_start: true });
      if (match.type === 'whole') return { type: 'call', call: match.call };
      const rest = this.#text.slice(at);
      const closing =
        CLOSINGS.find((text) => rest.startsWith(text))?.length ?? /^[\s,\]}]/.exec(rest)?.[0].length;
      if (match.type === 'begun' || CLOSINGS.some((text) => text.startsWith(rest) && text !== rest))
        return undefined;
      if (closing === undefined) return { type: 'end' };
      at += closing;
    }
    return undefined;
  }
}

function beginsAt(
  text: string,
  at: number,
  { markers, names, line_start }: CallFinderOptions & { readonly line_start: boolean },
): Match {
  let begun = false;
  for (const marker of markers) {
    if (marker.at_line_start && !line_start) continue;
    const match = matchParts(text, { from: at, parts: marker.parts, names });
    if (match === 'begun') begun = true;
    if (typeof match === 'object')
      return {
        type: 'whole',
        end: match.end,
        call: { before: marker.before, name: match.name, written: text.slice(at, match.end) },
      };
  }
  return { type: begun ? 'begun' : 'none' };
}

interface Parts {
  readonly from: number;
  readonly parts: readonly MarkerPart[];
  readonly names: ReadonlySet<string>;
}

function matchParts(
  text: string,
  { from, parts, names }: Parts,
): 'begun' | 'none' | { readonly end: number; readonly name: string | undefined } {
  let at = from;
  let name: string | undefined;
  for (const part of parts) {
    switch (part.type) {
      case 'text': {
        const rest = text.slice(at, at + part.text.length);
        if (rest !== part.text)
          return at + rest.length === text.length && part.text.startsWith(rest) ? 'begun' : 'none';
        break;
      }
      case 'space':
        at += /^\s*/.exec(text.slice(at, at + MAX_SPACE))?.[0].length ?? 0;
        continue;
      case 'name': {
        name = /^[\w-]*/.exec(text.slice(at))?.[0] ?? '';
        if (at + name.length === text.length)
          return [...names].some((one) => one.startsWith(name ?? '')) ? 'begun' : 'none';
        if (!names.has(name)) return 'none';
        break;
      }
      default:
        part satisfies never;
    }
    at += part.type === 'text' ? part.text.length : (name?.length ?? 0);
  }
  return { end: at, name };
}

/** The line that a text ends in; where it has but one, it goes on the one before. */
function lastLine(text: string, blank_before: boolean): string {
  const at = text.lastIndexOf('\n');
  return at < 0 && !blank_before ? `…${text}` : text.slice(at + 1);
}

function isBlank(text: string): boolean {
  return text.trim() === '';
}
