import { PlatformError, SOCKET_PATH } from '@mcp/contracts';
import { acceptWebSocket, type KitContext, type KitEnv, parseQuery } from '@mcp/service-kit';
import type { Hono } from 'hono';
import { socketCredentialOf } from '../auth/credentials.ts';
import type { Gateway } from '../gateway.ts';
import { admitConnection, identify } from '../pipeline/entrance.ts';
import { residencyOf } from '../regions/residency.ts';
import { ChatSocket } from '../transports/chat-socket.ts';
import { NO_QUERY, onInterrupt } from '../transports/http.ts';

/** `GET /ws`: conversations over a WebSocket; frames in `contracts/chat.ts`. */
export function socketRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  app.get(SOCKET_PATH, async (c) => {
    const credential = socketCredentialOf((name) => c.req.header(name));
    const principal = await identify(gateway, c, { credential, scope: 'chat' });
    parseQuery(c, NO_QUERY);
    assertProtocol(c);
    admitConnection(gateway, principal);
    const leave = () => gateway.admission.leave(principal.id);
    try {
      return acceptWebSocket(c, {
        accepted: (socket, draining) => {
          socket.once('close', leave);
          new ChatSocket({
            gateway,
            socket,
            principal,
            residency: residencyOf(c),
            on_interrupt: onInterrupt(c),
            draining,
          });
        },
        lost: leave,
      });
    } catch (error) {
      leave();
      throw error;
    }
  });
}

/** Throws `invalid_request` for a version or subprotocol that this server does not speak. */
function assertProtocol(c: KitContext): void {
  if (c.req.header('upgrade') === undefined) return;
  const version = c.req.header('sec-websocket-version');
  if (version !== '13') {
    c.get('state').headers['sec-websocket-version'] = '13';
    throw new PlatformError(
      'invalid_request',
      `sec-websocket-version: must be 13 (got ${(version ?? 'none').slice(0, 20)}).`,
    );
  }
  if (!/^[A-Za-z0-9+/]{22}==$/.test(c.req.header('sec-websocket-key') ?? ''))
    throw new PlatformError(
      'invalid_request',
      'sec-websocket-key: must be 16 bytes in base64 (RFC 6455, 4.1).',
    );
  const offered = c.req.header('sec-websocket-protocol');
  if (offered !== undefined && !offered.split(',').some((part) => part.trim() === 'mcp'))
    throw new PlatformError(
      'invalid_request',
      'sec-websocket-protocol: offer mcp, or none and give the key in a header.',
    );
}
