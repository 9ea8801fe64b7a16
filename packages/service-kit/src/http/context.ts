/** What a request carries through its handlers, as types alone: every part of HTTP stands on it, and it on none of them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CallContext, PlatformError } from '@mcp/contracts';
import type { Context } from 'hono';
import type { WebSocket } from 'ws';
import type { CallScope } from '../clients/call-scope.ts';
import type { Span } from '../telemetry/tracer.ts';

export interface SocketHandler {
  /** Serves one open WebSocket. `draining` fires when the process has been asked to stop. */
  accepted(socket: WebSocket, draining: AbortSignal): void;
  /** The client went before the handshake was over. */
  lost(): void;
}

/** Where a route leaves its handler, so that the handshake happens after authentication and not before. */
export interface UpgradeSlot {
  handler: SocketHandler | undefined;
}

/** What travels with one HTTP request through its handlers. */
export interface RequestState {
  readonly request_id: string;
  readonly span: Span;
  readonly started_ms: number;
  /** Headers that go out with whatever this request is answered. Names in lower case. */
  readonly headers: Record<string, string>;
  /** Aborts when the client leaves or the deadline passes. */
  scope: CallScope | undefined;
  /** Bounded values only: a model that exists, or '-'. */
  model: string;
  phase: string;
  /** Set by streaming answers, which call `finish` themselves at their end. */
  streaming: boolean;
  /** True once the answer carries `headers`. */
  sealed: boolean;
  /** The headers, for the answer that is being made now. */
  seal(): Readonly<Record<string, string>>;
  /** Calls back when the headers are about to go out. */
  onSeal(listener: () => void): void;
  /** Calls back once, when the answer is complete or has failed. */
  onFinish(listener: FinishListener): void;
  finish(status: number, error?: PlatformError): void;
}
export type FinishListener = (status: number, error: PlatformError | undefined) => void;

export interface KitEnv {
  /** What node gives beside a request; absent in tests that call the app in process. */
  Bindings: { incoming?: IncomingMessage; outgoing?: ServerResponse; upgrade?: UpgradeSlot };
  Variables: { state: RequestState; call: CallContext };
}
export type KitContext = Context<KitEnv>;
