import { appendFile, mkdir, readdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SpanRecord } from '@mcp/contracts';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode, hrTimeToMilliseconds } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';

/** A trace file is turned over at this size, and one older file is kept. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** A trace read back holds at most this many spans. */
const MAX_SPANS = 10_000;

const KINDS: Record<SpanKind, SpanRecord['kind']> = {
  [SpanKind.INTERNAL]: 'internal',
  [SpanKind.SERVER]: 'server',
  [SpanKind.CLIENT]: 'client',
  [SpanKind.PRODUCER]: 'producer',
  [SpanKind.CONSUMER]: 'consumer',
};
const STATUSES: Record<SpanStatusCode, SpanRecord['status']> = {
  [SpanStatusCode.UNSET]: 'unset',
  [SpanStatusCode.OK]: 'ok',
  [SpanStatusCode.ERROR]: 'error',
};

/** Writes finished spans as lines of JSON, so that a trace can be read without any backend. */
export class FileSpanExporter implements SpanExporter {
  readonly #path: string;
  readonly #service: string;
  #tail: Promise<void>;
  #bytes = 0;

  constructor(dir: string, service: string) {
    this.#service = service;
    this.#path = join(dir, `${service}.jsonl`);
    this.#tail = this.#open(dir);
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    const text = spans.map((span) => `${JSON.stringify(toRecord(span, this.#service))}\n`).join('');
    this.#tail = this.#tail
      .then(() => this.#write(text))
      .then(
        () => done({ code: ExportResultCode.SUCCESS }),
        (error: unknown) =>
          done({
            code: ExportResultCode.FAILED,
            error: error instanceof Error ? error : new Error(String(error)),
          }),
      );
  }

  async forceFlush(): Promise<void> {
    await this.#tail;
  }

  async shutdown(): Promise<void> {
    await this.#tail;
  }

  async #open(dir: string): Promise<void> {
    await mkdir(dir, { recursive: true });
    this.#bytes = await stat(this.#path).then(
      (info) => info.size,
      () => 0,
    );
  }

  async #write(text: string): Promise<void> {
    if (this.#bytes > MAX_FILE_BYTES) {
      await rename(this.#path, `${this.#path}.1`);
      this.#bytes = 0;
    }
    await appendFile(this.#path, text, { mode: 0o600 });
    this.#bytes += Buffer.byteLength(text);
  }
}

/** All spans of one trace from a directory of trace files, ordered by start. Lines that do not parse are passed over. */
export async function readTrace(dir: string, trace_id: string): Promise<SpanRecord[]> {
  const names = await readdir(dir).catch(() => []);
  const spans: SpanRecord[] = [];
  for (const name of names.filter((entry) => /\.jsonl(\.1)?$/.test(entry))) {
    const text = await readFile(join(dir, name), 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      if (!line.includes(trace_id) || spans.length >= MAX_SPANS) continue;
      const span = parseLine(line);
      if (span?.trace_id === trace_id) spans.push(span);
    }
  }
  return spans.sort((a, b) => a.start_unix_ms - b.start_unix_ms);
}

function parseLine(line: string): SpanRecord | undefined {
  try {
    return SpanRecord.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function toRecord(span: ReadableSpan, service: string): SpanRecord {
  const context = span.spanContext();
  return {
    trace_id: context.traceId,
    span_id: context.spanId,
    parent_span_id: span.parentSpanContext?.spanId ?? null,
    name: span.name,
    service,
    kind: KINDS[span.kind],
    start_unix_ms: hrTimeToMilliseconds(span.startTime),
    duration_ms: hrTimeToMilliseconds(span.duration),
    status: STATUSES[span.status.code],
    ...(span.status.message === undefined ? {} : { status_message: span.status.message }),
    attributes: Object.fromEntries(
      Object.entries(span.attributes).flatMap(([key, value]) => attribute(key, value)),
    ),
    events: span.events.map((event) => ({
      name: event.name,
      at_unix_ms: hrTimeToMilliseconds(event.time),
      attributes: { ...event.attributes },
    })),
  };
}

function attribute(key: string, value: unknown): [string, string | number | boolean | string[]][] {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return [[key, value]];
  if (Array.isArray(value)) return [[key, value.map(String)]];
  return [];
}
