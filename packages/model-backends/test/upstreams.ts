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

interface Answer {
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

const options = (signal: AbortSignal) => ({
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
      return json(200, encodeEmbeddings(await backend.embed(request, options(signal)), 'float'));
    }
    const request = body as ChatCompletionRequest;
    const events = backend.generate(request, options(signal));
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

/** Ollama's own API in front of a backend: newline-delimited JSON. */
export function ollamaServer(backend: ModelBackend): Promise<Upstream> {
  return serve(async (path, body, { response, signal, json }) => {
    const models = await backend.models(signal);
    if (path === '/api/tags')
      return json(200, {
        models: models.map(({ id, kind }) => ({
          name: id,
          details: { family: kind === 'embedding' ? 'bert' : 'llama' },
        })),
      });
    const asked = body as OllamaRequest;
    const known = models.find(({ id }) => id === asked.model);
    if (known === undefined) return json(404, { error: `model '${asked.model}' not found` });
    if (path === '/api/show')
      return json(200, {
        capabilities: [known.kind === 'embedding' ? 'embedding' : 'completion'],
        model_info: { 'general.architecture': 'llama', 'llama.context_length': known.max_context },
      });
    if (path === '/api/embed') {
      const { vectors, input_tokens } = await backend.embed(
        { model: asked.model, input: asked.input ?? '' },
        options(signal),
      );
      return json(200, { embeddings: vectors, prompt_eval_count: input_tokens });
    }
    await ollamaChat(backend, asked, { response, signal });
  });
}

interface OllamaRequest {
  readonly model: string;
  readonly messages: ChatCompletionRequest['messages'];
  readonly tools?: ChatCompletionRequest['tools'];
  readonly input?: string | string[];
  readonly options?: { num_predict?: number; stop?: string[] };
}

async function ollamaChat(
  backend: ModelBackend,
  asked: OllamaRequest,
  { response, signal }: Pick<Answer, 'response' | 'signal'>,
): Promise<void> {
  const { num_predict, stop } = asked.options ?? {};
  const request: ChatCompletionRequest = {
    model: asked.model,
    messages: asked.messages,
    ...(num_predict === undefined ? {} : { max_tokens: num_predict }),
    ...(stop === undefined ? {} : { stop }),
    ...(asked.tools === undefined ? {} : { tools: asked.tools }),
  };
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  const line = (value: object) => response.write(`${JSON.stringify({ model: asked.model, ...value })}\n`);
  let done_reason = 'stop';
  let usage = { input_tokens: 0, output_tokens: 0 };
  const call = { name: '', json: '' };
  for await (const event of backend.generate(request, options(signal))) {
    if (event.type === 'tool_call') {
      call.name += event.name ?? '';
      call.json += event.arguments_delta;
    }
    if (event.type === 'text') line({ message: { role: 'assistant', content: event.text }, done: false });
    if (event.type === 'finish') done_reason = event.reason.unified;
    if (event.type === 'usage') usage = event.usage;
  }
  const called = { function: { name: call.name, arguments: JSON.parse(call.json || '{}') } };
  line({
    message: { role: 'assistant', content: '', ...(call.name === '' ? {} : { tool_calls: [called] }) },
    done: true,
    done_reason,
    prompt_eval_count: usage.input_tokens,
    eval_count: usage.output_tokens,
  });
  response.end();
}
