import { CreateJobRequest, ListJobsQuery, type TaskEngineApi } from '@mcp/contracts';
import {
  internalApp,
  type KitEnv,
  ndjson,
  parseBody,
  parseQuery,
  type ServiceKit,
  streamBytes,
  uuidParam,
} from '@mcp/service-kit';
import type { Hono } from 'hono';

/** The task-engine over HTTP, for the other services. */
export function createApp(
  kit: ServiceKit,
  api: TaskEngineApi,
  checks: Readonly<Record<string, () => Promise<void>>>,
): Hono<KitEnv> {
  const app = internalApp({
    kit,
    checks,
    callers: {
      'POST /internal/jobs': ['gateway'],
      'GET /internal/jobs': ['gateway'],
      'GET /internal/jobs/:id': ['gateway'],
      'GET /internal/jobs/:id/watch': ['gateway'],
      'GET /internal/jobs/:id/result': ['gateway'],
      'POST /internal/jobs/:id/retry': ['gateway'],
      'POST /internal/jobs/:id/cancel': ['gateway'],
    },
  });
  app.post('/internal/jobs', async (c) =>
    c.json(await api.create(await parseBody(c, CreateJobRequest), c.get('call')), 202),
  );
  app.get('/internal/jobs', async (c) => c.json(await api.list(parseQuery(c, ListJobsQuery), c.get('call'))));
  app.get('/internal/jobs/:id', async (c) => c.json(await api.get(uuidParam(c, 'id'), c.get('call'))));
  app.get('/internal/jobs/:id/watch', (c) => ndjson(c, api.watch(uuidParam(c, 'id'), c.get('call'))));
  app.get('/internal/jobs/:id/result', (c) =>
    streamBytes(c, api.result(uuidParam(c, 'id'), c.get('call')), {
      'content-type': 'application/octet-stream',
    }),
  );
  app.post('/internal/jobs/:id/retry', async (c) =>
    c.json(await api.retry(uuidParam(c, 'id'), c.get('call')), 202),
  );
  app.post('/internal/jobs/:id/cancel', async (c) =>
    c.json(await api.cancel(uuidParam(c, 'id'), c.get('call'))),
  );
  return app;
}
