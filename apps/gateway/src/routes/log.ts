import { type KitEnv, streamBytes } from '@mcp/service-kit';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { guard } from '../transports/http.ts';

/** What a tile says never changes; who may read it depends on the key. */
const IMMUTABLE = 'private, max-age=31536000, immutable';

/** `/v1/log`: the transparency log of the region for its readers (C2SP tlog-tiles). */
export function logRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  const log = () => gateway.kit.clients.transparencyLog;
  app.get(
    '/v1/log',
    guard(gateway, 'chat', async (c, call) => c.json(await log().checkpoint(call))),
  );
  app.get(
    '/v1/log/checkpoint',
    guard(gateway, 'chat', async (c, call) => c.text((await log().checkpoint(call)).note)),
  );
  app.get(
    '/v1/log/tile/:path{.+}',
    guard(gateway, 'chat', (c, call) =>
      streamBytes(c, log().tile({ path: `tile/${c.req.param('path') ?? ''}` }, call), {
        'content-type': 'application/octet-stream',
        'cache-control': IMMUTABLE,
      }),
    ),
  );
}
