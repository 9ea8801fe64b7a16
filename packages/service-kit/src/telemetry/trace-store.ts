import { setTimeout as sleep } from 'node:timers/promises';
import {
  jsonOf,
  PlatformError,
  SpanRecord,
  TRACE_STREAM,
  TRACE_SUBJECTS,
  traceSubject,
} from '@mcp/contracts';
import { z } from 'zod';
import { type Bus, LOSABLE } from '../runtime/bus.ts';

/** Where finished spans go. */
export interface SpanSink {
  add(span: SpanRecord): void;
  /** Hands on what is held back. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** Spans are gathered for this long, so that those of one trace are one message. */
const GATHER_MS = 250;
/** Spans held for a bus that is away; further ones are dropped. */
const MAX_HELD = 8192;
const MAX_MESSAGE_CHARS = 256 * 1024;
const KEEP_NS = 7 * 24 * 3600 * 1e9;
/** A trace read back holds at most this much. */
const MAX_SPANS = 10_000;
const MAX_READ_BYTES = 8 * 1024 * 1024;
const READ_MS = 2000;

interface PublisherOptions {
  readonly bus: () => Promise<Bus>;
  readonly onDropped: (spans: number) => void;
}

/**
 * Sends spans to the trace store of the region: a message per trace and quarter of a second, which nobody waits for.
 * While the bus is away it holds a bounded number of them; what comes after that is dropped and counted.
 */
export class SpanPublisher implements SpanSink {
  readonly #options: PublisherOptions;
  #held: SpanRecord[] = [];
  #timer: NodeJS.Timeout | undefined;
  #bus: Bus | undefined;
  #connecting: Promise<void> | undefined;
  #closed = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  add(span: SpanRecord): void {
    if (this.#closed || this.#held.length >= MAX_HELD) this.#options.onDropped(1);
    else this.#held.push(span);
    this.#arm();
  }

  flush(): Promise<void> {
    if (this.#held.length === 0) return Promise.resolve();
    if (this.#bus?.connected === true) this.#publish(this.#bus.connection);
    else {
      this.#connect();
      this.#arm();
    }
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.flush();
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#held.length > 0) this.#options.onDropped(this.#held.length);
    this.#held = [];
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, GATHER_MS);
    this.#timer.unref();
  }

  /** In the background: a service does not wait for the bus because of its traces. */
  #connect(): void {
    this.#connecting ??= this.#options
      .bus()
      .then(
        (bus) => {
          this.#bus = bus;
        },
        () => undefined,
      )
      .finally(() => {
        this.#connecting = undefined;
      });
  }

  #publish(connection: Bus['connection']): void {
    const traces = new Map<string, SpanRecord[]>();
    for (const span of this.#held) {
      const spans = traces.get(span.trace_id);
      if (spans === undefined) traces.set(span.trace_id, [span]);
      else spans.push(span);
    }
    this.#held = [];
    for (const [trace_id, spans] of traces)
      for (const message of messagesOf(spans, this.#options.onDropped))
        connection.publish(traceSubject(trace_id), message);
  }
}

/** Spans as JSON lists of bounded length. */
function messagesOf(spans: readonly SpanRecord[], onDropped: (spans: number) => void): string[] {
  const messages: string[] = [];
  let parts: string[] = [];
  let chars = 0;
  for (const span of spans) {
    const text = JSON.stringify(span);
    // With what stands before and behind it in the list.
    const size = text.length + 2;
    if (size > MAX_MESSAGE_CHARS) {
      onDropped(1);
      continue;
    }
    if (chars + size > MAX_MESSAGE_CHARS) {
      messages.push(`[${parts.join(',')}]`);
      parts = [];
      chars = 0;
    }
    parts.push(text);
    chars += size;
  }
  if (parts.length > 0) messages.push(`[${parts.join(',')}]`);
  return messages;
}

/**
 * Opens the trace store of a region, of so many bytes; the oldest traces make room for new ones.
 * One copy that is written in the background: spans are too many to wait for a disk, and what a crash of the server
 * takes with it is a second of them.
 */
export async function openTraceStore(bus: Bus, max_bytes: number): Promise<void> {
  await bus.stream({
    name: TRACE_STREAM,
    subjects: [TRACE_SUBJECTS],
    ...LOSABLE,
    max_bytes,
    max_age: KEEP_NS,
  });
}

/**
 * All spans of one trace, ordered by start: found by its subject, whatever else is stored. Throws `unavailable` when
 * the bus is away.
 */
export async function readTrace(bus: Bus, trace_id: string): Promise<SpanRecord[]> {
  try {
    if (!bus.connected) throw new Error('the event bus is away');
    const spans = await Promise.race([collect(bus, trace_id), tooLong()]);
    return spans.sort((a, b) => a.start_unix_ms - b.start_unix_ms);
  } catch (cause) {
    throw new PlatformError(
      'unavailable',
      'The trace store does not answer just now. Try again in a few seconds.',
      { cause, retry_after_ms: 2000 },
    );
  }
}

async function tooLong(): Promise<never> {
  await sleep(READ_MS, undefined, { ref: false });
  throw new Error(`no answer within ${READ_MS} ms`);
}

async function collect(bus: Bus, trace_id: string): Promise<SpanRecord[]> {
  const spans: SpanRecord[] = [];
  try {
    const messages = await bus.manager.direct.getBatch(TRACE_STREAM, {
      seq: 1,
      next_by_subj: traceSubject(trace_id),
      batch: MAX_SPANS,
      max_bytes: MAX_READ_BYTES,
    });
    for await (const message of messages)
      spans.push(...spansIn(message.string()).slice(0, MAX_SPANS - spans.length));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return spans;
}

/** The spans of one message; what is none is passed over. */
function spansIn(text: string): SpanRecord[] {
  return z.array(SpanRecord).safeParse(jsonOf(text)).data ?? [];
}

/** JetStream has no message of that subject. */
function isNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 404;
}
