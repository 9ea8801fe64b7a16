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
  const spans = strongest(found).flatMap((span) => trimmed(span, whole));
  return { spans: spans.map((span) => original(span, folded, lead.length)), names: next };
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

/** What has no form of its own: of two that overlap neither is false. */
const NAMED: readonly PiiKind[] = ['address', 'person', 'location'];

/** By kind, then by length; what overlaps one that was taken is left, but for the rest of a name or an address. */
function strongest(found: readonly Span[]): Span[] {
  const rank = ({ kind }: Span) => PII_KINDS.indexOf(kind);
  const ordered = found.toSorted((a, b) => rank(a) - rank(b) || b.end - b.start - (a.end - a.start));
  const taken: Span[] = [];
  for (const span of ordered) {
    const over = taken.filter(({ start, end }) => span.start < end && start < span.end);
    if (over.length === 0) taken.push(span);
    else if (NAMED.includes(span.kind)) taken.push(...rests(span, over));
  }
  return joined(taken.sort((a, b) => a.start - b.start));
}

/** Of a span what none of the others covers, where letters or digits are left. */
function* rests({ kind, start, end }: Span, over: readonly Span[]): Generator<Span> {
  let from = start;
  for (const one of [...over.toSorted((a, b) => a.start - b.start), { start: end, end }]) {
    if (one.start > from) yield { kind, start: from, end: one.start };
    from = Math.max(from, one.end);
  }
}

/** Without blanks and marks at its ends; nothing where there is nothing else. */
function trimmed(span: Span, text: string): Span[] {
  if (!NAMED.includes(span.kind)) return [span];
  let { start, end } = span;
  while (start < end && EDGE.test(text[start] ?? '')) start++;
  while (end > start && EDGE.test(text[end - 1] ?? '') && text[end - 1] !== '.') end--;
  return /[\p{L}\d]/u.test(text.slice(start, end)) ? [{ ...span, start, end }] : [];
}
const EDGE = /[\s,.;:()/-]/;

/** Two pieces of one address that follow on one another are one. */
function joined(spans: readonly Span[]): Span[] {
  const out: Span[] = [];
  for (const span of spans) {
    const last = out.at(-1);
    if (span.kind === 'address' && last?.kind === 'address' && last.end === span.start)
      out[out.length - 1] = { ...last, end: span.end };
    else out.push(span);
  }
  return out;
}

function original({ kind, start, end }: Span, { at }: Folded, lead: number): Span {
  return { kind, start: at(start - lead), end: at(end - lead) };
}
