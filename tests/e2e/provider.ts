import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

const Asked = z.object({ model: z.string(), stream: z.boolean().nullish() });

/** One request for a completion, as the provider got it. */
export interface Hit {
  readonly model: string;
  readonly stream: boolean;
  /** The whole body, as it came. */
  readonly body: unknown;
  readonly response: ServerResponse;
}

/** A provider that speaks OpenAI's wire over a real socket and does what a test tells it to. */
export interface Provider {
  readonly url: string;
  /** Models it lists; undefined: the list fails. */
  models: readonly string[] | undefined;
  lists: number;
  readonly hits: Hit[];
  /** Requests that were being answered at the same time, at most. */
  most: number;
  /** Answers a request for a completion; the default says all is well. */
  answer: (hit: Hit) => Promise<void> | void;
  close(): Promise<void>;
}

const base = { id: 'c1', created: 1_700_000_000, model: 'm' };
const usage = { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 };

function json(
  response: ServerResponse,
  body: unknown,
  head: { status?: number; headers?: object } = {},
): void {
  response.writeHead(head.status ?? 200, { 'content-type': 'application/json', ...head.headers });
  response.end(JSON.stringify(body));
}

/** A whole answer, as JSON or as a stream. */
export function well({ stream, response }: Hit, text = 'all is well'): void {
  const whole = { ...base, object: 'chat.completion', usage };
  const message = { role: 'assistant', content: text };
  if (stream) {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`${chunk({ content: text })}${chunk({}, 'stop')}data: [DONE]\n\n`);
  } else json(response, { ...whole, choices: [{ index: 0, message, finish_reason: 'stop' }] });
}

/** One frame of a stream. */
export function chunk(delta: object, finish_reason: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason }];
  return `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices })}\n\n`;
}

/** Refuses with a status, as a provider under load does. */
export function refuse(response: ServerResponse, status: number, headers: object = {}): void {
  json(response, { error: { message: `status ${status}`, type: 'server_error' } }, { status, headers });
}

export async function startProvider(models: readonly string[] = ['m']): Promise<Provider> {
  let open = 0;
  const server = createServer((request, response) => {
    void handle(request, response).catch(() => response.destroy());
  });
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.endsWith('/models') === true) {
      provider.lists++;
      if (provider.models === undefined) return refuse(response, 500);
      return json(response, { object: 'list', data: provider.models.map((id) => ({ id })) });
    }
    open++;
    response.once('close', () => open--);
    provider.most = Math.max(provider.most, open);
    let text = '';
    for await (const piece of request) text += String(piece);
    const body: unknown = JSON.parse(text);
    const { model, stream } = Asked.parse(body);
    const hit: Hit = { model, stream: stream === true, body, response };
    provider.hits.push(hit);
    await provider.answer(hit);
  };
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const provider: Provider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    models,
    lists: 0,
    hits: [],
    most: 0,
    answer: (hit) => well(hit),
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
  return provider;
}
