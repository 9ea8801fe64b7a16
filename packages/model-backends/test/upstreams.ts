import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type ChatCompletionRequest,
  type ModelBackend,
  type ModelEvent,
  PlatformError,
} from '@mcp/contracts';

/** A server that speaks a provider's wire and answers by the scripted backend. */
export interface Upstream {
  readonly url: string;
  /** Requests that are being answered now: zero again once a client has left. */
  readonly open: () => number;
  /** What the last request for words asked for, as the server understood it. */
  readonly seen: () => Seen;
  close(): Promise<void>;
}

/** A backend of a server elsewhere, with a stand-in for such a server. */
export interface StandIn {
  readonly runs: 'elsewhere';
  /** The environment that names a server. */
  env(url: string): Record<string, string>;
  /** Its embedding model, where it is asked by a name of its own. */
  readonly embedding?: string;
  /** A server that answers by another backend. */
  server(behind: ModelBackend): Promise<Upstream>;
}

/** What a request for words asks for beside them. */
export interface Seen {
  readonly tools: readonly string[];
  readonly schema: unknown;
  /** As base64, or their URLs. */
  readonly images: readonly string[];
}

export type Handler = (path: string, body: unknown, answer: Answer) => Promise<void>;

export interface Answer {
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
  json(status: number, value: unknown): void;
  /** Asks the backend behind, which sees no pictures, and remembers what was asked. */
  ask(backend: ModelBackend, request: ChatCompletionRequest): AsyncIterable<ModelEvent>;
}

const seenIn = ({ tools = [], response_format, messages }: ChatCompletionRequest): Seen => ({
  tools: tools.map(({ function: { name } }) => name),
  schema: response_format?.type === 'json_schema' ? response_format.json_schema.schema : undefined,
  images: messages.flatMap(({ content }) =>
    typeof content === 'string' || content == null
      ? []
      : content.flatMap((part) =>
          part.type === 'image_url' ? [part.image_url.url.replace(/^data:[^,]*,/, '')] : [],
        ),
  ),
});

const withoutPictures = (request: ChatCompletionRequest): ChatCompletionRequest => ({
  ...request,
  messages: request.messages.map((message) =>
    message.role !== 'user' || typeof message.content === 'string'
      ? message
      : {
          ...message,
          content: message.content.map((part) =>
            part.type === 'text' ? part : { type: 'text' as const, text: 'a picture' },
          ),
        },
  ),
});

export async function serve(handle: Handler): Promise<Upstream> {
  let open = 0;
  let seen: Seen = { tools: [], schema: undefined, images: [] };
  const server: Server = createServer((request, response) => {
    open++;
    const left = new AbortController();
    response.once('close', () => {
      open--;
      left.abort();
    });
    const json = (status: number, value: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    const ask: Answer['ask'] = (backend, asked) => {
      seen = seenIn(asked);
      return backend.generate(withoutPictures(asked), callOptions(left.signal));
    };
    void bodyOf(request)
      .then((body) => handle(request.url ?? '', body, { response, signal: left.signal, json, ask }))
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
    seen: () => seen,
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

/** A server that passes requests on to another one, and its answers back byte by byte. */
export function dripping(url: string): Promise<Upstream> {
  return serve(async (path, body, { response }) => {
    const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const answer = await fetch(`${url}${path}`, { headers: { 'content-type': 'application/json' }, ...sent });
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    for (const byte of Buffer.from(await answer.arrayBuffer())) {
      response.write(Uint8Array.of(byte));
      await new Promise((done) => setImmediate(done));
    }
    response.end();
  });
}
