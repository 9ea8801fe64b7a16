import type { SpanRecord } from '@mcp/contracts';
import { duration, paint } from './ui.ts';

/** Attributes worth a place on a line, with the short name they get. */
const SHOWN: Readonly<Record<string, string>> = {
  'http.request.method': 'method',
  'http.route': 'route',
  'http.response.status_code': 'status',
  'gen_ai.request.model': 'model',
  'gen_ai.provider.name': 'provider',
  'gen_ai.usage.input_tokens': 'in',
  'gen_ai.usage.output_tokens': 'out',
  'gen_ai.response.finish_reasons': 'finish',
  'messaging.destination.name': 'subject',
  'mcp.conversation_id': 'conversation',
  'mcp.job.kind': 'job',
};

/** A span and the spans it led to, in order of their start. */
export interface TraceNode {
  readonly span: SpanRecord;
  readonly children: readonly TraceNode[];
}

/** The spans as trees. A span whose parent is not among them is a root, and `missing` counts such parents. */
export function traceTree(spans: readonly SpanRecord[]): { roots: TraceNode[]; missing: number } {
  const unique = new Map(spans.map((span) => [span.span_id, span]));
  const children = new Map<string | null, SpanRecord[]>();
  const absent = new Set<string>();
  for (const span of [...unique.values()].sort((a, b) => a.start_unix_ms - b.start_unix_ms)) {
    const known = span.parent_span_id !== null && unique.has(span.parent_span_id);
    if (span.parent_span_id !== null && !known) absent.add(span.parent_span_id);
    const key = known ? span.parent_span_id : null;
    children.set(key, [...(children.get(key) ?? []), span]);
  }
  const seen = new Set<string>();
  const grow = (span: SpanRecord): TraceNode => {
    seen.add(span.span_id);
    const below = children.get(span.span_id) ?? [];
    return { span, children: below.flatMap((child) => (seen.has(child.span_id) ? [] : [grow(child)])) };
  };
  const roots = (children.get(null) ?? []).map(grow);
  // Spans that are each other's parents hang on nothing; they are shown all the same.
  for (const span of unique.values()) if (!seen.has(span.span_id)) roots.push(grow(span));
  return { roots, missing: absent.size };
}

/** A trace as lines: tree, service, duration, what matters of the attributes. */
export function traceLines(spans: readonly SpanRecord[]): string[] {
  const { roots, missing } = traceTree(spans);
  const begin_ms = Math.min(...spans.map((span) => span.start_unix_ms));
  const end_ms = Math.max(...spans.map((span) => span.start_unix_ms + span.duration_ms));
  const services = new Set(spans.map((span) => span.service));
  const head = `trace ${spans[0]?.trace_id ?? ''}  ${spans.length} spans, ${services.size} services, ${duration(end_ms - begin_ms)}`;
  const warning =
    missing === 0
      ? []
      : [
          paint(
            'yellow',
            `incomplete: ${missing} parent ${missing === 1 ? 'span is' : 'spans are'} missing (still in progress, dropped, or the caller's own)`,
          ),
        ];
  return [
    paint('bold', head),
    ...warning,
    ...roots.flatMap((root) => nodeLines(root, { begin_ms, lead: '', next: '' })),
  ];
}

function nodeLines(node: TraceNode, at: { begin_ms: number; lead: string; next: string }): string[] {
  const { span, children } = node;
  const failed = span.status === 'error';
  const from = `+${Math.round(span.start_unix_ms - at.begin_ms)} ms`;
  const name = paint(failed ? 'red' : 'cyan', span.name);
  const line = [
    `${at.lead}${name}`,
    span.service,
    paint('bold', precise(span.duration_ms)),
    paint('dim', from),
    paint('dim', attributes(span)),
    failed ? paint('red', span.status_message ?? 'failed') : '',
  ]
    .filter((part) => part !== '')
    .join('  ');
  const below = children.flatMap((child, index) => {
    const last = index === children.length - 1;
    return nodeLines(child, {
      begin_ms: at.begin_ms,
      lead: `${at.next}${last ? '└─ ' : '├─ '}`,
      next: `${at.next}${last ? '   ' : '│  '}`,
    });
  });
  return [line, ...below];
}

function attributes(span: SpanRecord): string {
  return Object.entries(SHOWN)
    .flatMap(([name, short]) => {
      const value = span.attributes[name];
      return value === undefined ? [] : [`${short}=${String(value)}`];
    })
    .join(' ');
}

function precise(ms: number): string {
  return ms < 1000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : duration(ms);
}
