import {
  type Attributes,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type SpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { FileSpanExporter } from './trace-file.ts';

const KIND = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const MAX_QUEUED_SPANS = 8192;

export interface StartSpan {
  /** W3C traceparent of the parent; a missing or malformed one begins a new trace. */
  readonly traceparent?: string | undefined;
  readonly kind?: keyof typeof KIND;
  readonly attributes?: Attributes;
}

/** A span in progress. Its `traceparent` is what children are given. */
export interface Span {
  readonly traceparent: string;
  readonly trace_id: string;
  readonly span_id: string;
  set(attributes: Attributes): void;
  event(name: string, attributes?: Attributes): void;
  /** Ends it, once; with an error it is marked failed. */
  end(error?: unknown): void;
}

export interface Tracer {
  start(name: string, options?: StartSpan): Span;
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface TracerOptions {
  readonly service: string;
  readonly region: string;
  /** Directory of the local trace store, or undefined for none. */
  readonly trace_dir: string | undefined;
  /** OTLP/HTTP endpoint (`OTEL_EXPORTER_OTLP_ENDPOINT`), or undefined for none. */
  readonly otlp_endpoint: string | undefined;
}

/** Starts OpenTelemetry tracing for one service. Parents are explicit, so nothing depends on async context. */
export async function createTracer(options: TracerOptions): Promise<Tracer> {
  const processors: SpanProcessor[] = [];
  if (options.trace_dir !== undefined) {
    const exporter = new FileSpanExporter(options.trace_dir, options.service);
    processors.push(
      new BatchSpanProcessor({ exporter, scheduledDelayMillis: 250, maxQueueSize: MAX_QUEUED_SPANS }),
    );
  }
  if (options.otlp_endpoint !== undefined) {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
    const exporter = new OTLPTraceExporter({ url: `${options.otlp_endpoint.replace(/\/$/, '')}/v1/traces` });
    processors.push(new BatchSpanProcessor({ exporter, maxQueueSize: MAX_QUEUED_SPANS }));
  }
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': options.service,
      'service.namespace': 'mcp',
      'cloud.region': options.region,
    }),
    spanProcessors: processors,
  });
  const tracer = provider.getTracer('mcp');
  return {
    start(name, start = {}) {
      const parent = parseTraceparent(start.traceparent);
      const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
      const span = tracer.startSpan(
        name,
        {
          kind: KIND[start.kind ?? 'internal'],
          ...(start.attributes === undefined ? {} : { attributes: start.attributes }),
        },
        context,
      );
      const { traceId, spanId } = span.spanContext();
      let ended = false;
      return {
        traceparent: `00-${traceId}-${spanId}-01`,
        trace_id: traceId,
        span_id: spanId,
        set: (attributes) => void span.setAttributes(attributes),
        event: (event, attributes) => void span.addEvent(event, attributes),
        end(error) {
          if (ended) return;
          ended = true;
          if (error !== undefined)
            span.setStatus({
              code: SpanStatusCode.ERROR,
              message: error instanceof Error ? error.message : String(error),
            });
          span.end();
        },
      };
    },
    flush: () => provider.forceFlush(),
    close: () => provider.shutdown(),
  };
}

function parseTraceparent(value: string | undefined): SpanContext | undefined {
  const match = value === undefined ? null : TRACEPARENT.exec(value);
  if (match === null) return undefined;
  const [, traceId, spanId] = match;
  if (traceId === undefined || spanId === undefined || /^0+$/.test(traceId) || /^0+$/.test(spanId))
    return undefined;
  return { traceId, spanId, traceFlags: 1, isRemote: true };
}
