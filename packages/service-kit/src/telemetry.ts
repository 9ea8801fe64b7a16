import { randomUUID } from 'node:crypto';
import {
  type Attributes,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  type IdGenerator,
  type SpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { later, runLater } from './later.ts';
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
const MAX_EVENTS = 128;

interface StartSpan {
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
  const ids = new PresetIds();
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': options.service,
      'service.namespace': 'mcp',
      'cloud.region': options.region,
    }),
    idGenerator: ids,
    spanProcessors: processors,
  });
  const tracer = provider.getTracer('mcp');
  const build = (record: Recorded) => buildSpan(tracer, ids, record);
  return {
    start: (name, start = {}) => recordSpan(name, start, build),
    flush() {
      runLater();
      return provider.forceFlush();
    },
    close() {
      runLater();
      return provider.shutdown();
    },
  };
}

/** A span as it is noted down while the work goes on; OpenTelemetry's own is made from it afterwards. */
interface Recorded {
  readonly name: string;
  readonly kind: SpanKind;
  readonly parent: SpanContext | undefined;
  readonly trace_id: string;
  readonly span_id: string;
  readonly start_unix_ms: number;
  readonly attributes: Attributes;
  readonly events: { name: string; attributes: Attributes | undefined; at_unix_ms: number }[];
  duration_ms: number;
  error: unknown;
}

/** Gives spans the ids that their children have been told already. */
class PresetIds implements IdGenerator {
  trace_id = '';
  span_id = '';
  generateTraceId = () => this.trace_id;
  generateSpanId = () => this.span_id;
}

function recordSpan(name: string, start: StartSpan, build: (record: Recorded) => void): Span {
  const parent = parseTraceparent(start.traceparent);
  const began_ms = performance.now();
  const record: Recorded = {
    name,
    kind: KIND[start.kind ?? 'internal'],
    parent,
    trace_id: parent?.traceId ?? randomUUID().replaceAll('-', ''),
    span_id: newSpanId(),
    start_unix_ms: Date.now(),
    attributes: { ...start.attributes },
    events: [],
    duration_ms: 0,
    error: undefined,
  };
  let ended = false;
  return {
    traceparent: `00-${record.trace_id}-${record.span_id}-01`,
    trace_id: record.trace_id,
    span_id: record.span_id,
    set(attributes) {
      if (!ended) Object.assign(record.attributes, attributes);
    },
    event(event, attributes) {
      const at_unix_ms = record.start_unix_ms + performance.now() - began_ms;
      if (!ended && record.events.length < MAX_EVENTS)
        record.events.push({ name: event, attributes, at_unix_ms });
    },
    end(error) {
      if (ended) return;
      ended = true;
      record.duration_ms = performance.now() - began_ms;
      record.error = error;
      later(() => build(record));
    },
  };
}

function buildSpan(tracer: OtelTracer, ids: PresetIds, record: Recorded): void {
  const { parent, error } = record;
  ids.trace_id = record.trace_id;
  ids.span_id = record.span_id;
  const span = tracer.startSpan(
    record.name,
    { kind: record.kind, attributes: record.attributes, startTime: record.start_unix_ms },
    parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent),
  );
  for (const event of record.events) span.addEvent(event.name, event.attributes, event.at_unix_ms);
  if (error !== undefined)
    span.setStatus({
      code: SpanStatusCode.ERROR,
      message: error instanceof Error ? error.message : String(error),
    });
  span.end(record.start_unix_ms + record.duration_ms);
}

/** 64 random bits: those of a UUID that hold no version or variant. */
function newSpanId(): string {
  const uuid = randomUUID();
  return uuid.slice(24) + uuid.slice(0, 4);
}

function parseTraceparent(value: string | undefined): SpanContext | undefined {
  const match = value === undefined ? null : TRACEPARENT.exec(value);
  if (match === null) return undefined;
  const [, traceId, spanId] = match;
  if (traceId === undefined || spanId === undefined || /^0+$/.test(traceId) || /^0+$/.test(spanId))
    return undefined;
  return { traceId, spanId, traceFlags: 1, isRemote: true };
}
