import { ListAuditBundlesQuery } from '@mcp/contracts';
import { type KitEnv, parseQuery, streamBytes, uuidParam } from '@mcp/service-kit';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { guard } from '../transports/http.ts';

/** `/v1/audit/bundles`: what auditors are given; for the scope `admin`. */
export function auditRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  const core = () => gateway.kit.clients.core;
  app.get(
    '/v1/audit/bundles',
    guard(gateway, { scope: 'admin', query: true }, async (c, call) =>
      c.json(await core().listAuditBundles(parseQuery(c, ListAuditBundlesQuery), call)),
    ),
  );
  app.get(
    '/v1/audit/bundles/:id',
    guard(gateway, 'admin', (c, call) =>
      streamBytes(c, core().auditBundle(uuidParam(c, 'id'), call), { 'content-type': 'application/json' }),
    ),
  );
}
