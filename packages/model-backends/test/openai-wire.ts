/** How backends of servers that speak OpenAI's wire are put under test. */
import type { ChatCompletionRequest, ModelBackend } from '@mcp/contracts';
import { chatChunkEncoder, collect, DONE_FRAME, encodeChatCompletion, encodeEmbeddings } from '@mcp/wire';
import type { Elsewhere } from './under-test.ts';
import { callOptions, serve, type Upstream } from './upstreams.ts';

const CHUNK =
  'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"chat","choices":[{"index":0,"delta":{"content":"half"},"finish_reason":null}]}\n\n';

/** Where such a server differs from the others. */
interface Particulars {
  env(url: string): Record<string, string>;
  /** The path that lists models, `/v1/models` where it is not said; undefined: its operator names them. */
  readonly list?: string | undefined;
  /** That list, of these models. */
  listed?(models: readonly { id: string; kind: 'chat' | 'embedding' }[]): unknown;
  /** What else it answers while its models are described. */
  describe?(path: string): unknown;
  refusal?: Elsewhere['refusal'];
  /** The messages of a request as its model is shown them. */
  shown?(request: object): object;
  /** The model of a request, where its path says it. */
  modelIn?(path: string): string | undefined;
}

const listOf = (models: readonly { id: string }[]) => ({
  object: 'list',
  data: models.map(({ id }) => ({ id, object: 'model', created: 1_700_000_000, owned_by: 'test' })),
});

export function speaksOpenAi(one: Particulars): Elsewhere {
  const { listed = listOf } = one;
  const list = 'list' in one ? one.list : '/v1/models';
  return {
    runs: 'elsewhere',
    env: one.env,
    list,
    describe: (path) =>
      path === list ? listed([{ id: 'chat', kind: 'chat' }]) : (one.describe?.(path) ?? undefined),
    server: (backend) => openAiServer(backend, { ...one, list, listed }),
    refusal:
      one.refusal ??
      ((_status, message) => ({
        body: { error: { message, type: 'server_error', param: null, code: null } },
      })),
    stream: {
      type: 'text/event-stream',
      begun: CHUNK,
      malformed: 'data: <html>\n\n',
      wrong_shape: 'data: [1]\n\n',
    },
  };
}

/** OpenAI's wire in front of a backend. */
function openAiServer(
  backend: ModelBackend,
  one: Particulars & Required<Pick<Particulars, 'listed'>>,
): Promise<Upstream> {
  return serve(async (path, body, { response, signal, json, ask }) => {
    if (path === one.list) return json(200, one.listed(await backend.models(signal)));
    const said = one.describe?.(path);
    if (said !== undefined) return json(200, said);
    const model = one.modelIn?.(path);
    const request = { ...(body as ChatCompletionRequest), ...(model === undefined ? {} : { model }) };
    if (/\/embeddings(\?|$)/.test(path)) {
      const embed = request as unknown as Parameters<ModelBackend['embed']>[0];
      return json(200, encodeEmbeddings(await backend.embed(embed, callOptions(signal)), 'float'));
    }
    const events = ask(backend, { ...request, ...one.shown?.(request) });
    if (request.stream !== true) return json(200, encodeChatCompletion(await collect(events)));
    const encode = chatChunkEncoder({ include_usage: true });
    for await (const event of events) {
      // A refusal keeps its status.
      if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(encode(event));
    }
    response.end(DONE_FRAME);
  });
}
