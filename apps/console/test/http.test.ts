import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ApiError, call, callText, faultOf, headers, toApiError } from '../src/api/http.ts';
import { connectPlatform, type Platform } from '../src/api/platform.ts';
import { asApiError } from '../src/hooks.ts';

afterEach(() => vi.unstubAllGlobals());

const KEY = 'mcp_k';
interface Asked {
  readonly path: string;
  readonly init: RequestInit;
}

/** Gives every call this answer and says what was asked. */
function gateway(answer: () => Response | Promise<Response>): Asked[] {
  const asked: Asked[] = [];
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    asked.push({ path, init });
    return answer();
  });
  return asked;
}

async function thrownBy(act: Promise<unknown>): Promise<unknown> {
  return act.then(
    () => null,
    (thrown: unknown) => thrown,
  );
}

describe('an answer that is a fault', () => {
  it.each([
    [
      'RFC 9457',
      { title: 'Bad', detail: 'No tokens.', code: 'invalid_request', trace_id: 't' },
      'No tokens.',
      'invalid_request',
      't',
    ],
    ['RFC 9457 with a title alone', { title: 'Bad' }, 'Bad', 'http_400', null],
    [
      'the OpenAI wire',
      { error: { message: 'Bad key.', code: 'invalid_api_key' } },
      'Bad key.',
      'invalid_api_key',
      null,
    ],
    [
      'fields of other types',
      { detail: 5, code: {}, trace_id: [] },
      'The gateway answered 400 without saying why.',
      'http_400',
      null,
    ],
    ['empty words', { detail: '', code: '', error: { message: 'Inner.' } }, 'Inner.', 'http_400', null],
    ['no object', 'oops', 'The gateway answered 400 without saying why.', 'http_400', null],
  ])('in the shape of %s is read', async (_, body, message, code, trace_id) => {
    const error = await toApiError(new Response(JSON.stringify(body), { status: 400 }));
    expect({ ...error, message: error.message }).toMatchObject({ status: 400, message, code, trace_id });
  });

  it('of any content and status has words and a code', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 400, max: 599 }), (body, status) => {
        const fault = faultOf(body, status);
        expect(fault.status).toBe(status);
        expect(fault.message.length).toBeGreaterThan(0);
        expect(fault.code.length).toBeGreaterThan(0);
      }),
    );
  });

  it('that is no JSON is said by its status', async () => {
    const error = await toApiError(new Response('<html>502</html>', { status: 502 }));
    expect([error.code, error.message]).toEqual(['http_502', 'The gateway answered 502 without saying why.']);
  });

  it.each([
    ['3', 3000],
    ['0', 0],
    ['1.5', 1500],
    ['-1', null],
    ['Sun, 06 Nov 1994 08:49:37 GMT', null],
    ['Infinity', null],
    [null, null],
  ])('with Retry-After %s asks to wait %s ms', async (value, expected) => {
    const init = { status: 429, headers: value === null ? {} : { 'retry-after': value } };
    expect((await toApiError(new Response('{}', init))).retry_after_ms).toBe(expected);
  });
});

describe('a call', () => {
  it('carries the key, no cookie and no cached answer', async () => {
    const asked = gateway(() => Response.json({ a: 1 }));
    expect(await call(KEY, '/x')).toEqual({ a: 1 });
    expect(asked[0]?.init).toMatchObject({ method: 'GET', cache: 'no-store', credentials: 'omit' });
    expect(asked[0]?.init.headers).toEqual({ authorization: `Bearer ${KEY}`, accept: 'application/json' });
    expect(asked[0]?.init.body).toBeUndefined();
  });

  it('with a body says what it is', async () => {
    const asked = gateway(() => Response.json(null));
    await call(KEY, '/x', { method: 'POST', body: { a: [1] } });
    expect(asked[0]?.init.body).toBe('{"a":[1]}');
    expect(asked[0]?.init.headers).toMatchObject({ 'content-type': 'application/json' });
  });

  it('has headers that can be sent, whatever was typed as a key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (key) => {
        const sent = new Headers(headers(key, false)).get('authorization') ?? '';
        expect(sent === `Bearer ${key}` || sent === 'Bearer unreadable').toBe(true);
        if (/[^\x21-\x7e]/.test(key)) expect(sent).toBe('Bearer unreadable');
      }),
    );
  });

  it('answered by 204 gives nothing', async () => {
    gateway(() => new Response(null, { status: 204 }));
    expect(await call(KEY, '/x')).toBeUndefined();
  });

  it.each([401, 403, 404, 409, 429, 500, 503])('answered by %i throws it', async (status) => {
    gateway(() => Response.json({ detail: 'No.', code: 'c' }, { status }));
    for (const act of [call(KEY, '/x'), callText(KEY, '/x')])
      expect(await thrownBy(act)).toMatchObject({ name: 'ApiError', status, code: 'c', message: 'No.' });
  });

  it('that reaches nobody says so; one that its caller gave up stays given up', async () => {
    gateway(() => Promise.reject(new TypeError('fetch failed')));
    expect(await thrownBy(call(KEY, '/x'))).toMatchObject({ status: 0, code: 'unreachable' });
    const abort = new DOMException('Aborted', 'AbortError');
    gateway(() => Promise.reject(abort));
    expect(await thrownBy(call(KEY, '/x'))).toBe(abort);
  });

  it('hands its caller’s signal on', async () => {
    const asked = gateway(() => Response.json({}));
    const abort = new AbortController();
    await call(KEY, '/x', { signal: abort.signal });
    expect(asked[0]?.init.signal?.aborted).toBe(false);
    abort.abort();
    expect(asked[0]?.init.signal?.aborted).toBe(true);
  });

  it('that takes too long says so', async () => {
    gateway(() => Promise.reject(new DOMException('Timed out', 'TimeoutError')));
    const error = asApiError(await thrownBy(call(KEY, '/x')));
    expect([error.status, error.code]).toEqual([0, 'timeout']);
  });
});

describe('whatever is thrown', () => {
  it('becomes an error with words for a person', () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const error = asApiError(thrown);
        expect(error).toBeInstanceOf(ApiError);
        expect(error.code).toBe('unreadable');
      }),
    );
    const known = new ApiError({ status: 1, code: 'c', message: 'm', trace_id: null, retry_after_ms: null });
    expect(asApiError(known)).toBe(known);
    expect(asApiError(new DOMException('x', 'TimeoutError')).message).toContain('longer than 20 s');
  });
});

describe('the gateway’s interface', () => {
  const odd = 'a/b?c';
  const calls: readonly [string, (platform: Platform) => Promise<unknown>, unknown?][] = [
    ['GET /v1/models', (p) => p.models()],
    ['GET /v1/prompts', (p) => p.prompts()],
    ['GET /v1/graphs', (p) => p.graphs()],
    ['GET /v1/conversations?limit=50', (p) => p.conversations()],
    ['GET /v1/conversations?limit=50&cursor=a%2Fb%3Fc', (p) => p.conversations(odd)],
    ['GET /v1/conversations/a%2Fb%3Fc', (p) => p.conversation(odd)],
    ['GET /v1/conversations/a%2Fb%3Fc/lineage', (p) => p.lineage(odd)],
    ['POST /v1/conversations/a%2Fb%3Fc/verify', (p) => p.verify(odd)],
    ['POST /v1/verify', (p) => p.verifyLog({ head: 1 }), { head: 1 }],
    ['GET /v1/traces/a%2Fb%3Fc', (p) => p.trace(odd)],
    ['GET /v1/jobs?limit=100', (p) => p.jobs()],
    ['GET /v1/jobs/a%2Fb%3Fc', (p) => p.job(odd)],
    ['POST /v1/jobs/a%2Fb%3Fc/cancel', (p) => p.cancelJob(odd)],
    ['POST /v1/jobs/a%2Fb%3Fc/retry', (p) => p.retryJob(odd)],
    ['GET /v1/jobs/a%2Fb%3Fc/result', (p) => p.jobResult(odd)],
    ['GET /admin/keys', (p) => p.keys()],
    ['DELETE /admin/keys/a%2Fb%3Fc', (p) => p.revokeKey(odd)],
    ['GET /admin/stats', (p) => p.stats()],
  ];

  it.each(calls)('is called by %s', async (expected, act, body) => {
    const asked = gateway(() => Response.json({ data: [], prompts: [], spans: [], jobs: [], keys: [] }));
    await act(connectPlatform(KEY));
    expect(asked.map(({ path, init }) => `${init.method} ${path}`)).toEqual([expected]);
    expect(asked[0]?.init.body).toBe(body === undefined ? undefined : JSON.stringify(body));
  });

  it('leaves out models that are not the platform’s own', async () => {
    gateway(() => Response.json({ data: [{ id: 'x' }, { id: 'y', mcp: { id: 'y' } }] }));
    expect(await connectPlatform(KEY).models()).toEqual([{ id: 'y' }]);
  });
});
