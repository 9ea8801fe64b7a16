import type { ChatEvent } from '@mcp/contracts';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { attachChat, type ChatListener, runChat } from '../src/api/chat-stream.ts';
import { FarSocket } from './support/far-socket.ts';

const KEY = 'mcp_k';
const ID = 'a b/c';
const delta = (seq: number, text = 'x') => ({ type: 'delta', seq, message_id: 'm', turn: 0, text });
const DONE = { type: 'done', seq: 99, response: {} };
const frame = (event: object) => `event: x\ndata: ${JSON.stringify(event)}\n\n`;

/** What a listener heard, in order. */
function ears(): ChatListener & { readonly heard: unknown[] } {
  const heard: unknown[] = [];
  return {
    heard,
    onEvent: (event: ChatEvent) => heard.push(event.seq),
    onRefused: (problem) => heard.push(problem),
    onClosed: (by) => heard.push(by),
  };
}

/** Waits until what is expected holds, on a busy machine too. */
const until = (expected: () => void) => vi.waitFor(expected, 20_000);

/** A body that comes in the pieces given and then ends, breaks off, or stays open. */
function body(
  pieces: readonly (string | Uint8Array)[],
  then: 'ends' | 'breaks' | 'stays' = 'ends',
): ReadableStream {
  const encoder = new TextEncoder();
  const left = pieces.map((piece) => (typeof piece === 'string' ? encoder.encode(piece) : piece));
  return new ReadableStream({
    async pull(controller) {
      const next = left.shift();
      if (next !== undefined) controller.enqueue(next);
      else if (then === 'ends') controller.close();
      else if (then === 'breaks') controller.error(new TypeError('terminated'));
      else await new Promise<void>(() => undefined);
    },
  });
}

interface Asked {
  readonly path: string;
  readonly init: RequestInit;
}
let asked: Asked[] = [];

/** Answers every call alike; an abort ends it as a browser does. */
function gateway(answer: () => Response | Promise<Response>): void {
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    asked.push({ path, init });
    const aborted = new Promise<never>((_, reject) =>
      init.signal?.addEventListener('abort', () => reject(new DOMException('Aborted', 'AbortError'))),
    );
    return Promise.race([answer(), aborted]);
  });
}

beforeEach(() => {
  asked = [];
  FarSocket.opened = [];
  vi.stubGlobal('WebSocket', FarSocket);
  vi.stubGlobal('location', { protocol: 'https:', host: 'gateway.test' });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const start = (listener: ChatListener, key = KEY) => runChat({ key, request: { message: 'Why?' }, listener });
const socket = () => {
  const [far] = FarSocket.opened;
  if (far === undefined) throw new Error('no WebSocket was opened');
  return far;
};
const opened = () => {
  socket().onopen?.();
  return socket();
};

describe('a conversation over the WebSocket', () => {
  it.each([
    ['https:', 'wss://gateway.test/ws'],
    ['http:', 'ws://gateway.test/ws'],
  ])('is opened from a page over %s at its own origin, with the key in no address', (protocol, url) => {
    vi.stubGlobal('location', { protocol, host: 'gateway.test' });
    start(ears());
    expect(socket().url).toBe(url);
    expect(socket().protocols).toEqual(['mcp', `mcp-key.${KEY}`]);
  });

  it('sends its request once it is open, and hears every event up to the last', async () => {
    const listener = ears();
    start(listener);
    expect(socket().sent).toEqual([]);
    const far = opened();
    expect(far.sent).toEqual([{ type: 'start', request: { message: 'Why?' } }]);
    far.say(delta(1), delta(2), DONE, delta(100));
    await Promise.resolve();
    expect(listener.heard).toEqual([1, 2, 99, 'network']);
    expect(far.closed).toBe(true);
  });

  it('skips frames that it does not know', () => {
    const listener = ears();
    start(listener);
    const far = opened();
    for (const data of ['{', 'null', '{"type":"newer","seq":1}', new ArrayBuffer(2)])
      far.onmessage?.({ data });
    far.say(delta(5));
    expect(listener.heard).toEqual([5]);
  });

  it.each([
    [false, 'network'],
    [true, 'user'],
  ])('that closes in the middle, cancelled: %s, says who ended it', (cancelled, by) => {
    const listener = ears();
    const chat = start(listener);
    const far = opened();
    far.say(delta(1));
    if (cancelled) chat.cancel();
    far.onclose?.();
    far.onclose?.();
    expect(listener.heard).toEqual([1, by]);
  });

  it('is cancelled by a message, and still hears the goodbye', () => {
    const listener = ears();
    const chat = start(listener);
    const far = opened();
    chat.cancel();
    expect(far.sent.map(({ type }) => type)).toEqual(['start', 'cancel']);
    far.say(delta(3), { type: 'error', seq: 4, code: 'cancelled' });
    expect(listener.heard).toEqual([3, 4, 'network']);
  });

  it('that was cancelled before it was open is begun and cancelled, so that a record is left', () => {
    const chat = start(ears());
    chat.cancel();
    expect(opened().sent.map(({ type }) => type)).toEqual(['start', 'cancel']);
  });

  it('ends by itself when no goodbye comes', async () => {
    vi.useFakeTimers();
    const listener = ears();
    const chat = start(listener);
    const far = opened();
    chat.cancel();
    await vi.advanceTimersByTimeAsync(2_900);
    expect(listener.heard).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(listener.heard).toEqual(['user']);
    expect(far.closed).toBe(true);
  });
});

describe('where no WebSocket can be opened', () => {
  it('the conversation runs over server-sent events, with the same request', async () => {
    gateway(() => new Response(body([frame(delta(1)), frame(DONE)])));
    const listener = ears();
    start(listener);
    socket().onclose?.();
    await until(() => expect(listener.heard).toEqual([1, 99, 'network']));
    expect(asked[0]?.path).toBe('/chat');
    expect(JSON.parse(String(asked[0]?.init.body))).toEqual({ message: 'Why?', stream: true });
    expect(new Headers(asked[0]?.init.headers).get('accept')).toBe('text/event-stream');
  });

  it('a socket that stays silent is given up', async () => {
    vi.useFakeTimers();
    gateway(() => new Response(body([frame(DONE)])));
    const listener = ears();
    start(listener);
    await vi.advanceTimersByTimeAsync(4_900);
    expect(asked).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(200);
    expect(asked).toHaveLength(1);
  });

  it('a key that cannot be a subprotocol goes in the header', async () => {
    vi.stubGlobal(
      'WebSocket',
      class {
        constructor() {
          throw new SyntaxError('bad subprotocol');
        }
      },
    );
    gateway(() => new Response(body([frame(DONE)])));
    const listener = ears();
    start(listener, 'odd(key)');
    await until(() => expect(listener.heard).toEqual([99, 'network']));
    expect(new Headers(asked[0]?.init.headers).get('authorization')).toBe('Bearer odd(key)');
  });

  it('a conversation cancelled meanwhile is not begun', async () => {
    gateway(() => new Response(body([])));
    const listener = ears();
    start(listener).cancel();
    socket().onclose?.();
    await Promise.resolve();
    expect(listener.heard).toEqual(['user']);
    expect(asked).toHaveLength(0);
  });
});

describe('events over HTTP', () => {
  const attach = (listener: ChatListener) => attachChat({ key: KEY, id: ID, listener });

  it('are asked for at the conversation, by its id whatever is in it', async () => {
    gateway(() => new Response(body([frame(delta(1))])));
    const listener = ears();
    attach(listener);
    await until(() => expect(listener.heard).toEqual([1, 'network']));
    expect(asked[0]?.path).toBe('/v1/conversations/a%20b%2Fc/events');
  });

  it('come whole wherever their bytes are cut, within a character too', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { minLength: 1, maxLength: 5 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 }),
        async (texts, sizes) => {
          const bytes = new TextEncoder().encode(texts.map((text, at) => frame(delta(at, text))).join(''));
          const pieces: Uint8Array[] = [];
          let at = 0;
          for (const size of sizes) {
            pieces.push(bytes.slice(at, at + size));
            at += size;
          }
          pieces.push(bytes.slice(at));
          gateway(() => new Response(body(pieces.filter((piece) => piece.length > 0))));
          const heard: string[] = [];
          await new Promise<void>((resolve) =>
            attach({
              onEvent: (event) => heard.push(event.type === 'delta' ? event.text : ''),
              onRefused: () => resolve(),
              onClosed: () => resolve(),
            }),
          );
          expect(heard).toEqual(texts);
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([
    [401, {}, { code: 'unauthorized', retryable: false, retry_after_ms: null }],
    [409, {}, { code: 'conflict', retryable: false, retry_after_ms: null }],
    [429, { 'retry-after': '7' }, { code: 'rate_limited', retryable: true, retry_after_ms: 7000 }],
    [500, {}, { code: 'internal', retryable: false, retry_after_ms: null }],
    [503, { 'retry-after': '1' }, { code: 'overloaded', retryable: true, retry_after_ms: 1000 }],
  ])('refused with %i are heard as a problem in the gateway’s words', async (status, headers, problem) => {
    const detail = { detail: 'Said why.', code: problem.code, trace_id: 'f'.repeat(32) };
    gateway(() => new Response(JSON.stringify(detail), { status, headers }));
    const listener = ears();
    attach(listener);
    await until(() =>
      expect(listener.heard).toEqual([{ ...problem, message: 'Said why.', trace_id: 'f'.repeat(32) }]),
    );
  });

  it('from a gateway that is not there are refused too, and worth another try', async () => {
    gateway(() => Promise.reject(new TypeError('fetch failed')));
    const listener = ears();
    attach(listener);
    await until(() => expect(listener.heard).toMatchObject([{ code: 'unreachable', retryable: true }]));
  });

  it('that break off in the middle are closed by the network, after what had come', async () => {
    gateway(() => new Response(body([frame(delta(1)), 'data: {"ty'], 'breaks')));
    const listener = ears();
    attach(listener);
    await until(() => expect(listener.heard).toEqual([1, 'network']));
  });

  it('without end in one message are given up', async () => {
    gateway(
      () =>
        new Response(
          body(
            Array.from({ length: 50 }, () => `data: ${'x'.repeat(100_000)}\n`),
            'stays',
          ),
        ),
    );
    const listener = ears();
    attach(listener);
    await until(() => expect(listener.heard).toEqual(['network']));
  });

  it('are left without a word to the gateway', async () => {
    gateway(() => new Promise<Response>(() => undefined));
    const listener = ears();
    attach(listener).leave();
    await until(() => expect(listener.heard).toEqual(['user']));
    expect(asked.map(({ path }) => path)).toEqual(['/v1/conversations/a%20b%2Fc/events']);
  });

  it('of a conversation that is cancelled are heard for a while longer', async () => {
    vi.useFakeTimers();
    gateway(() => new Promise<Response>(() => undefined));
    const listener = ears();
    attach(listener).cancel();
    expect(asked[1]).toMatchObject({ path: '/v1/conversations/a%20b%2Fc/cancel', init: { method: 'POST' } });
    await vi.advanceTimersByTimeAsync(2_900);
    expect(listener.heard).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(listener.heard).toEqual(['user']);
  });
});
