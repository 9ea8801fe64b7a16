import { randomUUID } from 'node:crypto';
import type { SpanRecord } from '@mcp/contracts';
import { later, runLater } from './later.ts';
import type { SpanSink } from './trace-store.ts';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const MAX_EVENTS = 128;
const MAX_MESSAGE_CHARS = 1000;

type Attributes = Readonly<SpanRecord['attributes']>;

interface StartSpan {
  /** W3C traceparent of the parent; a missing or malformed one begins a new trace. */
  readonly traceparent?: string | undefined;
  /** W3C traceparent of a span that it has to do with but is no part of; see {@link Span.adopt}. */
  readonly link?: string | undefined;
  readonly kind?: SpanRecord['kind'];
  readonly attributes?: Attributes;
}

/** A span in progress. Its `traceparent` is what children are given. */
export interface Span {
  readonly traceparent: string;
  readonly trace_id: string;
  readonly span_id: string;
  set(attributes: Attributes): void;
  /** Makes the linked span its parent after all. Only before anybody is told its ids. */
  adopt(): void;
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
  readonly sinks: readonly SpanSink[];
  /** New traces that are kept per second; of further ones only what fails is. Later services follow the first. */
  readonly traces_per_second: number;
}

/** Tracing for one service. Parents are explicit, so nothing depends on async context. */
export function createTracer(options: TracerOptions): Tracer {
  const { service, sinks } = options;
  const sampler = new Sampler(options.traces_per_second);
  const keep = (span: SpanRecord) => {
    for (const sink of sinks) sink.add(span);
  };
  return {
    start: (name, start = {}) => recordSpan({ name, service, start }, sampler, keep),
    async flush() {
      runLater();
      await Promise.all(sinks.map((sink) => sink.flush()));
    },
    async close() {
      runLater();
      await Promise.all(sinks.map((sink) => sink.close()));
    },
  };
}

/** Lets through so many per second. */
class Sampler {
  readonly #per_second: number;
  #second = -1;
  #taken = 0;

  constructor(per_second: number) {
    this.#per_second = per_second;
  }

  take(now_ms: number): boolean {
    const second = Math.floor(now_ms / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    return this.#taken++ < this.#per_second;
  }
}

interface Beginning {
  readonly name: string;
  readonly service: string;
  readonly start: StartSpan;
}

function recordSpan(
  { name, service, start }: Beginning,
  sampler: Sampler,
  keep: (span: SpanRecord) => void,
): Span {
  let parent = parseTraceparent(start.traceparent);
  let link = parseTraceparent(start.link);
  const began_ms = performance.now();
  const start_unix_ms = Date.now();
  let trace_id = parent?.trace_id ?? randomUUID().replaceAll('-', '');
  const span_id = newSpanId();
  let sampled = parent?.sampled ?? sampler.take(began_ms);
  const attributes: SpanRecord['attributes'] = { ...start.attributes };
  const events: SpanRecord['events'] = [];
  let ended = false;
  return {
    get traceparent() {
      return `00-${trace_id}-${span_id}-${sampled ? '01' : '00'}`;
    },
    get trace_id() {
      return trace_id;
    },
    span_id,
    set(more) {
      if (!ended) Object.assign(attributes, more);
    },
    adopt() {
      if (link === undefined) return;
      parent = link;
      link = undefined;
      ({ trace_id, sampled } = parent);
    },
    event(event, more = {}) {
      if (!ended && events.length < MAX_EVENTS)
        events.push({
          name: event,
          attributes: more,
          at_unix_ms: start_unix_ms + performance.now() - began_ms,
        });
    },
    end(error) {
      if (ended) return;
      ended = true;
      if (!sampled && error === undefined) return;
      const duration_ms = performance.now() - began_ms;
      later(() =>
        keep({
          trace_id,
          span_id,
          parent_span_id: parent?.span_id ?? null,
          name,
          service,
          kind: start.kind ?? 'internal',
          start_unix_ms,
          duration_ms,
          ...statusOf(error),
          attributes,
          ...(link === undefined ? {} : { links: [{ trace_id: link.trace_id, span_id: link.span_id }] }),
          events,
        }),
      );
    },
  };
}

function statusOf(error: unknown): Pick<SpanRecord, 'status' | 'status_message'> {
  if (error === undefined) return { status: 'unset' };
  const message = error instanceof Error ? error.message : String(error);
  return { status: 'error', status_message: message.slice(0, MAX_MESSAGE_CHARS) };
}

/** 64 random bits: those of a UUID that hold no version or variant. */
function newSpanId(): string {
  const uuid = randomUUID();
  return uuid.slice(24) + uuid.slice(0, 4);
}

function parseTraceparent(
  value: string | undefined,
): { trace_id: string; span_id: string; sampled: boolean } | undefined {
  const match = value === undefined ? null : TRACEPARENT.exec(value);
  if (match === null) return undefined;
  const [, trace_id, span_id, flags = '01'] = match;
  if (trace_id === undefined || span_id === undefined || /^0+$/.test(trace_id) || /^0+$/.test(span_id))
    return undefined;
  return { trace_id, span_id, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
