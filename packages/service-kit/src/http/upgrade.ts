import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { PlatformError } from '@mcp/contracts';
import { WebSocketServer } from 'ws';
import type { KitContext, SocketHandler, UpgradeSlot } from './context.ts';

const MAX_FRAME_BYTES = 1024 * 1024;
/** How long clients may take to answer the closing handshake when the process stops. */
const CLOSE_TIMEOUT_MS = 1000;

/** Accepts the WebSocket of this request (RFC 6455). Throws `invalid_request` when it is none. */
export function acceptWebSocket(c: KitContext, handler: SocketHandler): Response {
  const slot = c.env?.upgrade;
  if (slot === undefined)
    throw new PlatformError(
      'invalid_request',
      'This is a WebSocket address. Send Connection: Upgrade and Upgrade: websocket, or use a WebSocket client.',
    );
  const state = c.get('state');
  slot.handler = handler;
  state.streaming = true;
  state.seal();
  state.finish(101);
  return new Response(null);
}

export interface WebSockets {
  /** Tells every handler that the process stops. */
  drain(): void;
  /** Closes (1001) those still open, then cuts them off. */
  close(): Promise<void>;
}

type Fetch = (request: Request, env: object) => Response | Promise<Response>;

/**
 * Routes WebSocket handshakes through the app, so that they meet the same authentication and errors as any request;
 * a refusal keeps its status and body.
 */
export function attachWebSockets(server: Server, fetch: Fetch): WebSockets {
  const draining = new AbortController();
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    handleProtocols: (offered) => (offered.has('mcp') ? 'mcp' : false),
  });
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    void handshake(fetch, incoming).then(
      ({ response, handler }) => {
        if (handler === undefined) {
          if (!socket.destroyed) void refuse(socket, response);
          return;
        }
        let open = false;
        // ws ends a handshake that it does not like without a word to us.
        const onClose = () => {
          if (!open) handler.lost();
        };
        if (socket.destroyed) onClose();
        else {
          socket.once('close', onClose);
          wss.handleUpgrade(incoming, socket, head, (ws) => {
            open = true;
            handler.accepted(ws, draining.signal);
          });
        }
      },
      () => socket.destroy(),
    );
  });
  return {
    drain: () => draining.abort(),
    async close() {
      const open = [...wss.clients];
      for (const ws of open) ws.close(1001, 'the service is restarting');
      const until_ms = Date.now() + CLOSE_TIMEOUT_MS;
      while (wss.clients.size > 0 && Date.now() < until_ms) await new Promise((done) => setTimeout(done, 10));
      for (const ws of wss.clients) ws.terminate();
      wss.close();
    },
  };
}

async function handshake(
  fetch: Fetch,
  incoming: IncomingMessage,
): Promise<{ response: Response; handler: SocketHandler | undefined }> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers))
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  const slot: UpgradeSlot = { handler: undefined };
  const path = incoming.url?.startsWith('/') ? incoming.url : '/';
  const request = new Request(`http://gateway${path}`, { headers });
  const response = await fetch(request, { incoming, upgrade: slot });
  return { response, handler: slot.handler };
}

async function refuse(socket: Duplex, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer());
  const lines = [`HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? 'Error'}`];
  response.headers.forEach((value, name) => {
    if (name !== 'content-length' && name !== 'connection') lines.push(`${name}: ${value}`);
  });
  lines.push('connection: close', `content-length: ${body.byteLength}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  socket.end(body);
}
