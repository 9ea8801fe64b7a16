import { baseApp, type KitEnv } from '@mcp/service-kit';
import type { Hono } from 'hono';
import type { Gateway } from './gateway.ts';
import { adminRoutes } from './routes/admin.ts';
import { auditRoutes } from './routes/audit.ts';
import { chatRoutes } from './routes/chat.ts';
import { openAiRoutes } from './routes/completions.ts';
import { consoleRoutes } from './routes/console.ts';
import { conversationRoutes } from './routes/conversations.ts';
import { documentRoutes } from './routes/documents.ts';
import { eventRoutes } from './routes/events.ts';
import { jobRoutes } from './routes/jobs.ts';
import { logRoutes, witnessRoutes } from './routes/log.ts';
import { messageRoutes } from './routes/messages.ts';
import { ANTHROPIC_HEADER, modelRoutes } from './routes/models.ts';
import { moderationRoutes } from './routes/moderations.ts';
import { promptRoutes } from './routes/prompts.ts';
import { regionRoutes } from './routes/regions.ts';
import { responseRoutes } from './routes/responses.ts';
import { retentionRoutes } from './routes/retention.ts';
import { storedCompletionRoutes } from './routes/stored-completions.ts';
import { traceRoutes } from './routes/traces.ts';
import { socketRoutes } from './routes/ws.ts';
import { allowOrigins } from './transports/cors.ts';

const ANTHROPIC_PATH = /^\/v1\/messages(\/|$)/;
const MODELS_PATH = /^\/v1\/models(\/|$)/;
const OPENAI_PATH = /^\/v1\/(chat\/completions|completions|embeddings|models|moderations|responses)(\/|$)/;

/** The public interface of the platform. */
export function createApp(gateway: Gateway): Hono<KitEnv> {
  const app = baseApp({
    kit: gateway.kit,
    outside: true,
    errorShape(path, headers) {
      if (ANTHROPIC_PATH.test(path)) return 'anthropic';
      if (MODELS_PATH.test(path) && headers.has(ANTHROPIC_HEADER)) return 'anthropic';
      return OPENAI_PATH.test(path) ? 'openai' : 'problem';
    },
    checks: {
      keys: async () => {
        if (!gateway.keys.loaded) throw new Error('API keys have not been read from the event bus yet');
      },
    },
  });
  allowOrigins(app, gateway.kit.config.MCP_CORS_ORIGINS);
  openAiRoutes(app, gateway);
  modelRoutes(app, gateway);
  storedCompletionRoutes(app, gateway);
  responseRoutes(app, gateway);
  promptRoutes(app, gateway);
  messageRoutes(app, gateway);
  moderationRoutes(app, gateway);
  chatRoutes(app, gateway);
  socketRoutes(app, gateway);
  conversationRoutes(app, gateway);
  eventRoutes(app, gateway);
  traceRoutes(app, gateway);
  logRoutes(app, gateway);
  witnessRoutes(app, gateway);
  auditRoutes(app, gateway);
  retentionRoutes(app, gateway);
  regionRoutes(app, gateway);
  jobRoutes(app, gateway);
  adminRoutes(app, gateway);
  documentRoutes(app);
  consoleRoutes(app, gateway);
  return app;
}
