import { ChatEvent, SOCKET_PATH } from '@mcp/contracts';
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { EU, edgeOf, get, STACK, show, until } from './support.ts';

const MODEL = 'smollm2-135m-instruct';
/** Long enough that it is not over before somebody cancels. */
const LONG = {
  modelA: MODEL,
  modelB: MODEL,
  exchanges: 16,
  max_tokens_per_turn: 512,
  message: 'Tell a long story about the sea.',
};
const DELTAS = 3;

const rows: Record<string, unknown>[] = [];

/** Sends a frame and collects what comes back until the conversation is over. */
function converse(url: string, protocols: readonly string[]): Promise<ChatEvent[]> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${SOCKET_PATH}`, [...protocols]);
  return new Promise((done, fail) => {
    const seen: ChatEvent[] = [];
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('the socket closed before the conversation was over')));
    socket.on('open', () => socket.send(JSON.stringify({ type: 'start', request: LONG })));
    socket.on('message', (data) => {
      const event = ChatEvent.parse(JSON.parse(String(data)));
      seen.push(event);
      if (event.type === 'delta' && seen.filter(({ type }) => type === 'delta').length === DELTAS)
        socket.send(JSON.stringify({ type: 'cancel' }));
      if (event.type !== 'done' && event.type !== 'error') return;
      done(seen);
      socket.removeAllListeners('close');
      socket.close();
    });
  });
}

it('a conversation runs over a WebSocket through the edge, and is cancelled on it', async () => {
  const { url, key } = await edgeOf(EU);
  const began = performance.now();
  const seen = await converse(url, ['mcp', `mcp-key.${key}`]);
  rows.push({
    over: 'WebSocket',
    deltas: seen.filter(({ type }) => type === 'delta').length,
    ended: seen.at(-1)?.type,
    s: ((performance.now() - began) / 1000).toFixed(1),
  });
  expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, at) => at));
  expect(seen.at(-1)).toMatchObject({ type: 'done', response: { status: 'cancelled' } });
});

it('a conversation streams as SSE through the edge, and ends when its client leaves', async () => {
  const { url, key } = await edgeOf(EU);
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const leaving = new AbortController();
  const began = performance.now();
  const response = await fetch(`${url}/chat`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ ...LONG, stream: true }),
    signal: leaving.signal,
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const stream = response.body
    ?.pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  if (stream === undefined) throw new Error('there is no body');
  const seen: ChatEvent[] = [];
  for await (const { data } of stream) {
    seen.push(ChatEvent.parse(JSON.parse(data)));
    if (seen.filter(({ type }) => type === 'delta').length === DELTAS) break;
  }
  leaving.abort();
  const [first] = seen;
  if (first?.type !== 'start') throw new Error(`the first event is ${first?.type}`);
  const statusOf = async () => {
    const answer = await fetch(`${url}/v1/conversations/${first.conversation_id}`, { headers });
    return ((await answer.json()) as { status?: string }).status;
  };
  const took = await until(
    'the conversation is cancelled',
    30,
    async () => (await statusOf()) === 'cancelled',
  );
  rows.push({
    over: 'SSE',
    deltas: DELTAS,
    ended: 'cancelled',
    s: ((performance.now() - began) / 1000).toFixed(1),
    noticed_s: took.toFixed(1),
  });
});

it('a body beyond the limit is refused, an upgrade elsewhere than on the socket is not made', async () => {
  const { url, key } = await edgeOf(EU);
  const body = 'x'.repeat(STACK.limits.max_body_bytes + 1);
  const refused = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body,
  });
  await refused.arrayBuffer();
  expect(refused.status).toBe(413);
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/models`, ['mcp', `mcp-key.${key}`]);
  const status = await new Promise((done) => {
    socket.on('unexpected-response', (_, response) => done(response.statusCode));
    socket.on('open', () => done(101));
    socket.on('error', (error) => done(error.message));
  });
  socket.terminate();
  rows.push(
    { over: 'a body too large', ended: refused.status },
    { over: 'an upgrade elsewhere', ended: status },
  );
  expect(status).not.toBe(101);
});

it('Envoy Gateway accepts every route and policy of the edge', async () => {
  interface Accepted {
    readonly metadata: { readonly name: string };
    readonly status?: {
      readonly parents?: readonly Conditions[];
      readonly ancestors?: readonly Conditions[];
    };
  }
  interface Conditions {
    readonly conditions: readonly {
      readonly type: string;
      readonly status: string;
      readonly message?: string;
    }[];
  }
  for (const kind of ['httproutes', 'backendtrafficpolicies']) {
    const { items } = await get<{ items: Accepted[] }>([kind, '--namespace', EU.namespace]);
    expect(items).toHaveLength(2);
    for (const { metadata, status } of items) {
      const conditions = [...(status?.parents ?? []), ...(status?.ancestors ?? [])].flatMap(
        (one) => one.conditions,
      );
      expect(
        conditions.find(({ type }) => type === 'Accepted'),
        `${kind} ${metadata.name}`,
      ).toMatchObject({ status: 'True' });
    }
  }
  show('Through the edge', rows);
});
