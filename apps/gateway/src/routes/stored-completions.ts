import {
  ChatMessage,
  PlatformError,
  StoredCompletionsQuery,
  StoredCompletionUpdate,
  WireListQuery,
} from '@mcp/contracts';
import { type KitContext, type KitEnv, parseBody, parseNestedQuery } from '@mcp/service-kit';
import type { Hono } from 'hono';
import { z } from 'zod';
import type { Gateway } from '../gateway.ts';
import { storedCompletion } from '../pipeline/record.ts';
import { privacyOf } from '../transports/completion.ts';
import { guard } from '../transports/http.ts';
import { pageObject, pageOf } from '../transports/lists.ts';

const Messages = z.array(ChatMessage);

/** Chat completions that were sent with `store: true`. */
export function storedCompletionRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  const core = () => gateway.kit.clients.core;
  app.get(
    '/v1/chat/completions',
    guard(gateway, { scope: 'chat', query: true }, async (c, call) => {
      const { after, ...query } = parseNestedQuery(c, StoredCompletionsQuery);
      const page = await core().listAnswers(
        { kind: 'chat.completion', ...query, ...(after === undefined ? {} : { after: known(after) }) },
        call,
      );
      const data = page.answers.map((answer) => ({ id: answer.id, ...storedCompletion(answer) }));
      return c.json(pageObject(data, page.has_more));
    }),
  );
  app.get(
    '/v1/chat/completions/:id',
    guard(gateway, 'chat', async (c, call) =>
      c.json(storedCompletion(await core().getAnswer(idOf(c), call))),
    ),
  );
  app.get(
    '/v1/chat/completions/:id/messages',
    guard(gateway, { scope: 'chat', query: true }, async (c, call) => {
      const query = parseNestedQuery(c, WireListQuery);
      const { id, input } = await core().getAnswer(idOf(c), call);
      return c.json(pageOf(Messages.parse(JSON.parse(input)).map(listed(id)), query));
    }),
  );
  app.post(
    '/v1/chat/completions/:id',
    guard(gateway, { scope: 'chat', body: true }, async (c, call) => {
      const sent = await parseBody(c, StoredCompletionUpdate, gateway.kit.config.MCP_MAX_BODY_BYTES);
      const { session } = await privacyOf(gateway, c, { model: undefined });
      const { metadata } = session?.asked(sent) ?? sent;
      return c.json(storedCompletion(await core().updateAnswer(idOf(c), { metadata: metadata ?? {} }, call)));
    }),
  );
  app.delete(
    '/v1/chat/completions/:id',
    guard(gateway, 'chat', async (c, call) => {
      const { id } = await core().deleteAnswer(idOf(c), call);
      return c.json({ object: 'chat.completion.deleted', id, deleted: true });
    }),
  );
}

/** A message as OpenAI lists it: the text as `content`, a list of parts beside it. */
function listed(completion_id: string): (message: ChatMessage, at: number) => { id: string } {
  return (message, at) => {
    const { content } = message;
    const parts = Array.isArray(content) ? content : null;
    const text = parts?.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
    return {
      ...message,
      id: `${completion_id}-${at}`,
      content: text ?? content ?? null,
      content_parts: parts,
    };
  };
}

function idOf(c: KitContext): string {
  return known(c.req.param('id') ?? '');
}

/** The id of a completion. One that is none of ours is of nothing there is. */
function known(id: string): string {
  if (/^chatcmpl-[\w-]{1,100}$/.test(id)) return id;
  throw new PlatformError(
    'not_found',
    `There is no stored chat completion ${id.slice(0, 60)}. Its id begins with chatcmpl-.`,
  );
}
