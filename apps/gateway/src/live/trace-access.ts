import type { Principal, SpanRecord } from '@mcp/contracts';

/** Whether what a caller says of a trace is believed: its requests become part of that trace. */
export function mayTrace({ scopes }: Principal): boolean {
  return scopes.includes('trace') || scopes.includes('admin');
}

/**
 * The spans of a trace that a principal may read: an administrator all, others those of their own requests, from where
 * each came in. A trace may hold requests of several principals when one of them may say which trace its own belong to.
 */
export function readableSpans(spans: readonly SpanRecord[], principal: Principal): readonly SpanRecord[] {
  if (principal.scopes.includes('admin')) return spans;
  const byId = new Map(spans.map((span) => [span.span_id, span]));
  const owners = new Map<string, string | undefined>();
  const ownerOf = (start: SpanRecord): string | undefined => {
    const passed: string[] = [];
    let owner: string | undefined;
    // Spans are made by ours, yet parents that go round must not hold anybody up.
    for (let span: SpanRecord | undefined = start; span !== undefined && passed.length <= spans.length; ) {
      owner = owners.get(span.span_id) ?? entryOwner(span);
      if (owner !== undefined) break;
      passed.push(span.span_id);
      span = span.parent_span_id === null ? undefined : byId.get(span.parent_span_id);
    }
    for (const id of passed) owners.set(id, owner);
    return owner;
  };
  return spans.filter((span) => ownerOf(span) === principal.id);
}

/** Whose request came in with this span. */
function entryOwner({ service, attributes }: SpanRecord): string | undefined {
  const id = attributes['enduser.id'];
  return service === 'gateway' && typeof id === 'string' ? id : undefined;
}
