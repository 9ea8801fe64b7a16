import { type GovernanceApi, PlatformError } from '@mcp/contracts';
import { internalApp, type KitEnv, type ServiceKit } from '@mcp/service-kit';
import type { Hono } from 'hono';

/** The governance service over HTTP, for the other services. */
export function createApp(kit: ServiceKit, api: GovernanceApi): Hono<KitEnv> {
  const app = internalApp({
    kit,
    checks: {},
    callers: { 'GET /internal/jobs': ['gateway'], 'POST /internal/jobs/:name/run': ['gateway'] },
  });
  app.get('/internal/jobs', async (c) => c.json(await api.jobs(c.get('call'))));
  app.post('/internal/jobs/:name/run', async (c) => {
    const call = c.get('call');
    if (!call.principal.scopes.includes('admin'))
      throw new PlatformError(
        'forbidden',
        'Governance jobs are run by administrators. Use a key with the admin scope.',
      );
    return c.json(await api.run(c.req.param('name'), call));
  });
  return app;
}
