import { type ChatEvent, ERROR_CODES, type ErrorCode, PlatformError } from '@mcp/contracts';
import { toOpenAiError } from '@mcp/service-kit';

type ErrorEvent = Extract<ChatEvent, { type: 'error' }>;

/** An error event as the error it stands for. */
export function errorOf(event: ErrorEvent): PlatformError {
  const known = Object.hasOwn(ERROR_CODES, event.code);
  const code: ErrorCode = known ? (event.code as ErrorCode) : 'upstream_failed';
  return new PlatformError(code, event.message, {
    retryable: event.retryable,
    ...(event.retry_after_ms === null ? {} : { retry_after_ms: event.retry_after_ms }),
  });
}

/** What is known of a conversation while its events pass by. */
export interface Progress {
  seq: number;
  conversation_id: string | null;
  trace_id: string | null;
}

export function newProgress(): Progress {
  return { seq: -1, conversation_id: null, trace_id: null };
}

export function note(progress: Progress, event: ChatEvent): void {
  progress.seq = event.seq;
  if (event.type === 'start') {
    progress.conversation_id = event.conversation_id;
    progress.trace_id = event.trace_id;
  }
}

/** An error as the last event of a conversation that had come this far. */
export function errorEvent(error: PlatformError, progress: Progress): ErrorEvent {
  return {
    type: 'error',
    seq: progress.seq + 1,
    code: error.code,
    message: error.message,
    retryable: error.retryable,
    conversation_id: progress.conversation_id,
    trace_id: progress.trace_id,
    retry_after_ms: error.retry_after_ms ?? null,
  };
}

/** A server-sent event (WHATWG HTML, 9.2): `event:`, `id:`, `data:`. */
export function sse(event: string, id: number, data: unknown): string {
  return `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

export const SSE = {
  content_type: 'text/event-stream; charset=utf-8',
  /** Proxies that buffer (nginx) would hold the tokens back. */
  headers: { 'x-accel-buffering': 'no' },
  keep_alive: { text: ': keep-alive\n\n', every_ms: 15_000 },
} as const;

/** Whether the client asks for server-sent events by its Accept header. */
export function acceptsEventStream(accept: string | undefined): boolean {
  return accept !== undefined && /(^|,)\s*text\/event-stream\s*(;|,|$)/i.test(accept);
}

/** Streams of OpenAI's completions: they end with an error as a last chunk. */
export const OPENAI_SSE = {
  ...SSE,
  onError: (error: PlatformError) => `data: ${JSON.stringify(toOpenAiError(error))}\n\n`,
} as const;
