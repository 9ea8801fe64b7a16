import { z } from 'zod';

/** One finished span as the local trace store keeps it (a line of JSON), named as in OpenTelemetry. */
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
  events: z.array(
    z.object({ name: z.string(), at_unix_ms: z.number(), attributes: z.record(z.string(), z.unknown()) }),
  ),
});
export type SpanRecord = z.infer<typeof SpanRecord>;
