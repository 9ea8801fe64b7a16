/** What is personal in one piece of a text: every recogniser asked, the strongest evidence kept where two overlap. */
import { type Folded, fold } from './fold.ts';
import { PII_KINDS, type PiiKind, type Span } from './kinds.ts';
import type { ChainState } from './names/model.ts';
import { namesIn } from './names/names.ts';
import { CONTEXT_CHARS, type Needs, type PatternRow, type Recogniser } from './recogniser.ts';
import { RECOGNISERS } from './registry.ts';

export interface DetectOptions {
  /** What stands before the piece: it is not looked at, and says what comes. */
  readonly before: string;
  /** The piece is of a JSON text. */
  readonly json: boolean;
  readonly kinds: ReadonlySet<PiiKind>;
  /** What the names before the piece say of those in it. */
  readonly names: ChainState | undefined;
}

export interface Detected {
  /** In order; none overlaps another. */
  readonly spans: readonly Span[];
  readonly names: ChainState | undefined;
}

/** The spans of a piece. */
export function detect(text: string, { before, json, kinds, names }: DetectOptions): Detected {
  const folded = fold(text, { json });
  const lead = fold(before, { json }).text;
  const whole = `${lead}${folded.text}`;
  const found: Span[] = [];
  if (ANYTHING.test(text)) {
    const has = checkOf(folded.text, whole);
    for (const recogniser of RECOGNISERS)
      if (kinds.has(recogniser.kind) && has(recogniser.needs))
        found.push(...matches(recogniser, whole, lead.length));
  }
  let next = names;
  if (kinds.has('person') || kinds.has('location') || kinds.has('address')) {
    const named = namesIn(whole, lead.length, names);
    found.push(...named.spans.filter(({ kind }) => kinds.has(kind)));
    next = named.state;
  }
  return { spans: strongest(found).map((span) => original(span, folded, lead.length)), names: next };
}

/** Whether a piece has anything that a form could begin with: most have not. */
const ANYTHING = /[A-Z\d@:]|[^ -~\s]/;

/** Says of what a recogniser needs whether a piece has it. */
function checkOf(text: string, whole: string): (needs: Needs) => boolean {
  let digits = 0;
  let run = 0;
  let longest = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 48 && code <= 57) digits++;
    run = code <= 32 ? 0 : run + 1;
    if (run > longest) longest = run;
  }
  return (needs) =>
    digits >= (needs.digits ?? 0) &&
    longest >= (needs.run ?? 0) &&
    (needs.char === undefined || text.includes(needs.char)) &&
    (needs.cue === undefined || needs.cue.test(whole));
}

function* matches(recogniser: Recogniser, text: string, from: number): Generator<Span> {
  const { kind } = recogniser;
  if ('find' in recogniser) {
    for (const { from: start, to: end } of recogniser.find(text))
      if (start >= from) yield { kind, start, end };
    return;
  }
  const { pattern } = recogniser;
  pattern.lastIndex = from;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const start = match.index;
    const held = heldPart(recogniser, match[0], { text, start });
    if (held === undefined) continue;
    yield { kind, start, end: start + held.length };
    pattern.lastIndex = start + held.length;
  }
  pattern.lastIndex = 0;
}

/** The match, or its longest beginning that is what it looks like. */
function heldPart(
  { holds, context, shorter }: PatternRow,
  value: string,
  { text, start }: { readonly text: string; readonly start: number },
): string | undefined {
  const before = text.slice(Math.max(0, start - CONTEXT_CHARS), start);
  if (context !== undefined && !context.test(before)) return undefined;
  if (holds === undefined) return value;
  const readings = [value, ...(shorter?.(value) ?? [])];
  return readings.find((one) =>
    holds(one, { before, after: text.slice(start + one.length, start + one.length + CONTEXT_CHARS) }),
  );
}

/** By kind, then by length; what overlaps one that was taken is left. */
function strongest(found: readonly Span[]): Span[] {
  const rank = ({ kind }: Span) => PII_KINDS.indexOf(kind);
  const ordered = found.toSorted((a, b) => rank(a) - rank(b) || b.end - b.start - (a.end - a.start));
  const taken: Span[] = [];
  for (const span of ordered)
    if (!taken.some(({ start, end }) => span.start < end && start < span.end)) taken.push(span);
  return taken.sort((a, b) => a.start - b.start);
}

function original({ kind, start, end }: Span, { at }: Folded, lead: number): Span {
  return { kind, start: at(start - lead), end: at(end - lead) };
}
