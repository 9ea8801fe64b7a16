import { generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Shipped, startShipped } from './shipped.ts';

const MODELS = [
  { id: 'quick', rules: [{ reply: 'all is well' }] },
  { id: 'slow', rules: [{ reply: 'word '.repeat(400), token_delay_ms: 25 }] },
  { id: 'patient', rules: [{ reply: 'word '.repeat(400), token_delay_ms: 500 }] },
  { id: 'half', rules: [{ reply: 'It is done \ud83d' }] },
  { id: 'vectors', kind: 'embedding' },
];

let provider: Server;
let issuer: string;
let running: Shipped;
let sign: (life_s: number) => string;

beforeAll(async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' };
  provider = createServer((request, response) => {
    const discovery = request.url === '/.well-known/openid-configuration';
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(discovery ? { issuer, jwks_uri: `${issuer}/keys` } : { keys: [jwk] }));
  });
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  // It lives for the given time and up to a second more: a claim has whole seconds.
  sign = (life_s) => {
    const exp = Math.ceil(Date.now() / 1000) + life_s;
    const claims = { iss: issuer, aud: 'mcp', sub: 'ann', exp, scope: 'mcp:chat mcp:jobs' };
    const signed = [{ alg: 'ES256', kid: 'k1' }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
    return `${signed}.${signBytes('sha256', Buffer.from(signed), key).toString('base64url')}`;
  };
  running = await startShipped({
    models: MODELS,
    operator: {
      MCP_OIDC_ISSUER: issuer,
      MCP_OIDC_AUDIENCE: 'mcp',
      MCP_JOB_CONCURRENCY: '1',
    },
  });
  await vi.waitFor(
    async () => expect((await fetch(`${running.urls.gateway}/readyz`)).status).toBe(200),
    60_000,
  );
});
afterAll(async () => {
  await running?.stop();
  provider.closeAllConnections();
  provider.close();
});

const ask = (path: string, key = running.key, init: RequestInit = {}) =>
  fetch(`${running.urls.gateway}${path}`, {
    ...init,
    headers: { 'x-api-key': key, 'content-type': 'application/json', ...init.headers },
  });
const post = (path: string, body: unknown, key = running.key) =>
  ask(path, key, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
const json = async (answer: Response | Promise<Response>) => JSON.parse(await (await answer).text());
async function newKey(scopes: string[], expires_at?: string): Promise<{ id: string; key: string }> {
  const made = await json(
    post('/admin/keys', { name: 'test', scopes, ...(expires_at === undefined ? {} : { expires_at }) }),
  );
  return { id: made.record.id, key: made.key };
}
const revoke = (id: string) => ask(`/admin/keys/${id}`, running.key, { method: 'DELETE' });

/** A socket, what came over it, and how it closed. */
async function socket(key: string) {
  const ws = new WebSocket(`${running.urls.gateway.replace('http', 'ws')}/ws`, {
    headers: { 'x-api-key': key },
  });
  const events: { type: string; code?: string; conversation_id?: string }[] = [];
  ws.on('message', (data) => events.push(JSON.parse(String(data))));
  const closed = new Promise<{ code: number; reason: string }>((done) =>
    ws.on('close', (code, reason) => done({ code, reason: reason.toString() })),
  );
  await once(ws, 'open');
  return { ws, events, closed };
}
const start = { type: 'start', request: { message: 'Talk.', modelA: 'slow', modelB: 'slow', exchanges: 2 } };

describe('a trace', () => {
  const spansOf = async (trace_id: string, key: string) =>
    (await json(ask(`/v1/traces/${trace_id}`, key))).spans as
      | { trace_id: string; attributes: Record<string, unknown>; links?: unknown[] }[]
      | undefined;
  const models = async (key: string, headers: Record<string, string> = {}) =>
    (await ask('/v1/models', key, { headers })).headers.get('x-trace-id') ?? '';

  test('of another key is not read by naming it: it is linked, not gone on with', async () => {
    const [ann, bob] = await Promise.all([newKey(['chat']), newKey(['chat'])]);
    const anns = await models(ann.key);
    const bobs = await models(bob.key, {
      traceparent: `00-${anns}-${'b'.repeat(16)}-01`,
      tracestate: `a=${'x'.repeat(5000)}`,
    });
    expect(bobs).not.toBe(anns);
    await expect.poll(() => spansOf(anns, ann.key)).toBeDefined();
    expect(await spansOf(anns, bob.key)).toBeUndefined();
    await expect.poll(() => spansOf(bobs, bob.key)).toBeDefined();
    expect((await spansOf(bobs, bob.key))?.[0]?.links).toEqual([{ trace_id: anns, span_id: 'b'.repeat(16) }]);
  });

  test('is gone on with for who may, and still shows nobody what is not theirs', async () => {
    const [ann, tracer] = await Promise.all([newKey(['chat']), newKey(['chat', 'trace'])]);
    const shared = await models(ann.key);
    expect(await models(tracer.key, { traceparent: `00-${shared}-${'c'.repeat(16)}-01` })).toBe(shared);
    for (const [who, other] of [
      [ann, tracer],
      [tracer, ann],
    ] as const) {
      await expect.poll(async () => (await spansOf(shared, who.key))?.length).toBeGreaterThan(0);
      const owners = (await spansOf(shared, who.key))?.map(({ attributes }) => attributes['enduser.id']);
      expect(owners).toContain(`key:${who.id}`);
      expect(owners).not.toContain(`key:${other.id}`);
    }
  });
});

describe('a WebSocket ends with', () => {
  test('its key, while nothing is said', async () => {
    const { id, key } = await newKey(['chat']);
    const { closed } = await socket(key);
    await revoke(id);
    expect(await closed).toMatchObject({ code: 4401, reason: expect.stringMatching(/revoked/) });
  });

  test('its key, in the middle of a conversation, of which what was said is kept', async () => {
    const { id, key } = await newKey(['chat']);
    const { ws, events, closed } = await socket(key);
    ws.send(JSON.stringify(start));
    await expect.poll(() => events.filter(({ type }) => type === 'delta').length).toBeGreaterThan(3);
    await revoke(id);
    expect(await closed).toMatchObject({ code: 4401 });
    expect(events.at(-1)).toMatchObject({ type: 'error', code: 'unauthenticated' });
    const conversation = events.find(({ type }) => type === 'start')?.conversation_id;
    const stored = () => json(ask(`/v1/conversations/${conversation}`));
    await expect.poll(async () => (await stored()).status).toBe('cancelled');
    expect((await stored()).messages.at(-1)).toMatchObject({
      role: 'modelA',
      content: expect.stringMatching(/^word word/),
    });
  });

  test.each<[string, () => Promise<string>]>([
    [
      'the time of its key',
      async () => (await newKey(['chat'], new Date(Date.now() + 3000).toISOString())).key,
    ],
    ['its token', async () => sign(2)],
  ])('%s', async (_name, credential) => {
    const { closed } = await socket(await credential());
    expect(await closed).toMatchObject({ code: 4401, reason: expect.stringMatching(/expired/) });
  });
});

describe('a job', () => {
  const job = { spec: { kind: 'export' } };
  const ended = async (id: string) => {
    const look = () => json(ask(`/v1/jobs/${id}`));
    await expect.poll(async () => (await look()).status).toMatch(/completed|dead/);
    return look();
  };
  /** Keeps the only worker busy until it is cancelled. */
  const busy = async () => {
    const long = {
      kind: 'summarize-conversation',
      model: 'slow',
      conversation_id: (
        await json(post('/chat', { message: 'hi', modelA: 'quick', modelB: 'quick', exchanges: 1 }))
      ).id,
    };
    const { id } = await json(post('/v1/jobs', { spec: long }));
    return () => post(`/v1/jobs/${id}/cancel`, '');
  };

  test('is done for an owner who has the right', async () => {
    const { key } = await newKey(['chat', 'jobs']);
    expect(await ended((await json(post('/v1/jobs', job, key))).id)).toMatchObject({ status: 'completed' });
  });

  test('that waited is not done for a key that was revoked meanwhile', async () => {
    const free = await busy();
    const { id, key } = await newKey(['chat', 'jobs']);
    const queued = await json(post('/v1/jobs', job, key));
    await revoke(id);
    await free();
    expect(await ended(queued.id)).toMatchObject({
      status: 'dead',
      error: { code: 'forbidden', message: expect.stringMatching(/may not have it done any more.*revoked/) },
    });
  });

  test('that waited is not done for a token that has expired meanwhile', async () => {
    const free = await busy();
    const queued = await json(post('/v1/jobs', job, sign(2)));
    await new Promise((done) => setTimeout(done, 3100));
    await free();
    expect(await ended(queued.id)).toMatchObject({ status: 'dead', error: { code: 'forbidden' } });
  });

  test.each<[string, () => Promise<{ key: string; lose(): Promise<unknown> }>, RegExp]>([
    [
      'whose key is revoked',
      async () => {
        const { id, key } = await newKey(['chat', 'jobs']);
        return { key, lose: () => revoke(id) };
      },
      /may not have it done any more.*revoked/,
    ],
    [
      'whose token expires',
      async () => ({ key: sign(8), lose: () => Promise.resolve() }),
      /may not have it done any more.*expired/,
    ],
  ])(
    'at work %s is stopped, and the next one is done',
    async (_name, owner, why) => {
      const { key, lose } = await owner();
      const conversation = { message: 'hi', modelA: 'quick', modelB: 'quick', exchanges: 1 };
      const conversation_id = (await json(post('/chat', conversation, key))).id;
      // By itself it would take more than a minute.
      const long = { kind: 'summarize-conversation', model: 'patient', conversation_id };
      const { id } = await json(post('/v1/jobs', { spec: long }, key));
      const look = () => json(ask(`/v1/jobs/${id}`));
      const busyModels = async () =>
        ((await json(ask('/admin/stats'))).queues as { model: string; running: number }[])
          .filter(({ running }) => running > 0)
          .map(({ model }) => model);
      await expect.poll(busyModels).toEqual(['patient']);
      expect(await look()).toMatchObject({ status: 'running' });
      await lose();
      expect(await ended(id)).toMatchObject({
        status: 'dead',
        attempt: 1,
        error: { code: 'forbidden', message: expect.stringMatching(why) },
      });
      // The model stops, and the only worker is free.
      await expect.poll(busyModels).toEqual([]);
      expect(await ended((await json(post('/v1/jobs', job))).id)).toMatchObject({ status: 'completed' });
    },
    60_000,
  );
});

describe('what is not Unicode', () => {
  test('at the end of an answer is stored, hashed and given as one replacement character', async () => {
    const answer = await post('/chat', { message: 'hi', modelA: 'half', modelB: 'half', exchanges: 2 });
    expect(answer.status).toBe(200);
    const { id, answer: said } = await json(answer);
    expect(said).toBe('It is done \ufffd');
    expect(await json(post(`/v1/conversations/${id}/verify`, ''))).toMatchObject({ ok: true });
  });

  test('in a question is refused, and nothing is written', async () => {
    const count = async () => (await json(ask('/v1/conversations?limit=200'))).conversations.length;
    const before = await count();
    const answer = await post('/chat', '{"message":"a \\ud83d","modelA":"quick","modelB":"quick"}');
    expect(answer.status).toBe(400);
    expect(await json(answer)).toMatchObject({
      code: 'invalid_json',
      detail: expect.stringMatching(/^message: /),
    });
    expect(await count()).toBe(before);
  });
});

test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf'])(
  'there is no model %s',
  async (model) => {
    const completion = await post('/v1/chat/completions', {
      model,
      messages: [{ role: 'user', content: 'hi' }],
    });
    expect(completion.status).toBe(404);
    expect(await json(completion)).toMatchObject({ error: { code: 'model_not_found' } });
    expect((await post('/v1/embeddings', { model, input: 'a' })).status).toBe(404);
    expect((await ask(`/v1/models/${model}`)).status).toBe(404);
    expect((await post('/chat', { message: 'hi', modelA: model })).status).toBe(404);
  },
);
