import { randomBytes } from 'node:crypto';
import {
  type CallContext,
  InputItemsQuery,
  type ModelEvent,
  PlatformError,
  ResponsesRequest,
  ResponseTokensRequest,
  StoredResponseQuery,
} from '@mcp/contracts';
import {
  type KitContext,
  type KitEnv,
  parseNestedQuery,
  streamEvents,
  textAnswer,
  toPlatformError,
} from '@mcp/service-kit';
import {
  asResponsesError,
  fromResponses,
  ResponseEncoder,
  type ResponseEnd,
  responseMessages,
  type Said,
} from '@mcp/wire';
import type { Hono } from 'hono';
import { z } from 'zod';
import type { Gateway } from '../gateway.ts';
import { saidBy } from '../pipeline/earlier.ts';
import { keepsAnswers, recordResponse, storedResponse } from '../pipeline/record.ts';
import { modelCoalescing } from '../transports/coalescing.ts';
import {
  bodyAsSent,
  CONVERSATION_HEADER,
  completionEvents,
  decidedPrivacy,
  JSON_ANSWER,
  noteOverhead,
  OVERHEAD_HEADER,
  privacyOf,
  safetyOf,
} from '../transports/completion.ts';
import { guard, guardInference } from '../transports/http.ts';
import { pageOf } from '../transports/lists.ts';
import { SSE } from '../transports/sse.ts';

const ItemList = z.array(z.looseObject({ id: z.string() }));

/** OpenAI's Responses API, for every model and alias of the platform. */
export function responseRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  app.post(
    '/v1/responses',
    guardInference(gateway, async (c, call) => {
      const request = await bodyAsSent(gateway, c, ResponsesRequest);
      const making = await begun(gateway, c, { request, call });
      return request.stream === true ? streamed(gateway, c, making) : whole(c, making);
    }),
  );
  app.post(
    '/v1/responses/input_tokens',
    guard(gateway, { scope: 'chat', body: true }, async (c, call) => {
      const asSent = await bodyAsSent(gateway, c, ResponseTokensRequest);
      const { request, said } = await privately(gateway, c, { request: asSent, call });
      const messages = responseMessages(request, said);
      const { tokens } = await gateway.inference().countTokens({ model: request.model, messages }, call);
      return c.json({ object: 'response.input_tokens', input_tokens: tokens });
    }),
  );
  app.post(
    '/v1/responses/compact',
    guard(gateway, { scope: 'chat', body: true }, async () => {
      throw new PlatformError(
        'invalid_request',
        'Items are not compacted here. Send fewer of them to POST /v1/responses, or truncation: auto.',
      );
    }),
  );
  storedRoutes(app, gateway);
}

function storedRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  const core = () => gateway.kit.clients.core;
  app.get(
    '/v1/responses/:id',
    guard(gateway, { scope: 'chat', query: true }, async (c, call) => {
      parseNestedQuery(c, StoredResponseQuery);
      return c.json(storedResponse(await core().getAnswer(idOf(c), call)));
    }),
  );
  app.delete(
    '/v1/responses/:id',
    guard(gateway, 'chat', async (c, call) => {
      const { id } = await core().deleteAnswer(idOf(c), call);
      return c.json({ id, object: 'response', deleted: true });
    }),
  );
  app.get(
    '/v1/responses/:id/input_items',
    guard(gateway, { scope: 'chat', query: true }, async (c, call) => {
      const query = parseNestedQuery(c, InputItemsQuery);
      const { input } = await core().getAnswer(idOf(c), call);
      return c.json(pageOf(ItemList.parse(JSON.parse(input)), query));
    }),
  );
  app.post(
    '/v1/responses/:id/cancel',
    guard(gateway, 'chat', async (c, call) => {
      const { id } = await core().getAnswer(idOf(c), call);
      throw new PlatformError(
        'invalid_request',
        `The response ${id} was not made in the background, and only those can be cancelled. To stop one that is being streamed, close its connection.`,
      );
    }),
  );
}

/** A response that is being made. */
interface Making {
  readonly encoder: ResponseEncoder;
  readonly events: AsyncIterable<ModelEvent>;
  /** Keeps it, where that is asked for, and says what is known at its end. */
  finish(): Promise<ResponseEnd>;
}

/** A request with all that it builds on, as models may see it. Throws `content_filter`. */
async function privately<R extends ResponseTokensRequest>(
  gateway: Gateway,
  c: KitContext,
  { request, call }: { readonly request: R; readonly call: CallContext },
): Promise<{ readonly request: R; readonly said: Said }> {
  const said = await saidBy(gateway, request, call);
  const { session } = await privacyOf(gateway, c, request);
  if (session === undefined) return { request, said };
  if (said.conversation_id !== undefined) await gateway.privacy.goOn(session, said.conversation_id, call);
  // What was said first has the first names; what is referred to may have been stored as it was said.
  const { earlier } = session.asked({ earlier: said.earlier });
  const asked = session.asked(request);
  return { request: asked, said: { earlier, items: session.stored(said.items) } };
}

async function begun(
  gateway: Gateway,
  c: KitContext,
  asSent: { readonly request: ResponsesRequest; readonly call: CallContext },
): Promise<Making> {
  const id = `resp_${randomBytes(24).toString('hex')}`;
  const { call } = asSent;
  const { request, said } = await privately(gateway, c, asSent);
  const store = request.store !== false && keepsAnswers(gateway);
  const encoder = new ResponseEncoder({ id, request, store });
  const events = completionEvents(gateway, c, {
    request: fromResponses(request, said),
    call,
    format: 'responses',
    fit: request.truncation === 'auto',
  });
  const { headers } = c.get('state');
  return {
    encoder,
    events: inItsWords(events),
    async finish() {
      const end = { store, completed_s: Math.floor(Date.now() / 1000) };
      if (!store) return end;
      const response = encoder.response(end);
      const conversation_id = await recordResponse(gateway, {
        ...{ request, said, response, id, call },
        completion: encoder.completion(),
        conversation_id: headers[CONVERSATION_HEADER],
        safety: safetyOf(gateway, c).verdict,
        privacy: decidedPrivacy(c),
      });
      if (conversation_id === undefined) return { ...end, store: false };
      await gateway.privacy.keep(decidedPrivacy(c).session, conversation_id, call);
      return { ...end, beside: { mcp: { conversation_id } } };
    },
  };
}

async function* inItsWords(events: AsyncIterable<ModelEvent>): AsyncGenerator<ModelEvent> {
  try {
    yield* events;
  } catch (error) {
    throw asResponsesError(error);
  }
}

async function whole(c: KitContext, { encoder, events, finish }: Making): Promise<Response> {
  const { headers, started_ms } = c.get('state');
  const before_ms = performance.now() - started_ms;
  for await (const event of events) encoder.encode(event);
  encoder.close();
  const end = await finish();
  const answered_ms = performance.now();
  const text = JSON.stringify(encoder.response(end));
  headers[OVERHEAD_HEADER] = (before_ms + performance.now() - answered_ms).toFixed(3);
  return textAnswer(c, text, JSON_ANSWER);
}

function streamed(gateway: Gateway, c: KitContext, { encoder, events, finish }: Making): Promise<Response> {
  noteOverhead(c);
  return streamEvents(c, events, {
    ...SSE,
    coalescing: modelCoalescing(gateway),
    encode: (event) => encoder.encode(event),
    async onEnd() {
      const closing = encoder.close();
      return closing + encoder.end(await finish());
    },
    onError: (error) => encoder.fail(toPlatformError(asResponsesError(error))),
  });
}

/** The id of a response in the path. One that is none of ours is of nothing there is. */
function idOf(c: KitContext): string {
  const id = c.req.param('id') ?? '';
  if (/^resp_[0-9a-f]{48}$/.test(id)) return id;
  throw new PlatformError('not_found', `There is no response ${id.slice(0, 60)}. Its id begins with resp_.`);
}
