/** What one row of the registry says: how a kind of personal data is told from everything else. */
import type { PiiKind } from './kinds.ts';

/** What a piece of text must have, or a recogniser is not even asked: most pieces have little. */
export interface Needs {
  /** So many digits. */
  readonly digits?: number;
  /** So many characters in a row that are no blanks. */
  readonly run?: number;
  /** One of these characters. */
  readonly char?: '@' | ':' | '-----';
  /** Found in it or before it. */
  readonly cue?: RegExp;
}

interface Row {
  /** Shown in `docs/personal-data.md`. */
  readonly name: string;
  readonly kind: PiiKind;
  /** What is checked beside the form, for the same page. */
  readonly checked: string;
  readonly needs: Needs;
}

interface Pattern extends Row {
  /** Global and linear: no nested quantifiers over the same characters, every quantifier bounded. */
  readonly pattern: RegExp;
  /** Whether what has the form is one. Given what stands before it and after it. */
  readonly holds?: (match: string, around: Around) => boolean;
  /** Words of which one must stand in the characters before. */
  readonly context?: RegExp;
  /** Readings of a match that may have swallowed what comes after it, the longest first. */
  readonly shorter?: (match: string) => readonly string[];
}

interface Finder extends Row {
  readonly find: (text: string) => Iterable<{ readonly from: number; readonly to: number }>;
}

export type Recogniser = Pattern | Finder;
export type PatternRow = Pattern;

export interface Around {
  readonly before: string;
  readonly after: string;
}

/** Characters before a match in which its context is looked for. */
export const CONTEXT_CHARS = 64;
