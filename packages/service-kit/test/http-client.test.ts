/** Calls between services: what is tried again, and what an answer of another service is told as. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ERROR_CODES, type ErrorCode, PlatformError } from '@mcp/contracts';
import { failure } from '@mcp/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServiceClient } from '../src/clients/http-client.ts';
import { readNdjson } from '../src/clients/read-ndjson.ts';
import {
  RetryBudget,
  restoreError,
  TokenSigner,
  toAnthropicError,
  toOpenAiError,
  toProblem,
} from '../src/index.ts';
import { callOf } from './support.ts';

type Answer = (response: ServerResponse, request: IncomingMessage, times: number) => void;

let answer: Answer;
let asked: IncomingMessage[];
let server: Server;
let client: ServiceClient;
beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push(request);
    request.resume();
    answer(response, request, asked.length);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  client = clientOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
afterEach(async () => {
  await client.close();
  server.closeAllConnections();
  server.close();
});

const clientOf = (url: string) =>
  new ServiceClient({
    name: 'core',
    url,
    signer: new TokenSigner('gateway', 'x'.repeat(40)),
    connect_timeout_ms: 400,
  });
const get = { method: 'GET', path: '/internal/things', idempotent: true } as const;
const post = { method: 'POST', path: '/internal/things', body: { a: 1 } } as const;
const json = (response: ServerResponse, headers: Record<string, string> = {}) => ({
  answer: (status: number, value: unknown) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value)),
});

describe('what a call carries', () => {
  it('is who asks, for how long, in which trace, and what may still be tried', async () => {
    answer = (response) => json(response).answer(200, { ok: true });
    const call = callOf({
      class: 'batch',
      request_id: 'r-7',
      traceparent: '00-1-2-01',
      place: 'p',
      grant: 'g',
      retries: new RetryBudget(2),
    });
    expect(await client.json(post, call)).toEqual({ ok: true });
    expect(asked[0]?.headers).toMatchObject({
      authorization: expect.stringMatching(/^Bearer [\w.-]+$/),
      'x-request-id': 'r-7',
      'x-mcp-deadline': String(call.deadline_ms),
      'x-mcp-class': 'batch',
      'x-mcp-place': 'p',
      'x-mcp-retries': '2',
      'x-mcp-grant': 'g',
      traceparent: '00-1-2-01',
    });
  });

  it('is no more than there is', async () => {
    answer = (response) => json(response).answer(200, null);
    await client.json(get, callOf());
    for (const name of ['x-mcp-place', 'x-mcp-retries', 'x-mcp-grant', 'traceparent'])
      expect(asked[0]?.headers).not.toHaveProperty(name);
  });

  it.each([
    ['1', 1],
    ['5', 2],
    ['none', 2],
    [undefined, 2],
  ])('comes back with the retries that are left: %s', async (left, now) => {
    answer = (response) =>
      json(response, left === undefined ? {} : { 'x-mcp-retries-left': left }).answer(200, null);
    const retries = new RetryBudget(2);
    await client.json(get, callOf({ retries }));
    expect(retries.left).toBe(now);
    expect(Number.isInteger(retries.left)).toBe(true);
  });
});

describe('what is tried again', () => {
  it.each([
    ['a question', get, 2],
    ['work that may be done once', post, 1],
    ['work that may be done twice', { ...post, idempotent: true }, 2],
  ] as const)('is %s whose connection broke: asked %#', async (_, request, times) => {
    answer = (response, _request, at) => (at === 1 ? response.destroy() : json(response).answer(200, 'done'));
    const outcome = await client.json(request, callOf()).catch((error: unknown) => error);
    expect(asked).toHaveLength(times);
    if (times === 2) expect(outcome).toBe('done');
    else
      expect(outcome).toMatchObject({
        code: 'upstream_interrupted',
        message: expect.stringContaining('core'),
      });
  });

  it.each([500, 503, 429])('is nothing that was answered, with status %d', async (status) => {
    answer = (response) => json(response).answer(status, { code: 'unavailable', detail: 'no' });
    await failure(client.json(get, callOf()));
    expect(asked).toHaveLength(1);
  });

  it('is nothing beyond the deadline, or after its caller has left', async () => {
    answer = (response) => response.destroy();
    const late = await failure(client.json(get, callOf({ deadline_ms: Date.now() + 60 })));
    expect(['upstream_interrupted', 'deadline_exceeded']).toContain(late.code);
    const before = asked.length;
    const left = new AbortController();
    answer = (response) => {
      left.abort(new PlatformError('cancelled', 'enough'));
      response.destroy();
    };
    expect(await failure(client.json(get, callOf({ signal: left.signal })))).toMatchObject({
      code: 'cancelled',
      message: 'enough',
    });
    expect(asked).toHaveLength(before + 1);
  });

  it('is a service that cannot be reached, until it has had time to come back', async () => {
    const nowhere = clientOf('http://127.0.0.1:1');
    expect(await failure(nowhere.json(post, callOf()))).toMatchObject({
      code: 'unavailable',
      retry_after_ms: 2000,
      message: 'core cannot be reached just now. Try again in a few seconds.',
    });
    await nowhere.close();
  });
});

describe('what is told of an answer', () => {
  it.each(Object.keys(ERROR_CODES) as ErrorCode[])(
    'is %s as it was, in the formats of services and of OpenAI',
    async (code) => {
      const error = new PlatformError(code, 'It is so.', { param: 'a.b' });
      for (const body of [toProblem(error, 't'), toOpenAiError(error)]) {
        answer = (response) => json(response, { 'retry-after-ms': '1500' }).answer(error.status, body);
        expect(await failure(client.json(get, callOf()))).toMatchObject({
          code,
          message: 'It is so.',
          param: 'a.b',
          retry_after_ms: 1500,
          retryable: error.retryable,
        });
      }
    },
  );

  it.each<[string, number, unknown, ErrorCode, string]>([
    ['a page', 502, '<html>', 'upstream_failed', 'core answered with status 502.'],
    ['a page while it restarts', 503, '<html>', 'unavailable', 'core answered with status 503.'],
    ['an unknown code', 400, { code: 'made_up', detail: 'Hm.' }, 'upstream_failed', 'Hm.'],
    ['a code that objects inherit', 400, { code: 'constructor', detail: 'Hm.' }, 'upstream_failed', 'Hm.'],
    [
      "Anthropic's format",
      400,
      toAnthropicError(new PlatformError('invalid_request', 'no')),
      'upstream_failed',
      'no',
    ],
    ['nothing', 500, '', 'upstream_failed', 'core answered with status 500.'],
  ])('is an error of ours where it is %s', async (_, status, body, code, message) => {
    answer = (response) => json(response).answer(status, body);
    expect(await failure(client.json(get, callOf()))).toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it.each([
    ['2', 2000],
    ['soon', undefined],
    [undefined, undefined],
  ])('holds how long to wait: retry-after %s', async (value, wait_ms) => {
    answer = (response) =>
      json(response, value === undefined ? {} : { 'retry-after': value }).answer(429, {
        code: 'overloaded',
        detail: 'no',
      });
    expect((await failure(client.json(get, callOf()))).retry_after_ms).toBe(wait_ms);
  });

  it.each<[string, Answer]>([
    ['no JSON', (response) => response.end('{"a":')],
    [
      'a part',
      (response) => response.writeHead(200, { 'content-length': '50' }).write('{', () => response.destroy()),
    ],
  ])('is an interruption where it is %s', async (_, given) => {
    answer = given;
    expect(await failure(client.json(post, callOf()))).toMatchObject({
      code: 'upstream_interrupted',
      retryable: true,
    });
  });

  it('is late where its deadline or its signal says so', async () => {
    answer = () => undefined;
    expect((await failure(client.json(get, callOf({ deadline_ms: Date.now() + 30 })))).code).toBe(
      'deadline_exceeded',
    );
    expect((await failure(client.json(get, callOf({ signal: AbortSignal.timeout(30) })))).code).toBe(
      'deadline_exceeded',
    );
    expect((await failure(client.json(get, callOf({ signal: AbortSignal.abort() })))).code).toBe('cancelled');
  });
});

describe('a line between services', () => {
  async function* body(text: string): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(text);
  }
  it.each([
    ['no JSON', '{"a":1}\n<html>\n'],
    ['nothing', '\n'],
    ['half of one', '{"a"\n'],
  ])('that is %s is an error of ours', async (_, text) => {
    expect((await failure(readNdjson(body(text), restoreError))).code).toBe('upstream_failed');
  });
});
