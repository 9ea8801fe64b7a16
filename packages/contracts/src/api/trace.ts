import { z } from 'zod';

/** The JetStream stream that keeps the spans of every service and replica of a region. */
export const TRACE_STREAM = 'MCP_TRACES';
/** Its subjects. Whoever does work may add its spans; only the gateway reads them. */
export const TRACE_SUBJECTS = 'mcp.traces.*';

/** Subject of the spans of one trace, so that they are found without looking at others. */
export function traceSubject(trace_id: string): string {
  return `mcp.traces.${trace_id}`;
}

/** One finished span as the trace store keeps it, named as in OpenTelemetry. */
export const SpanRecord = z.object({
  trace_id: z.string(),
  span_id: z.string(),
  parent_span_id: z.string().nullable(),
  name: z.string(),
  service: z.string(),
  kind: z.enum(['internal', 'server', 'client', 'producer', 'consumer']),
  start_unix_ms: z.number(),
  duration_ms: z.number(),
  status: z.enum(['unset', 'ok', 'error']),
  status_message: z.string().optional(),
  attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
  /** Spans elsewhere that it has to do with, such as the caller's own. */
  links: z.array(z.object({ trace_id: z.string(), span_id: z.string() })).optional(),
  events: z.array(
    z.object({ name: z.string(), at_unix_ms: z.number(), attributes: z.record(z.string(), z.unknown()) }),
  ),
});
export type SpanRecord = z.infer<typeof SpanRecord>;
