import type { ApiKeyRecord, ApiKeyView } from '@mcp/contracts';
import {
  CreateKeyRequest,
  KeyChange,
  ListFeedbackQuery,
  type ModelInfo,
  PlatformError,
} from '@mcp/contracts';
import { flagValue, type KitContext, type KitEnv, parseBody, parseQuery, uuidParam } from '@mcp/service-kit';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { guard } from '../transports/http.ts';

const JOB_NAME = /^[a-z][a-z0-9-]{0,63}$/;

/** `/admin/*`: keys, live figures, flags and governance jobs; for the scope `admin`. */
export function adminRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  keyRoutes(app, gateway);
  encryptionRoutes(app, gateway);
  governanceRoutes(app, gateway);
  app.post(
    '/admin/provenance/keys',
    guard(gateway, { scope: 'admin', body: true }, async (c, call) => {
      const change = await parseBody(c, KeyChange, gateway.kit.config.MCP_MAX_BODY_BYTES);
      const { core, transparencyLog } = gateway.kit.clients;
      return c.json(
        change.keys === 'transparency_log'
          ? await transparencyLog.changeKeys(change, call)
          : await core.changeLogKeys(change, call),
      );
    }),
  );
  app.get(
    '/admin/feedback',
    guard(gateway, { scope: 'admin', query: true }, async (c, call) =>
      c.json(await gateway.kit.clients.core.listFeedback(parseQuery(c, ListFeedbackQuery), call)),
    ),
  );
  app.get(
    '/admin/stats',
    guard(gateway, 'admin', async (c) => c.json(await liveFigures(gateway))),
  );
  app.get(
    '/admin/flags',
    guard(gateway, 'admin', (c) => c.json({ flags: flags(gateway) })),
  );
}

function keyRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  app.get(
    '/admin/keys',
    guard(gateway, 'admin', (c) => c.json({ keys: gateway.keys.list().map(view) })),
  );
  app.post(
    '/admin/keys',
    guard(gateway, { scope: 'admin', body: true }, async (c) => {
      const request = await parseBody(c, CreateKeyRequest, gateway.kit.config.MCP_MAX_BODY_BYTES);
      const { key, record } = await gateway.keys.create(request);
      gateway.kit.log.info({ key_id: record.id, scopes: record.scopes }, 'API key made');
      c.get('state').headers['cache-control'] = 'no-store';
      return c.json({ key, record: view(record) }, 201);
    }),
  );
  app.delete(
    '/admin/keys/:id',
    guard(gateway, 'admin', async (c) => {
      const record = await gateway.keys.revoke(uuidParam(c, 'id'));
      gateway.kit.log.info({ key_id: record.id }, 'API key revoked');
      return c.json(view(record));
    }),
  );
}

function encryptionRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  app.post(
    '/admin/encryption/rewrap',
    guard(gateway, 'admin', async (c, call) => c.json(await gateway.kit.clients.core.rewrapKeys(call))),
  );
}

function governanceRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  app.get(
    '/admin/governance',
    guard(gateway, 'admin', async (c, call) =>
      c.json({ jobs: await gateway.kit.clients.governance.jobs(call) }),
    ),
  );
  app.post(
    '/admin/governance/:job/run',
    guard(gateway, 'admin', async (c, call) =>
      c.json(await gateway.kit.clients.governance.run(jobName(c), call)),
    ),
  );
}

function jobName(c: KitContext): string {
  const name = c.req.param('job') ?? '';
  if (JOB_NAME.test(name)) return name;
  throw new PlatformError(
    'invalid_request',
    `job: must be the name of a governance job in lower case (got ${name.slice(0, 60)}). GET /admin/governance lists them.`,
    { param: 'job' },
  );
}

function view({ hash: _hash, ...rest }: ApiKeyRecord): ApiKeyView {
  return rest;
}

/** Figures of all replicas; queues and models are empty while the model-gateway is away. */
async function liveFigures({ live, models }: Gateway): Promise<Record<string, unknown>> {
  const [queues, known] = await Promise.all([
    live.queues(),
    models.list().catch((): readonly ModelInfo[] => []),
  ]);
  return { at: new Date().toISOString(), ...live.requests(), queues, models: known };
}

/** All of the platform, with the values that its services are started with. */
function flags({ kit }: Gateway): Record<string, unknown>[] {
  return kit.config.MCP_FLAGS.map(({ name, default: fallback, description }) => ({
    name,
    value: flagValue(name, fallback, process.env),
    default: fallback,
    description,
  }));
}
