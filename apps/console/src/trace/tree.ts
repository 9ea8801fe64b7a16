import type { SpanRecord } from '@mcp/contracts';

/** A span in its place: how deep, and where on the time line, both in [0, 1] of the whole trace. */
export interface TraceRow {
  readonly span: SpanRecord;
  readonly depth: number;
  readonly from: number;
  readonly width: number;
  readonly children: number;
}

export interface TraceTree {
  readonly rows: readonly TraceRow[];
  readonly start_unix_ms: number;
  readonly duration_ms: number;
  readonly services: readonly string[];
}

/**
 * Orders the spans of a trace as a tree, parents before children, siblings by start. A span whose parent is not
 * among them becomes a root; spans that name each other as parents (a fault of the sender) are roots too.
 */
export function traceTree(spans: readonly SpanRecord[]): TraceTree {
  const known = new Map(spans.map((span) => [span.span_id, span]));
  const children = new Map<string | null, SpanRecord[]>();
  for (const span of known.values()) {
    const parent =
      span.parent_span_id !== null && known.has(span.parent_span_id) ? span.parent_span_id : null;
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const start_unix_ms = spans.reduce(
    (least, span) => Math.min(least, span.start_unix_ms),
    Number.POSITIVE_INFINITY,
  );
  const end_unix_ms = spans.reduce((most, span) => Math.max(most, span.start_unix_ms + span.duration_ms), 0);
  const duration_ms = spans.length === 0 ? 0 : Math.max(0, end_unix_ms - start_unix_ms);
  const rows: TraceRow[] = [];
  const seen = new Set<string>();
  const visit = (from: readonly SpanRecord[]): void => {
    const stack = from.map((span) => ({ span, depth: 0 })).reverse();
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      const { span, depth } = next;
      if (seen.has(span.span_id)) continue;
      seen.add(span.span_id);
      const below = [...(children.get(span.span_id) ?? [])].sort(byStart);
      rows.push({ span, depth, children: below.length, ...place(span, start_unix_ms, duration_ms) });
      stack.push(...below.map((child) => ({ span: child, depth: depth + 1 })).reverse());
    }
  };
  visit([...(children.get(null) ?? [])].sort(byStart));
  visit([...known.values()].filter((span) => !seen.has(span.span_id)).sort(byStart));
  return {
    rows,
    start_unix_ms: spans.length === 0 ? 0 : start_unix_ms,
    duration_ms,
    services: [...new Set(rows.map((row) => row.span.service))],
  };
}

function byStart(a: SpanRecord, b: SpanRecord): number {
  return a.start_unix_ms - b.start_unix_ms || a.span_id.localeCompare(b.span_id);
}

function place(span: SpanRecord, start_unix_ms: number, duration_ms: number) {
  if (duration_ms === 0) return { from: 0, width: 1 };
  const from = (span.start_unix_ms - start_unix_ms) / duration_ms;
  return { from, width: Math.min(1 - from, span.duration_ms / duration_ms) };
}

/** Rows that are to be seen when the given spans are folded. */
export function visibleRows(rows: readonly TraceRow[], folded: ReadonlySet<string>): readonly TraceRow[] {
  const out: TraceRow[] = [];
  let hiddenBelow: number | null = null;
  for (const row of rows) {
    if (hiddenBelow !== null && row.depth > hiddenBelow) continue;
    hiddenBelow = folded.has(row.span.span_id) ? row.depth : null;
    out.push(row);
  }
  return out;
}
