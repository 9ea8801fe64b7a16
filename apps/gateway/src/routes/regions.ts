import type { KitEnv } from '@mcp/service-kit';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { guard } from '../transports/http.ts';

/** `GET /v1/regions`: the routing table, this region first, for clients that choose or fail over themselves. */
export function regionRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  app.get(
    '/v1/regions',
    guard(gateway, 'chat', (c) =>
      c.json({ here: gateway.kit.common.MCP_REGION, regions: gateway.kit.config.MCP_REGIONS }),
    ),
  );
}
