import {
  type CallContext,
  ChatCompletionRequest,
  EmbeddingsRequest,
  type ModelGatewayApi,
  modelGatewayEndpoints,
  type PlatformError,
  ReservePlace,
} from '@mcp/contracts';
import {
  apiApp,
  type KitContext,
  type KitEnv,
  ndjson,
  ownCall,
  parseBody,
  type ServiceKit,
  streamEvents,
  toOpenAiError,
} from '@mcp/service-kit';
import {
  chatChunkEncoder,
  collect,
  DONE_FRAME,
  encodeChatCompletion,
  encodeEmbeddings,
  encodeModelList,
  mergeEvents,
} from '@mcp/wire';
import type { Hono } from 'hono';

/** The table's routes, and what is on a wire of its own: OpenAI's, and places. */
export function createApp(kit: ServiceKit, api: ModelGatewayApi): Hono<KitEnv> {
  const app = apiApp({
    kit,
    endpoints: modelGatewayEndpoints,
    api,
    wire: {
      'POST /v1/chat/completions': ['gateway', 'core', 'task-engine'],
      'POST /v1/embeddings': ['gateway'],
      'GET /v1/models': ['gateway'],
      'POST /internal/places': ['gateway', 'core', 'task-engine'],
    },
    errorShape: (path) => (path.startsWith('/v1/') ? 'openai' : 'problem'),
    checks: {
      models: async () => {
        const models = await api.models(probe());
        if (!models.some(({ kind, status }) => kind === 'chat' && status === 'ready'))
          throw new Error(
            `no chat model is ready: ${models.map(({ id, status }) => `${id} ${status}`).join(', ') || 'none configured'}`,
          );
      },
    },
  });
  app.post('/v1/chat/completions', async (c) => {
    const request = await parseBody(c, ChatCompletionRequest);
    return request.stream === true
      ? streamed(c, api, request)
      : c.json(encodeChatCompletion(await collect(api.generate(request, c.get('call')))));
  });
  app.post('/v1/embeddings', async (c) => {
    const request = await parseBody(c, EmbeddingsRequest);
    return c.json(
      encodeEmbeddings(
        await api.embed(request, c.get('call')),
        request.encoding_format === 'base64' ? 'base64' : 'float',
      ),
    );
  });
  app.get('/v1/models', async (c) => c.json(encodeModelList(await api.models(c.get('call')))));
  app.post('/internal/places', async (c) => {
    const { model } = await parseBody(c, ReservePlace);
    return ndjson(c, held(api, model, c.get('call')));
  });
  return app;
}

function streamed(c: KitContext, api: ModelGatewayApi, request: ChatCompletionRequest): Promise<Response> {
  return streamEvents(c, api.generate(request, c.get('call')), {
    content_type: 'text/event-stream',
    coalescing: { merge: mergeEvents },
    encode: chatChunkEncoder({ include_usage: request.stream_options?.include_usage === true }),
    onEnd: () => DONE_FRAME,
    onError: (error: PlatformError) => `data: ${JSON.stringify(toOpenAiError(error))}\n\n`,
  });
}

/** A place as long as its connection is there. */
async function* held(api: ModelGatewayApi, model: string, call: CallContext): AsyncGenerator<{ id: string }> {
  const { id, gone, release } = await api.reserve(model, call);
  try {
    call.signal.addEventListener('abort', release, { once: true });
    yield { id };
    await gone;
  } finally {
    release();
  }
}

/** The call of a probe: nobody's, and short. */
export function probe(): CallContext {
  return ownCall({ service: 'probe', timeout_ms: 2000 });
}
