/** The fault table: what each status, header and phase of a failure makes of a request, over real HTTP, in JSON and as a stream. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import {
  type CallContext,
  ModelAliases,
  type ModelEvent,
  PlatformError,
  type Residency,
} from '@mcp/contracts';
import { createBackends } from '@mcp/model-backends';
import { createModelGateway } from '@mcp/model-serving';
import type { ServiceKit } from '@mcp/service-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

type Mode = 'json' | 'sse';
/** Who is asked after the first model: the chain of a cause, or nobody. */
type Hop = 'rate' | 'context' | 'content' | 'error' | 'none';
/** What a server does with the request, in the mode that it was asked in. */
type Deed = (response: ServerResponse, mode: Mode) => void;

const chunk = (delta: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
const ROLE = chunk({ role: 'assistant', content: '' });
const WORD = chunk({ content: 'half' });
const SSE = { 'content-type': 'text/event-stream' };
const JSON_TYPE = { 'content-type': 'application/json' };
const whole = (content: string, finish_reason = 'stop') =>
  JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  });

const answers =
  (text: string): Deed =>
  (response, mode) =>
    mode === 'json'
      ? response.writeHead(200, JSON_TYPE).end(whole(text))
      : response
          .writeHead(200, SSE)
          .end(`${ROLE}${chunk({ content: text })}${chunk({}, 'stop')}data: [DONE]\n\n`);

const refuses =
  (status: number, headers: Record<string, string> = {}, error: object = {}): Deed =>
  (response) =>
    response
      .writeHead(status, { ...JSON_TYPE, ...headers })
      .end(JSON.stringify({ error: { message: `status ${status}`, type: 'error', ...error } }));

/** Sends a beginning, and then what `after` does. */
const begins =
  (text: { json: string; sse: string }, after: (response: ServerResponse, mode: Mode) => void): Deed =>
  (response, mode) => {
    response.writeHead(200, mode === 'json' ? JSON_TYPE : SSE);
    // In a packet of its own: what has come before is read before.
    response.write(text[mode], () => setTimeout(() => after(response, mode), 20));
  };
const reset = (response: ServerResponse) => (response.socket as Socket).resetAndDestroy();
const end = (response: ServerResponse) => void response.end();
const bad = { error: { message: 'it broke', type: 'server_error' } };

interface Row {
  readonly name: string;
  readonly deed: Deed;
  readonly hop: Hop | Readonly<Record<Mode, Hop>>;
  /** The code that is told where nobody else is asked. */
  readonly code?: string;
}

const RETRY_AFTER: readonly (readonly [string, Record<string, string>])[] = [
  ['no Retry-After', {}],
  ['Retry-After in seconds', { 'retry-after': '3' }],
  ['Retry-After as a date', { 'retry-after': new Date(Date.now() + 3000).toUTCString() }],
  ['retry-after-ms', { 'retry-after-ms': '3000' }],
  ['Retry-After of an hour', { 'retry-after': '3600' }],
  ['a Retry-After that is none', { 'retry-after': 'soon' }],
];

const TABLE: readonly Row[] = [
  { name: '400', deed: refuses(400), hop: 'none', code: 'invalid_request' },
  {
    name: '400 context_length_exceeded',
    deed: refuses(400, {}, { code: 'context_length_exceeded' }),
    hop: 'context',
  },
  { name: '400 content_filter', deed: refuses(400, {}, { code: 'content_filter' }), hop: 'content' },
  { name: '413', deed: refuses(413), hop: 'context' },
  { name: '404', deed: refuses(404, {}, { message: 'no such model' }), hop: 'none', code: 'model_not_found' },
  { name: '422', deed: refuses(422), hop: 'none', code: 'invalid_request' },
  ...[401, 402, 403, 408, 409, 500, 501, 502, 504].map(
    (status): Row => ({ name: String(status), deed: refuses(status), hop: 'error' }),
  ),
  ...RETRY_AFTER.flatMap(([name, headers]): Row[] => [
    { name: `429 with ${name}`, deed: refuses(429, headers), hop: 'rate' },
    ...[503, 529].map((status): Row => {
      const told = retryable(headers);
      return { name: `${status} with ${name}`, deed: refuses(status, headers), hop: told ? 'rate' : 'error' };
    }),
  ]),
  { name: 'reset before the headers', deed: (response) => reset(response), hop: 'error' },
  { name: 'closed before the headers', deed: (response) => response.socket?.destroy(), hop: 'error' },
  { name: 'reset after the headers', deed: begins({ json: ' ', sse: ' ' }, reset), hop: 'error' },
  { name: 'reset before the first word', deed: begins({ json: '{"id"', sse: ROLE }, reset), hop: 'error' },
  { name: 'ended before the first word', deed: begins({ json: '{"id"', sse: ROLE }, end), hop: 'error' },
  {
    name: 'an error frame before the first word',
    deed: begins({ json: JSON.stringify(bad), sse: `${ROLE}data: ${JSON.stringify(bad)}\n\n` }, end),
    hop: 'error',
  },
  {
    name: 'a frame that is not JSON before the first word',
    deed: begins({ json: 'no json', sse: `${ROLE}data: no json\n\n` }, end),
    hop: 'error',
  },
  {
    name: 'a body of another type',
    deed: (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>'),
    hop: 'error',
  },
  {
    name: 'withheld by a content filter before the first word',
    deed: (response, mode) =>
      response
        .writeHead(200, mode === 'json' ? JSON_TYPE : SSE)
        .end(
          mode === 'json'
            ? whole('', 'content_filter')
            : `${ROLE}${chunk({}, 'content_filter')}data: [DONE]\n\n`,
        ),
    hop: 'content',
  },
  // After the first word a stream ends with its error; of an answer as a whole nobody has seen anything.
  ...(
    [
      ['reset', reset],
      ['ended', end],
    ] as const
  ).map(
    ([how, after]): Row => ({
      name: `${how} after the first word`,
      deed: begins({ json: whole('half').slice(0, -20), sse: ROLE + WORD }, after),
      hop: { json: 'error', sse: 'none' },
      code: 'upstream_interrupted',
    }),
  ),
  {
    name: 'an error frame after the first word',
    deed: begins({ json: JSON.stringify(bad), sse: ROLE + WORD }, (response, mode) =>
      response.end(mode === 'json' ? '' : `data: ${JSON.stringify(bad)}\n\n`),
    ),
    hop: { json: 'error', sse: 'none' },
    code: 'upstream_failed',
  },
];

function retryable(headers: Record<string, string>): boolean {
  return Object.keys(headers).length > 0 && headers['retry-after'] !== 'soon';
}

/** Which model was asked, in order, at a server that does with the first of them what a row says. */
class Upstream {
  readonly asked: string[] = [];
  deed: Deed = answers('good');
  readonly #server: Server = createServer((request, response) => {
    let text = '';
    request.on('data', (data) => {
      text += String(data);
    });
    request.on('end', () => {
      const { model, stream } = JSON.parse(text) as { model: string; stream?: boolean };
      this.asked.push(model);
      (model === 'first' ? this.deed : answers(model))(response, stream === true ? 'sse' : 'json');
    });
  });

  async open(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const span = { traceparent: undefined, set() {}, event() {}, end() {} };
const kit = {
  metrics: { inc() {}, set() {}, observe() {} },
  tracer: { start: () => span },
  log: { warn() {}, info() {}, debug() {}, error() {} },
} as unknown as Pick<ServiceKit, 'metrics' | 'tracer' | 'log'>;

let upstream: Upstream;
let base_url: string;
beforeAll(async () => {
  upstream = new Upstream();
  base_url = await upstream.open();
});
afterAll(() => upstream.close());

/** A gateway of its own for each row: a circuit that one opened is none of the next one's business. */
async function outcome(
  mode: Mode,
  on_interrupt: 'resume' | 'fail',
  stays:
    | { readonly model: string; readonly first: Residency; readonly others: Residency }
    | undefined = undefined,
): Promise<readonly [string, string]> {
  const models = ['first', 'rate', 'context', 'content', 'error'];
  const target = { base_url, embedding_models: [], max_context: 8192, prices: {} };
  const backends = await createBackends(['openai'], {
    OPENAI_TARGETS: [
      { ...target, name: 'f', models: models.slice(0, 1), residency: stays?.first },
      { ...target, name: 'o', models: models.slice(1), residency: stays?.others },
    ],
  } as never);
  const chains = Object.fromEntries(models.slice(1).map((name) => [name, [name]]));
  const settings = {
    MCP_QUEUE_MAX_WAITING: 4,
    MCP_QUEUE_WEIGHTS: {},
    MCP_QUEUE_BATCH: { min_share: 0.05, reserve: 0.1 },
    MODEL_CONCURRENCY: {},
    MODEL_POOLS: {},
    MCP_CPU_WATTS_PER_CORE: 3.5,
    MODEL_FALLBACKS: { first: ['error'] },
    MODEL_ALIASES: ModelAliases.parse({ a: { candidates: [{ model: 'first' }], fallbacks: chains } }),
    MCP_RESIDENCY: undefined,
    MODEL_RESIDENCY: { callers: stays === undefined ? {} : { 'key:1': ['eu' as const] } },
  };
  const api = createModelGateway({ kit: kit as never, backends, settings });
  const call: CallContext = {
    request_id: 'r',
    traceparent: undefined,
    deadline_ms: Date.now() + 20_000,
    principal: { id: 'key:1', kind: 'key', name: 'alice', scopes: ['chat'] },
    class: 'interactive',
    signal: new AbortController().signal,
    on_interrupt,
  };
  const events: ModelEvent[] = [];
  const request = {
    model: stays?.model ?? 'a',
    messages: [{ role: 'user' as const, content: 'hi' }],
    stream: mode === 'sse',
  };
  try {
    for await (const event of api.generate(request, call)) events.push(event);
    return [events.map((event) => (event.type === 'text' ? event.text : '')).join(''), ''];
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    return ['', error.code];
  } finally {
    await Promise.all(backends.map((backend) => backend.close()));
  }
}

describe.each(['json', 'sse'] as const)('a first model that fails, asked in %s', (mode) => {
  it.each(TABLE)('$name', async ({ deed, hop, code }) => {
    upstream.deed = deed;
    upstream.asked.length = 0;
    const expected = typeof hop === 'string' ? hop : hop[mode];
    const [text, failure] = await outcome(mode, 'fail');
    if (expected === 'none') expect([upstream.asked, failure]).toEqual([['first'], code]);
    else expect([upstream.asked, text]).toEqual([['first', expected], expected]);
  });
});

describe('a first model that breaks off after its first word', () => {
  it.each(TABLE.filter(({ hop }) => typeof hop !== 'string'))(
    'and whose caller wants to go on: $name',
    async ({ deed }) => {
      upstream.deed = deed;
      upstream.asked.length = 0;
      expect([await outcome('sse', 'resume'), upstream.asked]).toEqual([
        ['halferror', ''],
        ['first', 'error'],
      ]);
    },
  );
});

describe.each(['json', 'sse'] as const)('a text that must stay in the EU, asked in %s', (mode) => {
  it.each([
    ['a model that is elsewhere', 'first', 'us', 'eu', [], 'wrong_region'],
    ['a model that may be anywhere', 'first', 'any', 'eu', [], 'wrong_region'],
    [
      'a model there that fails, with a stand-in elsewhere',
      'first',
      'eu',
      'us',
      ['first'],
      'upstream_failed',
    ],
    ['a model there that fails, with a stand-in there', 'first', 'eu', 'eu', ['first', 'error'], ''],
    ['an alias of models elsewhere', 'a', 'us', 'us', [], 'wrong_region'],
    [
      'an alias of one there that fails, with stand-ins elsewhere',
      'a',
      'eu',
      'us',
      ['first'],
      'upstream_failed',
    ],
  ] as const)('%s', async (_, model, first, others, asked, code) => {
    upstream.deed = refuses(401);
    upstream.asked.length = 0;
    const [, failure] = await outcome(mode, 'fail', { model, first, others });
    expect([upstream.asked, failure]).toEqual([asked, code]);
  });
});
