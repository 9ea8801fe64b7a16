import { randomUUID } from 'node:crypto';
import {
  type CallContext,
  type ChatCompletionRequest,
  type ModelEvent,
  PublicChatCompletionRequest,
  PublicEmbeddingsRequest,
} from '@mcp/contracts';
import { type KitContext, type KitEnv, streamEvents, textAnswer } from '@mcp/service-kit';
import {
  chatChunkEncoder,
  collect,
  DONE_FRAME,
  encodeChatCompletion,
  encodeEmbeddings,
  fromPublicChat,
  textsOf,
} from '@mcp/wire';
import type { Hono } from 'hono';
import type { Gateway } from '../gateway.ts';
import { CONVERSATION_BACKEND } from '../pipeline/aliases.ts';
import { embed } from '../pipeline/inference.ts';
import { keepsAnswers, type Recordable, recordCompletion } from '../pipeline/record.ts';
import { modelCoalescing } from '../transports/coalescing.ts';
import {
  CONVERSATION_HEADER,
  completionEvents,
  decidedPrivacy,
  gathered,
  inferenceBody,
  JSON_ANSWER,
  noteOverhead,
  OVERHEAD_HEADER,
  safetyOf,
} from '../transports/completion.ts';
import { guardInference } from '../transports/http.ts';
import { OPENAI_SSE } from '../transports/sse.ts';

/** OpenAI's wire: chat completions, embeddings. */
export function openAiRoutes(app: Hono<KitEnv>, gateway: Gateway): void {
  app.post(
    '/v1/chat/completions',
    guardInference(gateway, async (c, call) => {
      const given = await inferenceBody(gateway, c, PublicChatCompletionRequest);
      const { request, functions } = fromPublicChat(given);
      const events = completionEvents(gateway, c, {
        request,
        call,
        format: functions ? 'functions' : 'chat',
      });
      const store = request.store === true && keepsAnswers(gateway);
      const asked: Asked = { request, functions, call, store, events: store ? named(events) : events };
      return request.stream === true ? streamed(gateway, c, asked) : whole(gateway, c, asked);
    }),
  );
  app.post(
    '/v1/embeddings',
    guardInference(gateway, async (c, call) => {
      const { input, ...rest } = await inferenceBody(gateway, c, PublicEmbeddingsRequest);
      const texts = await textsOf(input, { model: rest.model, param: 'input' });
      const request = { ...rest, input: typeof input === 'string' ? input : [...texts] };
      // What came as tokens is a text only now.
      const decoded = [input].flat(2).some((item) => typeof item === 'number');
      const asked = (decoded ? decidedPrivacy(c).session?.asked(request) : undefined) ?? request;
      const state = c.get('state');
      state.model = gateway.models.label(request.model);
      state.phase = 'json';
      const before_ms = performance.now() - state.started_ms;
      const result = await embed(gateway, asked, call);
      const answered_ms = performance.now();
      const text = JSON.stringify(encodeEmbeddings(result, request.encoding_format ?? 'float'));
      state.headers[OVERHEAD_HEADER] = (before_ms + performance.now() - answered_ms).toFixed(3);
      return textAnswer(c, text, JSON_ANSWER);
    }),
  );
}

interface Asked {
  readonly request: ChatCompletionRequest;
  /** Whether it asked for functions instead of tools. */
  readonly functions: boolean;
  readonly call: CallContext;
  /** Whether it is kept. */
  readonly store: boolean;
  readonly events: AsyncIterable<ModelEvent>;
}

/** What is kept is asked for by its id, so that it must be another than any server may have given before. */
async function* named(events: AsyncIterable<ModelEvent>): AsyncGenerator<ModelEvent> {
  for await (const event of events)
    yield event.type === 'start' && event.backend !== CONVERSATION_BACKEND
      ? { ...event, id: `chatcmpl-${randomUUID()}` }
      : event;
}

async function whole(
  gateway: Gateway,
  c: KitContext,
  { request, functions, call, store, events }: Asked,
): Promise<Response> {
  const { completion, text } = await gathered(c, events, (one) => encodeChatCompletion(one, { functions }));
  if (store) {
    const { headers } = c.get('state');
    const conversation_id = headers[CONVERSATION_HEADER];
    const safety = safetyOf(gateway, c).verdict;
    const privacy = decidedPrivacy(c);
    const recordable = { request, completion, call, conversation_id, safety, privacy };
    const id = await recordCompletion(gateway, recordable);
    if (id !== undefined) headers[CONVERSATION_HEADER] = id;
  }
  return textAnswer(c, text, JSON_ANSWER);
}

function streamed(
  gateway: Gateway,
  c: KitContext,
  { request, functions, call, store, events }: Asked,
): Promise<Response> {
  const include_usage = request.stream_options?.include_usage === true;
  const encode = chatChunkEncoder({ include_usage, functions });
  const kept: ModelEvent[] | undefined = store ? [] : undefined;
  const { headers } = c.get('state');
  noteOverhead(c);
  return streamEvents(c, events, {
    ...OPENAI_SSE,
    coalescing: modelCoalescing(gateway),
    encode(event) {
      kept?.push(event);
      return encode(event);
    },
    onEnd() {
      if (kept === undefined) return DONE_FRAME;
      const conversation_id = headers[CONVERSATION_HEADER];
      const safety = safetyOf(gateway, c).verdict;
      const privacy = decidedPrivacy(c);
      return recordedEnd(gateway, { request, call, kept, conversation_id, safety, privacy });
    },
  });
}

/** A stream's headers are gone when the record is written: its id comes as a last chunk without choices. */
async function recordedEnd(
  gateway: Gateway,
  asked: Omit<Recordable, 'completion'> & { readonly kept: readonly ModelEvent[] },
): Promise<string> {
  const completion = await collect(replay(asked.kept));
  const id = await recordCompletion(gateway, { ...asked, completion });
  if (id === undefined) return DONE_FRAME;
  const chunk = {
    id: completion.id,
    object: 'chat.completion.chunk',
    created: completion.created_s,
    model: completion.model,
    choices: [],
    mcp: { conversation_id: id },
  };
  return `data: ${JSON.stringify(chunk)}\n\n${DONE_FRAME}`;
}

async function* replay(events: readonly ModelEvent[]): AsyncGenerator<ModelEvent> {
  yield* events;
}
