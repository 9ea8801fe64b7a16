import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ChatCompletionRequest, type ModelBackend, PlatformError } from '@mcp/contracts';
import { chatChunkEncoder, collect, DONE_FRAME, encodeChatCompletion, encodeEmbeddings } from '@mcp/wire';

/** A server that speaks a provider's wire and answers by the scripted backend. */
export interface Upstream {
  readonly url: string;
  /** Requests that are being answered now: zero again once a client has left. */
  readonly open: () => number;
  close(): Promise<void>;
}

export type Handler = (path: string, body: unknown, answer: Answer) => Promise<void>;

export interface Answer {
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
  json(status: number, value: unknown): void;
}

export async function serve(handle: Handler): Promise<Upstream> {
  let open = 0;
  const server: Server = createServer((request, response) => {
    open++;
    const left = new AbortController();
    response.once('close', () => {
      open--;
      left.abort();
    });
    const json = (status: number, value: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    void bodyOf(request)
      .then((body) => handle(request.url ?? '', body, { response, signal: left.signal, json }))
      .catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else if (error instanceof PlatformError)
          json(error.status, {
            error: { message: error.message, type: 'invalid_request_error', code: error.code },
          });
        else json(500, { error: { message: 'the test server failed' } });
      });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    open: () => open,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? undefined : JSON.parse(text);
}

export const callOptions = (signal: AbortSignal) => ({
  signal,
  deadline_ms: Date.now() + 30_000,
  traceparent: undefined,
});

/** OpenAI's wire in front of a backend. */
export function openAiServer(backend: ModelBackend): Promise<Upstream> {
  return serve(async (path, body, { response, signal, json }) => {
    if (path === '/v1/models') {
      const models = await backend.models(signal);
      return json(200, { object: 'list', data: models.map(({ id }) => ({ id, object: 'model' })) });
    }
    if (path === '/v1/embeddings') {
      const request = body as Parameters<ModelBackend['embed']>[0];
      return json(200, encodeEmbeddings(await backend.embed(request, callOptions(signal)), 'float'));
    }
    const request = body as ChatCompletionRequest;
    const events = backend.generate(request, callOptions(signal));
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
