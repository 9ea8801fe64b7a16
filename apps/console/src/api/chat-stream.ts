import type { ChatEvent, ChatRequest } from '@mcp/contracts';
import type { ChatProblem } from '../chat/state.ts';
import { ApiError, call, headers, reach, toApiError } from './http.ts';
import { createSseParser } from './sse.ts';

/** Who hears of a running conversation. After `onRefused` or `onClosed` nothing more comes. */
export interface ChatListener {
  onEvent(event: ChatEvent): void;
  /** The gateway said no before the conversation began. */
  onRefused(problem: ChatProblem): void;
  onClosed(by: 'user' | 'network'): void;
}

export interface RunningChat {
  /** Asks the platform to stop; what it still sends (the partial transcript) is still heard. */
  cancel(): void;
  /** Hears no more; a conversation that was only looked at goes on. */
  leave(): void;
}

interface ChatCall {
  readonly key: string;
  readonly request: ChatRequest;
  readonly listener: ChatListener;
}

interface Attached {
  readonly key: string;
  /** The conversation. */
  readonly id: string;
  readonly listener: ChatListener;
}

/** A request that is answered by server-sent events. */
interface EventStream {
  readonly path: string;
  readonly init: RequestInit;
  readonly listener: ChatListener;
}

const EVENT_STREAM = 'text/event-stream';
/** How long a cancelled conversation may take to end. */
const CLOSE_TIMEOUT_MS = 3_000;
const OPEN_TIMEOUT_MS = 5_000;

/** Runs a conversation over the WebSocket, or over SSE where no WebSocket can be opened (some proxies). */
export function runChat(chat: ChatCall): RunningChat {
  let running: Connection;
  let stopped = false;
  running = overWebSocket(chat, () => {
    if (stopped) chat.listener.onClosed('user');
    else running = overSse({ path: '/chat', init: streamed(chat), listener: chat.listener });
  });
  const cancel = () => {
    stopped = true;
    running.cancel();
  };
  return { cancel, leave: cancel };
}

/** Follows a conversation that another client began (or this one, before a reload) to its end. */
export function attachChat({ key, id, listener }: Attached): RunningChat {
  const path = `/v1/conversations/${encodeURIComponent(id)}`;
  const stream = overSse({
    path: `${path}/events`,
    init: { headers: { ...headers(key, false), accept: EVENT_STREAM } },
    listener,
  });
  return {
    leave: stream.cancel,
    cancel: () => {
      // Refused when it has just ended by itself, which its last event tells.
      call(key, `${path}/cancel`, { method: 'POST' }).catch(() => undefined);
      setTimeout(stream.cancel, CLOSE_TIMEOUT_MS);
    },
  };
}

/** A connection that ends the conversation when it does. */
type Connection = Pick<RunningChat, 'cancel'>;

function overWebSocket(chat: ChatCall, onUnavailable: () => void): Connection {
  let socket: WebSocket;
  try {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    socket = new WebSocket(`${scheme}://${location.host}/ws`, ['mcp', `mcp-key.${chat.key}`]);
  } catch {
    // The key holds characters that a subprotocol must not: the header can carry it.
    queueMicrotask(onUnavailable);
    return { cancel: () => {} };
  }
  let state: 'opening' | 'open' | 'ended' = 'opening';
  let cancelled = false;
  const deadline = setTimeout(() => socket.close(), OPEN_TIMEOUT_MS);
  const end = (then: () => void) => {
    if (state === 'ended') return;
    state = 'ended';
    clearTimeout(deadline);
    socket.close();
    then();
  };
  socket.onopen = () => {
    clearTimeout(deadline);
    state = 'open';
    socket.send(JSON.stringify({ type: 'start', request: chat.request }));
    if (cancelled) socket.send(JSON.stringify({ type: 'cancel' }));
  };
  socket.onmessage = (message: MessageEvent<unknown>) => {
    const event = state === 'ended' ? null : parseEvent(message.data);
    if (event === null) return;
    chat.listener.onEvent(event);
    if (event.type === 'done' || event.type === 'error') end(() => chat.listener.onClosed('network'));
  };
  socket.onclose = () =>
    state === 'opening'
      ? end(onUnavailable)
      : end(() => chat.listener.onClosed(cancelled ? 'user' : 'network'));
  return {
    cancel: () => {
      cancelled = true;
      if (state === 'open') socket.send(JSON.stringify({ type: 'cancel' }));
      setTimeout(() => end(() => chat.listener.onClosed('user')), CLOSE_TIMEOUT_MS);
    },
  };
}

function streamed({ key, request }: ChatCall): RequestInit {
  return {
    method: 'POST',
    headers: { ...headers(key, true), accept: EVENT_STREAM },
    body: JSON.stringify({ ...request, stream: true }),
  };
}

function overSse(stream: EventStream): Connection {
  const abort = new AbortController();
  const { listener } = stream;
  void readSse(stream, abort.signal).catch((error: unknown) => {
    if (abort.signal.aborted) listener.onClosed('user');
    else if (error instanceof ApiError) listener.onRefused(problemOf(error));
    else listener.onClosed('network');
  });
  return { cancel: () => abort.abort() };
}

async function readSse({ path, init, listener }: EventStream, signal: AbortSignal): Promise<void> {
  const response = await reach(path, { ...init, signal });
  if (!response.ok) throw await toApiError(response);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const parse = createSseParser();
  for (;;) {
    const piece = await reader?.read();
    if (piece?.value === undefined) break;
    for (const message of parse(piece.value)) {
      const event = parseEvent(message.data);
      if (event !== null) listener.onEvent(event);
    }
  }
  listener.onClosed('network');
}

const EVENT_TYPES: ReadonlySet<string> = new Set<ChatEvent['type']>([
  'start',
  'message.start',
  'delta',
  'truncated',
  'stream_resumed',
  'message.end',
  'node',
  'decision',
  'done',
  'error',
]);

/** A frame as an event; null for anything this version does not know, which a newer gateway may send. */
export function parseEvent(data: unknown): ChatEvent | null {
  if (typeof data !== 'string') return null;
  try {
    const value: unknown = JSON.parse(data);
    return isChatEvent(value) ? value : null;
  } catch {
    return null;
  }
}

function isChatEvent(value: unknown): value is ChatEvent {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('seq' in value)) return false;
  return typeof value.type === 'string' && EVENT_TYPES.has(value.type) && Number.isInteger(value.seq);
}

/** A refusal in the words of the conversation's state. */
function problemOf(error: ApiError): ChatProblem {
  const { code, message, trace_id, retry_after_ms } = error;
  const retryable = error.status === 0 || error.status === 429 || error.status >= 502;
  return { code, message, trace_id, retry_after_ms, retryable };
}
