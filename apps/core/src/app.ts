import {
  ChatRequest,
  type CoreApi,
  EventsQuery,
  ListConversationsQuery,
  RecordCompletionRequest,
} from '@mcp/contracts';
import {
  internalApp,
  type KitEnv,
  ndjson,
  parseBody,
  parseQuery,
  type ServiceKit,
  uuidParam,
} from '@mcp/service-kit';
import type { Hono } from 'hono';
import { z } from 'zod';

/** A log has its texts and, beside them, hashes and counts. */
const MAX_LOG_BYTES = 32 * 1024 * 1024;

/** The core over HTTP, for the other services. */
export function createApp(
  kit: ServiceKit,
  api: CoreApi,
  checks: Readonly<Record<string, () => Promise<void>>>,
): Hono<KitEnv> {
  const app = internalApp({
    kit,
    checks,
    callers: {
      'POST /internal/chat': ['gateway'],
      'GET /internal/conversations': ['gateway', 'task-engine'],
      'GET /internal/conversations/:id': ['gateway', 'task-engine'],
      'GET /internal/conversations/:id/events': ['gateway'],
      'POST /internal/conversations/:id/cancel': ['gateway'],
      'GET /internal/conversations/:id/log': ['gateway'],
      'POST /internal/conversations/:id/verify': ['gateway'],
      'POST /internal/verify': ['gateway'],
      'POST /internal/logs/check': ['governance'],
      'GET /internal/prompts': ['gateway'],
      'POST /internal/completions': ['gateway'],
    },
  });
  app.post('/internal/chat', async (c) =>
    ndjson(c, api.chat(await parseBody(c, ChatRequest), c.get('call'))),
  );
  app.get('/internal/conversations', async (c) =>
    c.json(await api.listConversations(parseQuery(c, ListConversationsQuery), c.get('call'))),
  );
  app.get('/internal/conversations/:id', async (c) =>
    c.json(await api.getConversation(uuidParam(c, 'id'), c.get('call'))),
  );
  app.get('/internal/conversations/:id/events', (c) =>
    ndjson(c, api.events(uuidParam(c, 'id'), parseQuery(c, EventsQuery), c.get('call'))),
  );
  app.post('/internal/conversations/:id/cancel', async (c) =>
    c.json(await api.cancelConversation(uuidParam(c, 'id'), c.get('call'))),
  );
  app.get('/internal/conversations/:id/log', async (c) =>
    c.json(await api.exportLog(uuidParam(c, 'id'), c.get('call'))),
  );
  app.post('/internal/conversations/:id/verify', async (c) =>
    c.json(await api.verifyConversation(uuidParam(c, 'id'), c.get('call'))),
  );
  app.post('/internal/verify', async (c) =>
    c.json(await api.verifyLog(await parseBody(c, z.unknown(), MAX_LOG_BYTES), c.get('call'))),
  );
  app.post('/internal/logs/check', async (c) => c.json(await api.checkLogs(c.get('call'))));
  app.get('/internal/prompts', async (c) => c.json(await api.prompts(c.get('call'))));
  app.post('/internal/completions', async (c) =>
    c.json(
      await api.recordCompletion(await parseBody(c, RecordCompletionRequest, MAX_LOG_BYTES), c.get('call')),
      201,
    ),
  );
  return app;
}
