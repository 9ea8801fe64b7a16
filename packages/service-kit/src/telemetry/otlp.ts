import type { SpanRecord } from '@mcp/contracts';
import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor, type IdGenerator } from '@opentelemetry/sdk-trace';
import type { SpanSink } from './trace-store.ts';

const KINDS: Record<SpanRecord['kind'], SpanKind> = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};
const MAX_QUEUED_SPANS = 8192;

/** Sends spans to a collector (OTLP over HTTP): OpenTelemetry's own spans are made from ours. */
export function otlpSink(options: { endpoint: string; service: string; region: string }): SpanSink {
  const ids = new PresetIds();
  const exporter = new OTLPTraceExporter({ url: `${options.endpoint.replace(/\/$/, '')}/v1/traces` });
  const processor = new BatchSpanProcessor({ exporter, maxQueueSize: MAX_QUEUED_SPANS });
  const sdk = new NodeSDK({
    resource: resourceFromAttributes({
      'service.name': options.service,
      'service.namespace': 'mcp',
      'cloud.region': options.region,
    }),
    idGenerator: ids,
    spanProcessors: [processor],
    // Spans alone, with what they are given: metrics are Prometheus', logs are pino's, parents are explicit.
    autoDetectResources: false,
    textMapPropagator: null,
    metricReaders: [],
    logRecordProcessors: [],
  });
  const tracer = started(sdk);
  return {
    add: (span) => rebuild(tracer, ids, span),
    flush: () => processor.forceFlush(),
    close: () => sdk.shutdown(),
  };
}

/**
 * The SDK hands out its tracer as the one of the process, and keeps the first. Services that share a process each have
 * theirs, with a name of their own.
 */
function started(sdk: NodeSDK): Tracer {
  trace.disable();
  context.disable();
  sdk.start();
  return trace.getTracer('mcp');
}

/** Gives spans the ids that they have already. */
class PresetIds implements IdGenerator {
  trace_id = '';
  span_id = '';
  generateTraceId = () => this.trace_id;
  generateSpanId = () => this.span_id;
}

function rebuild(tracer: Tracer, ids: PresetIds, record: SpanRecord): void {
  const { trace_id, span_id, parent_span_id } = record;
  ids.trace_id = trace_id;
  ids.span_id = span_id;
  const span = tracer.startSpan(
    record.name,
    {
      kind: KINDS[record.kind],
      attributes: record.attributes,
      startTime: record.start_unix_ms,
      links: (record.links ?? []).map((link) => ({
        context: { traceId: link.trace_id, spanId: link.span_id, traceFlags: 1, isRemote: true },
      })),
    },
    parent_span_id === null
      ? ROOT_CONTEXT
      : trace.setSpanContext(ROOT_CONTEXT, {
          traceId: trace_id,
          spanId: parent_span_id,
          traceFlags: 1,
          isRemote: true,
        }),
  );
  for (const { name, attributes, at_unix_ms } of record.events) span.addEvent(name, attributes, at_unix_ms);
  if (record.status === 'error')
    span.setStatus({
      code: SpanStatusCode.ERROR,
      ...(record.status_message === undefined ? {} : { message: record.status_message }),
    });
  span.end(record.start_unix_ms + record.duration_ms);
}
