import { type ChatEvent, PlatformError } from '@mcp/contracts';
import { type KitContext, type KitEnv, streamText, uuidParam } from '@mcp/service-kit';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { guard } from '../transports/http.ts';
import { errorEvent, newProgress, note, SSE, sse } from '../transports/sse.ts';

const LAST_EVENT = 'last-event-id';

/**
 * `GET /v1/conversations/{id}/events`: a conversation that was begun elsewhere, from the event after `Last-Event-ID`
 * to its end; 204 when there is nothing more, which ends a browser's reconnecting. `POST …/cancel` stops it.
 */
export function eventRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  const core = () => gateway.kit.clients.core;
  app.get(
    '/v1/conversations/:id/events',
    guard(gateway, 'chat', async (c, call) => {
      const id = uuidParam(c, 'id');
      const events = core()
        .events(id, { after: lastEventOf(c) }, call)
        [Symbol.asyncIterator]();
      const first = await events.next();
      if (first.done === true) return c.body(null, 204);
      c.get('state').phase = 'stream';
      const progress = { ...newProgress(), conversation_id: id };
      return streamText(c, frames(first.value, events, progress), {
        ...SSE,
        onError: (error) => {
          // Without an id: the next attempt goes on after the last event that came.
          return `event: error\ndata: ${JSON.stringify(errorEvent(error, progress))}\n\n`;
        },
      });
    }),
  );
  app.post(
    '/v1/conversations/:id/cancel',
    guard(gateway, 'chat', async (c, call) =>
      c.json(await core().cancelConversation(uuidParam(c, 'id'), call)),
    ),
  );
}

async function* frames(
  first: ChatEvent,
  rest: AsyncIterator<ChatEvent>,
  progress: ReturnType<typeof newProgress>,
): AsyncGenerator<string> {
  try {
    for (let event = first; ; ) {
      note(progress, event);
      yield sse(event.type, event.seq, event);
      const next = await rest.next();
      if (next.done === true) return;
      event = next.value;
    }
  } finally {
    await rest.return?.();
  }
}

function lastEventOf(c: KitContext): number {
  const given = c.req.header(LAST_EVENT);
  if (given === undefined) return -1;
  if (!/^\d{1,15}$/.test(given))
    throw new PlatformError(
      'invalid_request',
      `Last-Event-ID: must be the id of an event of this conversation, a whole number (got ${given.slice(0, 40)}).`,
      { param: 'Last-Event-ID' },
    );
  return Number(given);
}
