import { type CallContext, type ChatEvent, ChatRequest, PlatformError } from '@mcp/contracts';
import { type KitContext, type KitEnv, parseBody, streamEvents, textAnswer } from '@mcp/service-kit';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { converse, type Talk } from '../pipeline/inference.ts';
import { chatCoalescing } from '../transports/coalescing.ts';
import {
  CONVERSATION_HEADER,
  JSON_ANSWER,
  noteOverhead,
  OVERHEAD_HEADER,
  RISK_HEADER,
  safetyOf,
  sayPrivacy,
} from '../transports/completion.ts';
import { guardInference } from '../transports/http.ts';
import {
  acceptsEventStream,
  errorEvent,
  errorOf,
  newProgress,
  note,
  type Progress,
  SSE,
  sse,
} from '../transports/sse.ts';

/** How long the first events are kept back: a refusal that comes with them is answered with its status. */
const HOLD_BACK_MS = 250;

/** `POST /chat`: a conversation of one to eight participants, as one JSON answer or as server-sent events. */
export function chatRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  app.post(
    '/chat',
    guardInference(gateway, async (c, call) => {
      const request = await parseBody(c, ChatRequest, gateway.kit.config.MCP_MAX_BODY_BYTES);
      const stream = request.stream ?? acceptsEventStream(c.req.header('accept'));
      c.get('state').phase = stream ? 'stream' : 'json';
      return stream ? streamed(gateway, c, { request, call }) : whole(gateway, c, { request, call });
    }),
  );
}

interface Asked {
  readonly request: ChatRequest;
  readonly call: CallContext;
}

async function whole(gateway: Gateway, c: KitContext, { request, call }: Asked): Promise<Response> {
  const { headers, started_ms } = c.get('state');
  const before_ms = performance.now() - started_ms;
  for await (const event of converse(gateway, talkOf(gateway, c, { request, call }))) {
    if (event.type === 'start') headers[CONVERSATION_HEADER] = event.conversation_id;
    if (event.type === 'error') throw errorOf(event);
    if (event.type !== 'done') continue;
    const after_ms = performance.now();
    const text = JSON.stringify(event.response);
    headers[OVERHEAD_HEADER] = (before_ms + performance.now() - after_ms).toFixed(3);
    return textAnswer(c, text, JSON_ANSWER);
  }
  throw new PlatformError('upstream_interrupted', 'The conversation broke off before its end. Try again.');
}

/** A conversation that came in over HTTP; its headers tell of it. */
function talkOf(gateway: Gateway, c: KitContext, asked: Asked): Talk {
  const { headers } = c.get('state');
  return {
    ...asked,
    findings: safetyOf(gateway, c),
    onRisk: (header) => {
      headers[RISK_HEADER] = header;
    },
    onPrivacy: (session) => sayPrivacy(c, session),
  };
}

function streamed(gateway: Gateway, c: KitContext, { request, call }: Asked): Promise<Response> {
  const progress = newProgress();
  const { headers } = c.get('state');
  noteOverhead(c);
  const events = converse(gateway, talkOf(gateway, c, { request, call }));
  const { merge, busy } = chatCoalescing(gateway);
  return streamEvents(c, pieces(events, { progress, headers }), {
    ...SSE,
    encode: (piece) => piece.map((event) => sse(event.type, event.seq, event)).join(''),
    coalescing: {
      merge: ([a, ...more], [b]) => {
        const merged = a === undefined || b === undefined || more.length > 0 ? undefined : merge(a, b);
        return merged && [merged];
      },
      ...(busy === undefined ? {} : { busy }),
    },
    onError: (error) => {
      const event = errorEvent(error, progress);
      return sse(event.type, event.seq, event);
    },
  });
}

/** Events one by one, but the first piece: it holds all events up to the first words, or what came in 250 ms. */
async function* pieces(
  events: AsyncIterable<ChatEvent>,
  { progress, headers }: { progress: Progress; headers: Record<string, string> },
): AsyncGenerator<readonly ChatEvent[]> {
  const iterator = events[Symbol.asyncIterator]();
  const noted = (event: ChatEvent): ChatEvent => {
    note(progress, event);
    if (event.type === 'start') headers[CONVERSATION_HEADER] = event.conversation_id;
    return event;
  };
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((done) => {
    timer = setTimeout(done, HOLD_BACK_MS, undefined);
  });
  try {
    const held: ChatEvent[] = [];
    let pending = iterator.next();
    for (;;) {
      pending.catch(() => undefined);
      const next = await Promise.race([pending, timeout]);
      if (next === undefined || next.done === true) break;
      if (next.value.type === 'error') throw errorOf(next.value);
      held.push(noted(next.value));
      pending = iterator.next();
      if (next.value.type !== 'start' && next.value.type !== 'message.start') break;
    }
    pending.catch(() => undefined);
    if (held.length > 0) yield held;
    for (let next = await pending; next.done !== true; next = await iterator.next())
      yield [noted(next.value)];
  } finally {
    clearTimeout(timer);
    iterator.return?.().then(undefined, () => undefined);
  }
}
