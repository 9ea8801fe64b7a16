import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Harness, startGateway } from './harness.ts';

const WORDS = 5;
const QUESTION = { model: 'tiny-chat', messages: [{ role: 'user', content: 'hi' }] };

let g: Harness;
beforeAll(async () => {
  g = await startGateway();
});
afterAll(() => g.close());

async function post(path: string, body: object, of: Harness = g): Promise<string> {
  const answer = await fetch(`${of.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${of.admin}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return answer.text();
}

/** Asks for conversations one after the other on one socket; the type of the last event of each. */
async function overSocket(questions: number, of: Harness = g): Promise<string[]> {
  const socket = new WebSocket(`${of.url.replace('http', 'ws')}/ws`, { headers: { 'x-api-key': of.admin } });
  const ends: string[] = [];
  await new Promise<void>((done, fail) => {
    const next = () => {
      if (ends.length === questions) done();
      else socket.send(JSON.stringify({ type: 'start', request: { message: 'hi', exchanges: 1 } }));
    };
    socket.on('open', next);
    socket.on('error', fail);
    socket.on('message', (data) => {
      const { type, code } = JSON.parse(String(data)) as { type: string; code?: string };
      if (type !== 'done' && type !== 'error') return;
      ends.push(code ?? type);
      next();
    });
  });
  socket.close();
  return ends;
}

interface Stats {
  readonly tokens_in_total: number;
  readonly tokens_out_total: number;
  readonly requests: number;
}

async function stats(): Promise<Stats> {
  const live = (await (await g.ask('/admin/stats')).json()) as Omit<Stats, 'requests'> & {
    requests_per_s: number;
  };
  return { ...live, requests: Math.round(live.requests_per_s * 60) };
}

describe.each<[string, () => Promise<unknown>, { in: number; out: number }]>([
  ['a conversation as JSON', () => post('/chat', { message: 'hi', exchanges: 1 }), { in: 3, out: WORDS }],
  [
    'a conversation as events',
    () => post('/chat', { message: 'hi', exchanges: 1, stream: true }),
    { in: 3, out: WORDS },
  ],
  ['a conversation over a WebSocket', () => overSocket(1), { in: 3, out: WORDS }],
  ['a completion as JSON', () => post('/v1/chat/completions', QUESTION), { in: 3, out: WORDS }],
  [
    'a completion as chunks',
    () => post('/v1/chat/completions', { ...QUESTION, stream: true }),
    { in: 3, out: WORDS },
  ],
  [
    'a model that is a conversation',
    () => post('/v1/chat/completions', { ...QUESTION, model: 'mcp/dual' }),
    { in: 3, out: WORDS },
  ],
  ['embeddings', () => post('/v1/embeddings', { model: 'tiny-embed', input: ['a', 'b'] }), { in: 2, out: 0 }],
])('%s', (_, ask, used) => {
  test('is counted, and what it used is settled, once', async () => {
    const before = await stats();
    await ask();
    await expect
      .poll(async () => {
        const after = await stats();
        return {
          requests: after.requests - before.requests,
          in: after.tokens_in_total - before.tokens_in_total,
          out: after.tokens_out_total - before.tokens_out_total,
        };
      })
      .toEqual({ requests: 1, ...used });
  });
});

test('refusals are counted alike, whatever a request came by', async () => {
  const small = await startGateway({ env: { MCP_RATE_REQUESTS_PER_MINUTE: '2' } });
  const refused = async () =>
    /gateway_admission_rejected_total\{service="gateway",code="rate_limited"\} (\d+)/.exec(
      await (await fetch(`${small.url}/metrics`)).text(),
    )?.[1];
  expect(await overSocket(3, small)).toEqual(['done', 'done', 'rate_limited']);
  expect(await refused()).toBe('1');
  expect(await post('/chat', { message: 'hi' }, small)).toContain('rate_limited');
  expect(await refused()).toBe('2');
  await small.close();
});
