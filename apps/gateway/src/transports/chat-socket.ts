import { randomUUID } from 'node:crypto';
import {
  type CallContext,
  type ChatEvent,
  type ChatRequest,
  type OnInterrupt,
  PlatformError,
  type Principal,
  type Residency,
  SOCKET_PATH,
  WsClientFrame,
} from '@mcp/contracts';
import { Findings } from '@mcp/safety/guard';
import {
  busyPause,
  type CallScope,
  fromZod,
  parseJson,
  ReadAhead,
  type Span,
  toPlatformError,
} from '@mcp/service-kit';
import type { RawData, WebSocket } from 'ws';
import type { Gateway } from '../gateway.ts';
import { admit, begin, leave } from '../pipeline/entrance.ts';
import { conclude, converse } from '../pipeline/inference.ts';
import { chatCoalescing } from './coalescing.ts';
import { errorEvent, newProgress, note, type Progress } from './sse.ts';

const MAX_BAD_FRAMES = 5;
const PING_MS = 30_000;
/** Without a conversation for so long, a socket is closed. */
const IDLE_MS = 10 * 60_000;
/** Beyond this many bytes that the client has not taken yet, the conversation waits for it. */
const MAX_BUFFERED_BYTES = 256 * 1024;
/** How long a cancelled conversation may take for its last events. */
const CLOSE_TIMEOUT_MS = 3000;

/** 4401: as 401, in the range that is for applications (RFC 6455, 7.4.2). */
const CLOSE = { normal: 1000, going_away: 1001, policy: 1008, unauthenticated: 4401 } as const;

export interface ChatSocketOptions {
  readonly gateway: Gateway;
  readonly socket: WebSocket;
  readonly principal: Principal;
  /** Where its conversations must stay. */
  readonly residency: Residency | undefined;
  /** What becomes of a turn of theirs that breaks off. */
  readonly on_interrupt: OnInterrupt | undefined;
  readonly draining: AbortSignal;
}

interface Running {
  readonly call: CallContext;
  readonly scope: CallScope;
  readonly span: Span;
  readonly progress: Progress;
  readonly started_ms: number;
  /** Whether the conversation was asked to go on when the connection goes. */
  readonly goes_on: boolean;
  /** A cancel that came before the conversation had an id. */
  cancel_wanted: boolean;
}

/** One client's socket: a conversation at a time, several after each other. */
export class ChatSocket {
  readonly #options: ChatSocketOptions;
  readonly #ticker: NodeJS.Timeout;
  #running: Running | undefined;
  #bad_frames = 0;
  #alive = true;
  #quiet_since_ms = performance.now();
  /** Why its key or token is not good any more. */
  #ended: PlatformError | undefined;

  constructor(options: ChatSocketOptions) {
    this.#options = options;
    const { socket, draining } = options;
    this.#ticker = setInterval(() => this.#tick(), PING_MS);
    this.#ticker.unref();
    const leave = () => this.#closeWhenIdle();
    draining.addEventListener('abort', leave, { once: true });
    socket.on('pong', () => {
      this.#alive = true;
    });
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    // ws closes by itself after a protocol error (1002, 1007, 1009).
    socket.on('error', (error) => options.gateway.kit.log.debug({ err: error }, 'WebSocket error'));
    const forget = options.gateway.authenticator.watch(options.principal, (error) => this.#expire(error));
    socket.on('close', () => {
      clearInterval(this.#ticker);
      forget();
      draining.removeEventListener('abort', leave);
      this.#running?.scope.abort(
        new PlatformError('cancelled', 'The client left before the answer was complete.'),
      );
    });
    if (draining.aborted) leave();
  }

  #receive(data: RawData, isBinary: boolean): void {
    try {
      const frame = parseFrame(data, isBinary);
      switch (frame.type) {
        case 'start':
          void this.#start(frame.request);
          break;
        case 'cancel':
          this.#cancel();
          break;
        default:
          frame satisfies never;
      }
    } catch (thrown) {
      this.#refuse(toPlatformError(thrown));
    }
  }

  /** One that goes on without its connection has to be told; any other ends with the call. */
  #cancel(): void {
    const running = this.#running;
    if (running === undefined) return;
    const { conversation_id } = running.progress;
    if (!running.goes_on)
      running.scope.abort(new PlatformError('cancelled', 'The conversation was cancelled by its client.'));
    else if (conversation_id === null) running.cancel_wanted = true;
    else {
      const { gateway } = this.#options;
      gateway.kit.clients.core
        .cancelConversation(conversation_id, { ...running.call, deadline_ms: Date.now() + CLOSE_TIMEOUT_MS })
        .catch((err: unknown) => gateway.kit.log.debug({ err, conversation_id }, 'cancel came too late'));
    }
  }

  /** A frame that cannot be served is answered; too many of them end the socket. */
  #refuse(error: PlatformError): void {
    this.#send(errorEvent(error, newProgress()));
    if (++this.#bad_frames >= MAX_BAD_FRAMES)
      this.#options.socket.close(CLOSE.policy, `${MAX_BAD_FRAMES} frames could not be served`);
  }

  async #start(request: ChatRequest): Promise<void> {
    const { gateway, principal, draining } = this.#options;
    let running: Running | undefined;
    let failure: PlatformError | undefined;
    try {
      if (this.#running !== undefined)
        throw new PlatformError(
          'conflict',
          'A conversation is running on this socket. Cancel it or wait for its end, or open another socket.',
        );
      if (draining.aborted)
        throw new PlatformError('unavailable', 'The service is restarting. Connect again.', {
          retry_after_ms: 1000,
        });
      if (this.#ended !== undefined) throw this.#ended;
      const { refusal } = admit(gateway, principal, { inside: true });
      if (refusal !== undefined) throw refusal;
    } catch (thrown) {
      this.#refuse(toPlatformError(thrown));
      return;
    }
    running = this.#begin(request);
    try {
      await this.#converse(request, running);
    } catch (thrown) {
      const error = this.#ended ?? toPlatformError(thrown);
      if (!(await this.#sendFinalEvents(error, running))) {
        failure = error;
        this.#send(errorEvent(error, running.progress));
      }
    }
    this.#end(running, failure);
  }

  #begin(request: ChatRequest): Running {
    const { gateway, principal, residency, on_interrupt } = this.#options;
    const request_id = randomUUID();
    const span = gateway.kit.tracer.start('http.server.request', {
      kind: 'server',
      attributes: {
        'http.route': SOCKET_PATH,
        'network.protocol.name': 'websocket',
        'mcp.request_id': request_id,
        'enduser.id': principal.id,
      },
    });
    const running: Running = {
      ...begin({
        request_id,
        principal,
        span,
        class: 'interactive',
        residency,
        on_interrupt,
        timeout_ms: gateway.kit.config.MCP_REQUEST_TIMEOUT_MS,
      }),
      span,
      progress: newProgress(),
      started_ms: performance.now(),
      goes_on: request.on_disconnect === 'continue',
      cancel_wanted: false,
    };
    gateway.kit.requests.begin();
    this.#running = running;
    return running;
  }

  async #converse(request: ChatRequest, running: Running): Promise<void> {
    const findings = new Findings();
    const events = converse(this.#options.gateway, {
      request,
      call: running.call,
      findings,
      onRisk: () => undefined,
      onPrivacy: () => undefined,
    });
    const source = new ReadAhead(events);
    const coalescing = chatCoalescing(this.#options.gateway);
    const timer = closing(running.scope.signal);
    try {
      for (;;) {
        const pending = source.next();
        pending.catch(() => undefined);
        const next = await Promise.race([pending, timer.over]);
        if (next.done === true) return;
        for (let told: readonly ChatEvent[] = [next.value]; told.length > 0; ) {
          let ready: Promise<void> | undefined;
          for (const event of told) ready = this.#tell(event, running) ?? ready;
          ready ??= busyPause(coalescing);
          told =
            ready === undefined ? [] : await Promise.race([source.gather(ready, coalescing), timer.over]);
        }
      }
    } finally {
      timer.dispose();
      events.return(undefined).then(undefined, () => undefined);
    }
  }

  /**
   * The last events of a conversation that its client cancelled: between two processes a cancel closes the connection on
   * which they would have come, so the core is asked for them. Whether there were any.
   */
  async #sendFinalEvents(error: PlatformError, running: Running): Promise<boolean> {
    const { gateway, socket, principal } = this.#options;
    const { conversation_id, seq } = running.progress;
    if (error.code !== 'cancelled' || conversation_id === null || socket.readyState !== socket.OPEN)
      return false;
    const { call, scope } = begin({
      ...running.call,
      principal,
      span: running.span,
      timeout_ms: CLOSE_TIMEOUT_MS,
    });
    let over = false;
    try {
      for await (const event of gateway.kit.clients.core.events(conversation_id, { after: seq }, call)) {
        over = event.type === 'done' || event.type === 'error';
        await this.#tell(event, running);
      }
    } catch (thrown) {
      gateway.kit.log.debug(
        { err: thrown, conversation_id },
        'the last events of a conversation did not come',
      );
    } finally {
      scope.dispose();
    }
    return over;
  }

  /** As {@link #send}. */
  #tell(event: ChatEvent, running: Running): Promise<void> | undefined {
    if (this.#ended !== undefined) throw this.#ended;
    note(running.progress, event);
    if (event.type === 'start' && running.cancel_wanted) this.#cancel();
    return this.#send(event);
  }

  #end(running: Running, failure: PlatformError | undefined): void {
    const { gateway, draining, principal } = this.#options;
    const duration_ms = performance.now() - running.started_ms;
    const status = failure?.status ?? 200;
    running.scope.dispose();
    leave(gateway, principal, { error: failure, inside: true });
    conclude(gateway, { duration_ms, status, error: failure, endpoint: SOCKET_PATH });
    const labels = { endpoint: SOCKET_PATH, status: String(status), model: '-', phase: 'stream' };
    gateway.kit.requests.end(duration_ms / 1000, labels);
    if (failure !== undefined)
      gateway.kit.metrics.inc('service_errors_total', { ...labels, code: failure.code });
    running.span.set({ 'http.response.status_code': status });
    running.span.end(status >= 500 ? failure : undefined);
    this.#running = undefined;
    this.#quiet_since_ms = performance.now();
    if (this.#ended !== undefined) this.#closeExpired(this.#ended);
    else if (draining.aborted) this.#closeWhenIdle();
  }

  /** The key or token has ended, and the socket with it: what was said so far is kept, no more of it is sent. */
  #expire(error: PlatformError): void {
    this.#ended = error;
    if (this.#running === undefined) this.#closeExpired(error);
    else
      this.#running.scope.abort(
        new PlatformError('cancelled', 'The key or token of this conversation has ended.'),
      );
  }

  #closeExpired({ message }: PlatformError): void {
    // A reason has room for 123 bytes.
    this.#options.socket.close(CLOSE.unauthenticated, message.slice(0, 120));
  }

  /** Sends one event; resolves at once, or when a slow client has taken what is waiting for it. */
  #send(event: ChatEvent): Promise<void> | undefined {
    const { socket } = this.#options;
    if (socket.readyState !== socket.OPEN) return undefined;
    const text = JSON.stringify(event);
    if (socket.bufferedAmount < MAX_BUFFERED_BYTES) {
      socket.send(text);
      return undefined;
    }
    return new Promise((done) => socket.send(text, () => done()));
  }

  #tick(): void {
    const { socket } = this.#options;
    if (!this.#alive) {
      socket.terminate();
      return;
    }
    if (this.#running === undefined && performance.now() - this.#quiet_since_ms > IDLE_MS) {
      socket.close(CLOSE.normal, 'no conversation for 10 minutes');
      return;
    }
    this.#alive = false;
    socket.ping();
  }

  #closeWhenIdle(): void {
    if (this.#running === undefined)
      this.#options.socket.close(CLOSE.going_away, 'the service is restarting');
  }
}

function parseFrame(data: RawData, isBinary: boolean): WsClientFrame {
  if (isBinary)
    throw new PlatformError('invalid_request', 'The frame is binary. Send text frames that hold JSON.');
  const value = parseJson(data.toString());
  const parsed = WsClientFrame.safeParse(value);
  if (!parsed.success) throw fromZod(parsed.error, value);
  return parsed.data;
}

/** Rejects when a cancelled conversation takes too long for its last events. */
function closing(signal: AbortSignal): { over: Promise<never>; dispose(): void } {
  let timer: NodeJS.Timeout | undefined;
  let onAbort = () => {};
  const over = new Promise<never>((_, reject) => {
    onAbort = () => {
      timer = setTimeout(() => reject(toPlatformError(signal.reason)), CLOSE_TIMEOUT_MS);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  over.catch(() => undefined);
  return {
    over,
    dispose() {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    },
  };
}
