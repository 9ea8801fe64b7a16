import { FeedbackRequest, LineageQuery, ListConversationsQuery, MAX_COMMENT_CHARS } from '@mcp/contracts';
import { type KitEnv, parseBody, parseQuery, uuidParam } from '@mcp/service-kit';
import type { Hono } from 'hono';
import { z } from 'zod';
import type { Gateway } from '../gateway.ts';
import { privacyOf } from '../transports/completion.ts';
import { guard } from '../transports/http.ts';

const PROV_JSON = 'application/prov+json';

function wantsProv(accept: string | undefined): boolean {
  return accept?.toLowerCase().includes(PROV_JSON) === true;
}

const ExportedLog = z.record(z.string(), z.unknown());

/** The caller's conversations, their hash chains, and the prompts and graphs to begin them with. */
export function conversationRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  const core = () => gateway.kit.clients.core;
  app.get(
    '/v1/prompts',
    guard(gateway, 'chat', async (c, call) => c.json({ prompts: await core().prompts(call) })),
  );
  app.get(
    '/v1/graphs',
    guard(gateway, 'chat', async (c, call) => c.json({ graphs: await core().graphs(call) })),
  );
  app.get(
    '/v1/conversations',
    guard(gateway, { scope: 'chat', query: true }, async (c, call) =>
      c.json(await core().listConversations(parseQuery(c, ListConversationsQuery), call)),
    ),
  );
  app.get(
    '/v1/conversations/:id',
    guard(gateway, 'chat', async (c, call) => c.json(await core().getConversation(uuidParam(c, 'id'), call))),
  );
  app.delete(
    '/v1/conversations/:id',
    guard(gateway, 'chat', async (c, call) =>
      c.json(await core().eraseConversation(uuidParam(c, 'id'), call)),
    ),
  );
  app.post(
    '/v1/conversations/:id/feedback',
    guard(gateway, { scope: 'chat', body: true }, async (c, call) => {
      const id = uuidParam(c, 'id');
      const request = await parseBody(c, FeedbackRequest, gateway.kit.config.MCP_MAX_BODY_BYTES);
      const { session } = await privacyOf(gateway, c, { model: undefined });
      const { comment } = session?.asked({ comment: request.comment }) ?? request;
      const said = comment === undefined ? {} : { comment: comment.slice(0, MAX_COMMENT_CHARS) };
      return c.json(await core().giveFeedback(id, { ...request, ...said }, call));
    }),
  );
  conversationLogRoutes(app, gateway);
  app.post(
    '/v1/verify',
    guard(gateway, { scope: 'chat', body: true }, async (c, call) => {
      const log = await parseBody(c, ExportedLog, gateway.kit.config.MCP_MAX_BODY_BYTES);
      return c.json(await core().verifyLog(log, call));
    }),
  );
}

/** What the log of a conversation says and proves, and who read it. */
function conversationLogRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  const core = () => gateway.kit.clients.core;
  app.get(
    '/v1/conversations/:id/accesses',
    guard(gateway, 'chat', async (c, call) => c.json(await core().accesses(uuidParam(c, 'id'), call))),
  );
  app.get(
    '/v1/conversations/:id/log',
    guard(gateway, 'chat', async (c, call) => c.json(await core().exportLog(uuidParam(c, 'id'), call))),
  );
  app.get(
    '/v1/conversations/:id/proof',
    guard(gateway, 'chat', async (c, call) =>
      c.json(await core().proveConversation(uuidParam(c, 'id'), call)),
    ),
  );
  app.get(
    '/v1/conversations/:id/lineage',
    guard(gateway, { scope: 'chat', query: true }, async (c, call) => {
      const id = uuidParam(c, 'id');
      const { format = wantsProv(c.req.header('accept')) ? 'prov' : 'json' } = parseQuery(c, LineageQuery);
      switch (format) {
        case 'json':
          return c.json(await core().lineage(id, call));
        case 'prov':
          return c.json(await core().lineageAsProv(id, call), 200, { 'content-type': PROV_JSON });
        default:
          return format satisfies never;
      }
    }),
  );
  app.post(
    '/v1/conversations/:id/verify',
    guard(gateway, 'chat', async (c, call) =>
      c.json(await core().verifyConversation(uuidParam(c, 'id'), call)),
    ),
  );
}
