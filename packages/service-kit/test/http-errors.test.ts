/** Every error on every wire: its status, its headers, its body, and nothing of what only the log may see. */
import { ERROR_CODES, type ErrorCode, PlatformError } from '@mcp/contracts';
import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { baseApp, fromZod, type KitEnv, parseBody, type ServiceKit, toPlatformError } from '../src/index.ts';
import { cleanUp, kitFor } from './support.ts';

const CODES = Object.keys(ERROR_CODES) as ErrorCode[];
let kit: ServiceKit;
let app: Hono<KitEnv>;
let thrown: unknown;

beforeAll(async () => {
  kit = await kitFor('core');
  app = baseApp({
    kit,
    checks: {},
    errorShape: (path) =>
      path.startsWith('/openai') ? 'openai' : path.startsWith('/anthropic') ? 'anthropic' : 'problem',
  });
  for (const path of ['/openai', '/anthropic', '/own'])
    app.get(path, () => {
      throw thrown;
    });
  app.post('/own', async (c) => c.json(await parseBody(c, z.object({ a: z.number() }))));
  app.delete('/things/:id', (c) => c.text('gone'));
});
afterAll(async () => {
  await kit.close();
  cleanUp();
});

async function told(path: string, error: unknown) {
  thrown = error;
  const response = await app.request(path);
  return { response, body: (await response.json()) as unknown };
}

/** What official clients choose their exceptions by. */
const TYPES: Readonly<Record<number, readonly [openai: string, anthropic: string]>> = {
  400: ['invalid_request_error', 'invalid_request_error'],
  401: ['authentication_error', 'authentication_error'],
  403: ['permission_error', 'permission_error'],
  404: ['invalid_request_error', 'not_found_error'],
  405: ['invalid_request_error', 'invalid_request_error'],
  408: ['invalid_request_error', 'invalid_request_error'],
  409: ['invalid_request_error', 'invalid_request_error'],
  413: ['invalid_request_error', 'request_too_large'],
  414: ['invalid_request_error', 'invalid_request_error'],
  415: ['invalid_request_error', 'invalid_request_error'],
  421: ['invalid_request_error', 'invalid_request_error'],
  429: ['rate_limit_error', 'rate_limit_error'],
  431: ['invalid_request_error', 'invalid_request_error'],
  499: ['invalid_request_error', 'invalid_request_error'],
  500: ['server_error', 'api_error'],
  502: ['server_error', 'api_error'],
  503: ['server_error', 'overloaded_error'],
  504: ['server_error', 'timeout_error'],
};

describe.each(CODES)('%s', (code) => {
  const { status, title } = ERROR_CODES[code];
  const [openai, anthropic] = TYPES[status] ?? ['', ''];
  const error = () =>
    new PlatformError(code, 'What went wrong.', { param: 'a.0', cause: new Error('password=hunter2') });

  it.each<[string, string, (trace_id: string) => object]>([
    [
      '/own',
      'application/problem+json',
      (trace_id) => ({
        type: `urn:mcp:error:${code}`,
        title,
        status,
        detail: 'What went wrong.',
        code,
        trace_id,
        param: 'a.0',
      }),
    ],
    [
      '/openai',
      'application/json',
      () => ({
        error: {
          message: 'What went wrong.',
          type: openai,
          param: 'a.0',
          code: code === 'unauthenticated' ? 'invalid_api_key' : code,
        },
      }),
    ],
    [
      '/anthropic',
      'application/json',
      () => ({ type: 'error', error: { type: anthropic, message: 'What went wrong.' } }),
    ],
  ])('on %s is told as that wire has it, and its cause to nobody', async (path, content_type, expected) => {
    const { response, body } = await told(path, error());
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe(content_type);
    const trace_id = response.headers.get('x-trace-id') ?? '';
    expect(trace_id).toMatch(/^[0-9a-f]{32}$/);
    expect(body).toEqual(expected(trace_id));
    expect(JSON.stringify([body, ...response.headers])).not.toContain('hunter2');
  });

  it.each([
    [undefined, [429, 503].includes(status) ? '1' : null, null],
    [1, '1', '1'],
    [1000, '1', '1000'],
    [1001, '2', '1001'],
  ])('that is to be tried again after %s ms says so in its headers', async (retry_after_ms, seconds, ms) => {
    const options = retry_after_ms === undefined ? {} : { retry_after_ms };
    const { response } = await told('/own', new PlatformError(code, 'm', options));
    expect(response.headers.get('retry-after')).toBe(seconds);
    expect(response.headers.get('retry-after-ms')).toBe(ms);
    expect(response.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer realm="mcp"' : null);
  });

  it('is counted by its code', async () => {
    await told('/own', error());
    const lines = (await kit.metrics.text()).split('\n');
    expect(
      lines.some((line) => line.startsWith('service_errors_total{') && line.includes(`code="${code}"`)),
    ).toBe(true);
  });
});

describe('what is no error of the platform', () => {
  it.each<[string, unknown]>([
    ['an error', new Error('SELECT secret')],
    ['a text', 'SELECT secret'],
    ['nothing', undefined],
    ['an object', { secret: 'SELECT secret' }],
    ['a type error', new TypeError('SELECT secret')],
  ])('%s becomes internal, with nothing of it in the answer', (_, value) => {
    const error = toPlatformError(value);
    expect(error).toMatchObject({ code: 'internal', status: 500 });
    expect(error.cause).toBe(value);
    expect(error.message).not.toContain('SELECT');
  });

  it.each(['/own', '/openai', '/anthropic'])('is told so on %s', async (path) => {
    const { response, body } = await told(path, new Error('SELECT secret'));
    expect(response.status).toBe(500);
    expect(JSON.stringify(body)).not.toContain('SELECT');
  });

  it('an abort is the caller that left', () => {
    expect(toPlatformError(new DOMException('x', 'AbortError'))).toMatchObject({
      code: 'cancelled',
      status: 499,
    });
  });
});

describe('a request that leads nowhere', () => {
  it.each([
    ['GET', '/nowhere', 404, 'not_found', null],
    ['POST', '/openai', 405, 'method_not_allowed', 'GET'],
    ['PUT', '/own', 405, 'method_not_allowed', 'GET, POST'],
    ['GET', '/things/7', 405, 'method_not_allowed', 'DELETE'],
    ['GET', '/things/7/parts', 404, 'not_found', null],
    ['GET', `/${'x'.repeat(9000)}`, 414, 'uri_too_long', null],
  ])('%s %s is %d', async (method, path, status, code, allow) => {
    const response = await app.request(path, { method });
    expect(response.status).toBe(status);
    expect(response.headers.get('allow')).toBe(allow);
    const text = await response.text();
    expect(text).toContain(code);
    expect(text.length).toBeLessThan(1000);
  });

  it.each([
    ['one that fits', 'abc.DEF:1-2_3', true],
    ['one with a line break in it', 'a b', false],
    ['one that is too long', 'a'.repeat(129), false],
    ['none', '', false],
  ])('has the id of its request: %s', async (_, id, kept) => {
    const given = (await app.request('/own', { headers: { 'x-request-id': id } })).headers.get(
      'x-request-id',
    );
    if (kept) expect(given).toBe(id);
    else expect(given).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('a rule that a value breaks', () => {
  const refuse = (schema: z.ZodType, value: unknown) => {
    const { error } = schema.safeParse(value);
    return error === undefined ? 'it was taken' : fromZod(error, value).message;
  };
  const at = (schema: z.ZodType, a: unknown) => refuse(z.strictObject({ a: schema.optional() }), { a });
  it.each<[string, z.ZodType, unknown, string]>([
    ['a kind', z.string(), 5, 'a: must be a text (got 5).'],
    ['a whole number', z.number().int(), 1.5, 'a: must be a whole number (got 1.5).'],
    ['a switch', z.boolean(), 'yes', 'a: must be true or false (got "yes").'],
    ['a list', z.array(z.string()), 'x', 'a: must be a list (got "x").'],
    ['an object', z.object({}), 1, 'a: must be an object (got 1).'],
    ['too much', z.number().max(2), 3, 'a: must be at most 2 (got 3).'],
    ['too little', z.number().min(1), 0, 'a: must be at least 1 (got 0).'],
    ['too long', z.string().max(1), 'xx', 'a: must have at most 1 character (got "xx").'],
    ['too short', z.array(z.string()).min(2), ['x'], 'a: must have at least 2 items.'],
    ['one of some', z.enum(['x', 'y', 'z']), 'w', 'a: must be "x", "y" or "z" (got "w").'],
    ['a UUID', z.uuid(), 'x', 'a: must be a UUID (got "x").'],
    ['a time', z.iso.datetime(), 'now', 'a: must be a time such as 2026-01-31T12:00:00Z (got "now").'],
    [
      'a rule in its own words',
      z.string().regex(/^x/, 'must begin with x'),
      'y',
      'a: must begin with x (got "y").',
    ],
    [
      'one kind of several',
      z.union([z.string(), z.array(z.string())]),
      7,
      'a: must be a text or a list (got 7).',
    ],
    [
      'the kind that was meant',
      z.union([z.string(), z.array(z.string())]),
      ['x', 7],
      'a.1: must be a text (got 7).',
    ],
    [
      'too much of a right kind',
      z.union([z.array(z.number()).max(1), z.string()]),
      [1, 2],
      'a: must have at most 1 item.',
    ],
  ])('is told as %s', (_, schema, value, message) => {
    expect(at(schema, value)).toBe(message);
  });

  it('names what it does not know, and what it misses', () => {
    expect(refuse(z.strictObject({}), { temprature: 1 })).toBe(
      "Unrecognized request argument 'temprature'. Remove it or check its spelling.",
    );
    expect(refuse(z.object({ a: z.strictObject({}) }), { a: { b: 1 } })).toContain("argument 'b' in a.");
    expect(refuse(z.object({ a: z.number() }), {})).toBe('a: is required and must be a number.');
    expect(refuse(z.number(), 'x')).toBe('body: must be a number (got "x").');
  });
});
