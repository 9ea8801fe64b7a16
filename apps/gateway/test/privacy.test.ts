/** Personal data on the wire: what models are shown, what clients are told and what is stored, by each way in. */
import type { ChatCompletionRequest, ModelEvent, PiiAction } from '@mcp/contracts';
import { createGuard, Findings } from '@mcp/safety/guard';
import { PiiSession } from '@mcp/safety/pii';
import { PiiPolicy } from '@mcp/safety/privacy';
import { type Bus, connectBus, TokenSigner } from '@mcp/service-kit';
import { anthropicEncoder, chatChunkEncoder, ResponseEncoder } from '@mcp/wire';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { Gateway } from '../src/gateway.ts';
import { complete } from '../src/pipeline/inference.ts';
import { PiiVault } from '../src/pipeline/pii-vault.ts';
import { Privacy } from '../src/pipeline/privacy.ts';
import { forget, type Platform, type Shared, shared, startPlatform } from './support.ts';

const MAIL = 'ada.lovelace@example.org';
const MODEL = 'scripted/echo';
const POLICY = {
  routes: {
    '/chat': 'tokenize',
    '/v1/chat/completions': 'redact',
    '/v1/messages': 'redact',
    '/v1/responses': 'tokenize',
    '/v1/embeddings': 'block',
    '/v1/jobs': 'block',
  },
};

let place: Shared;
let platform: Platform;

beforeAll(async () => {
  place = await shared();
  platform = await startPlatform('in one process', place, { MCP_PII: JSON.stringify(POLICY) });
  await vi.waitFor(async () => expect((await platform.ask('/v1/models')).status).toBe(200), 60_000);
});
afterAll(async () => {
  await platform.close();
  await forget(place);
});

const user = (content: string) => ({ messages: [{ role: 'user', content }] });

/** How each way in is asked the same question. */
const WAYS: Readonly<Record<string, (text: string) => readonly [string, object]>> = {
  'chat completions': (text) => ['/v1/chat/completions', { model: MODEL, ...user(text) }],
  'streamed chat completions': (text) => [
    '/v1/chat/completions',
    { model: MODEL, stream: true, ...user(text) },
  ],
  messages: (text) => ['/v1/messages', { model: MODEL, max_tokens: 200, ...user(text) }],
  'streamed messages': (text) => [
    '/v1/messages',
    { model: MODEL, max_tokens: 200, stream: true, ...user(text) },
  ],
  'an alias of a conversation': (text) => ['/v1/chat/completions', { model: 'mcp/dual', ...user(text) }],
};

describe.each(Object.entries(WAYS))('%s', (_, way) => {
  it.each([
    ['as it is written', `write to ${MAIL} today`],
    ['with zero-width characters', 'write to ada\u200b.love\u200dlace@exam\u2060ple.org today'],
    ['in full width', 'my card is ４１１１ １１１１ １１１１ １１１１ today'],
    ['with look-alikes', 'write to аdа.lovelаce@exаmple.org today'],
  ])('shows no model and tells no client what is personal: %s', async (_, text) => {
    const [path, body] = way(text);
    const answer = await platform.ask(path, body);
    const told = await answer.text();
    expect(answer.status, told).toBe(200);
    expect(answer.headers.get('x-mcp-pii')).toMatch(/^redact; (email|credit_card)=\d/);
    expect(told.replace(/\W|delta|text|content/g, '')).not.toMatch(/lovelace|l\u0430ce|１１１１/);
    expect(told).toMatch(/EMAIL_1|CREDIT_CARD_1|EMAIL|CREDIT/);
  });
});

const Stored = z.object({
  messages: z.array(z.object({ content: z.string(), pii_tags: z.array(z.string()) })),
});

async function recordOf(id: string | null): Promise<z.infer<typeof Stored>['messages']> {
  const answer = await platform.ask(`/v1/conversations/${id}`);
  return Stored.parse(await answer.json()).messages;
}

describe('what is stored', () => {
  it('has names, and tags of what they stand for', async () => {
    const body = { model: MODEL, store: true, ...user(`write to ${MAIL} today`) };
    const answer = await platform.ask('/v1/chat/completions', body);
    const records = await recordOf(answer.headers.get('x-mcp-conversation-id'));
    expect(JSON.stringify(records)).not.toContain('lovelace');
    expect(records.map(({ pii_tags }) => pii_tags)).toEqual([['replaced:email'], ['replaced:email']]);
  });

  it('has names in metadata that come later', async () => {
    const body = { model: MODEL, store: true, ...user('hello') };
    const { id } = z
      .object({ id: z.string() })
      .parse(await (await platform.ask('/v1/chat/completions', body)).json());
    const path = `/v1/chat/completions/${id}`;
    await platform.ask(path, { metadata: { who: MAIL } });
    expect(await (await platform.ask(path)).text()).toContain('"metadata":{"who":"<EMAIL_1>"}');
  });

  it('goes on with the names of a conversation', async () => {
    const begun = await platform.ask('/chat', { modelA: MODEL, modelB: MODEL, message: `I am ${MAIL}.` });
    const conversation_id = begun.headers.get('x-mcp-conversation-id');
    await begun.text();
    await (await platform.ask('/chat', { conversation_id, message: 'And grace@example.org?' })).text();
    const asked = (await recordOf(conversation_id)).map(({ content }) => content);
    expect(asked).toContain('I am <EMAIL_1>.');
    expect(asked).toContain('And <EMAIL_2>?');
  });
});

describe('names that are taken back', () => {
  it.each([[false], [true]])('in an answer, streamed: %j; what is stored has the names', async (stream) => {
    const answer = await platform.ask('/v1/responses', {
      model: MODEL,
      stream,
      input: `write to ${MAIL} today`,
    });
    const told = await answer.text();
    expect(answer.headers.get('x-mcp-pii')).toBe('tokenize; email=1');
    expect(told).toContain(MAIL);
    const id = /resp_[0-9a-f]{48}/.exec(told)?.[0];
    const stored = await (await platform.ask(`/v1/responses/${id}`)).text();
    const asked = await (await platform.ask(`/v1/responses/${id}/input_items`)).text();
    expect(stored).toContain('<EMAIL_1>');
    expect(`${stored}${asked}`).not.toContain('lovelace');
  });
});

const Kept = z.object({ id: z.string(), mcp: z.object({ conversation_id: z.string() }) });
const AGAIN = 'Is <EMAIL_1> me, or grace@example.org today?';

describe('a conversation that the platform keeps', () => {
  it('has the values of earlier responses, and stores names', async () => {
    const begun = await platform.ask('/v1/responses', { model: MODEL, input: `I am ${MAIL}.` });
    const { id } = Kept.parse(await begun.json());
    const body = { model: MODEL, previous_response_id: id, input: AGAIN };
    const told = await (await platform.ask('/v1/responses', body)).text();
    expect(told).toContain(`Is ${MAIL} me, or grace@example.org today?`);
    const stored = JSON.stringify(await recordOf(Kept.parse(JSON.parse(told)).mcp.conversation_id));
    expect(stored).toContain('Is <EMAIL_1> me, or <EMAIL_2> today?');
    expect(stored).not.toContain('example.org');
  });

  it.each([[false], [true]])('has those of earlier turns, streamed: %j', async (stream) => {
    const first = { participants: [{ model: MODEL }], exchanges: 1, stream, message: `I am ${MAIL}.` };
    const begun = await platform.ask('/chat', first);
    expect(await begun.text()).toMatch(/lovelace/);
    const conversation_id = begun.headers.get('x-mcp-conversation-id');
    const told = await (await platform.ask('/chat', { conversation_id, stream, message: AGAIN })).text();
    expect(told).toContain(`Is ${MAIL} me, or grace@example.org today?`);
    const stored = JSON.stringify(await recordOf(conversation_id));
    expect(stored).toContain('Is <EMAIL_1> me, or <EMAIL_2> today?');
    expect(stored).not.toContain('example.org');
  });
});

describe('the vault', () => {
  const SECRET = 'a'.repeat(64);
  const log = { warn: vi.fn() };
  const closing = new AbortController();
  const buses: Bus[] = [];
  afterAll(() => Promise.all(buses.map((bus) => bus.close())));

  async function vaultOf(secret = SECRET): Promise<PiiVault> {
    const options = { service: 'test', log: log as never, signal: closing.signal, replicas: 1 };
    const bus = await connectBus(place.nats.url, options);
    buses.push(bus);
    return new PiiVault({
      bus: async () => bus,
      signer: new TokenSigner('gateway', secret),
      log: log as never,
    });
  }

  const call = (id: string) => ({ request_id: 'r', principal: { id } }) as never;
  const tokenizing = () => new PiiSession({ action: 'tokenize', policy: PiiPolicy.parse({}) });

  it('is the same for all replicas, its owner’s alone, and in clear for nobody', async () => {
    const first = tokenizing();
    first.asked({ input: `I am ${MAIL}.` });
    await (await vaultOf()).save(first, { id: 'c', call: call('me') });
    const asked = async (secret: string | undefined, who: string) => {
      const session = tokenizing();
      await (await vaultOf(secret)).load(session, { id: 'c', call: call(who) });
      return session.restored({ text: '<EMAIL_1>' }).text;
    };
    expect(await asked(undefined, 'me')).toBe(MAIL);
    expect(await asked(undefined, 'another')).toBe('<EMAIL_1>');
    expect(log.warn).not.toHaveBeenCalled();
    expect(await asked('b'.repeat(64), 'me')).toBe('<EMAIL_1>');
    expect(log.warn).toHaveBeenCalledOnce();
    const [bus] = buses;
    const bucket = await bus?.bucket('mcp_pii', {});
    for await (const key of (await bucket?.keys()) ?? [])
      expect(Buffer.from((await bucket?.get(key))?.value ?? []).toString()).not.toContain('lovelace');
  });

  it('is bounded in what it keeps', async () => {
    const session = tokenizing();
    session.asked({ input: Array.from({ length: 600 }, (_, i) => `to u${i}@example.org now `).join('') });
    expect(session.pseudonyms.entries(500)).toHaveLength(500);
    const vault = await vaultOf();
    await vault.save(session, { id: 'large', call: call('me') });
    const again = tokenizing();
    await vault.load(again, { id: 'large', call: call('me') });
    expect(again.pseudonyms.entries(1000)).toHaveLength(500);
    expect(again.asked({ input: 'or new@example.org now' }).input).toBe('or <EMAIL_501> now');
  });
});

describe('what is refused', () => {
  it.each([
    [
      '/v1/embeddings',
      { model: 'scripted/embed', input: ['nothing', `write to ${MAIL}`] },
      'input.1 (email)',
    ],
    ['/v1/jobs', { spec: { kind: 'embed-batch', texts: [`write to ${MAIL}`] } }, 'spec.texts.0 (email)'],
  ])('at %s is told by kind and place, never by value', async (path, body, where) => {
    const answer = await platform.ask(path, body);
    const told = await answer.text();
    expect(answer.status, told).toBe(400);
    expect(told).toContain(where);
    expect(told).not.toContain('lovelace');
  });
});

type Encoded = (events: AsyncIterable<ModelEvent>) => Promise<string>;

async function framed(events: AsyncIterable<ModelEvent>, encode: (event: ModelEvent) => string) {
  let out = '';
  for await (const event of events) out += encode(event);
  return out;
}

/** The pieces of one answer as each wire streams them, put together again as its clients do. */
const WIRES: Readonly<Record<string, Encoded>> = {
  chat: async (events) =>
    joined(
      await framed(events, chatChunkEncoder({ include_usage: false, functions: false })),
      /"content":("(?:[^"\\]|\\.)*")/g,
    ),
  messages: async (events) =>
    joined(
      await framed(events, anthropicEncoder({ thinking: false }).encode),
      /"text_delta","text":("(?:[^"\\]|\\.)*")/g,
    ),
  responses: async (events) => {
    const encoder = new ResponseEncoder({
      id: `resp_${'0'.repeat(48)}`,
      request: { model: MODEL, input: 'x' },
      store: false,
    });
    return joined(
      await framed(events, (event) => encoder.encode(event)),
      /output_text\.delta".*?"delta":("(?:[^"\\]|\\.)*")/g,
    );
  },
};

function joined(frames: string, pieces: RegExp): string {
  return [...frames.matchAll(pieces)].map(([, text = '""']) => String(JSON.parse(text))).join('');
}

async function* pieces(text: string, lengths: readonly number[]): AsyncGenerator<ModelEvent> {
  yield { type: 'start', id: 'x', model: MODEL, backend: 'b', created_s: 0 };
  for (let from = 0, i = 0; from < text.length; i++) {
    const piece = text.slice(from, from + (lengths[i % lengths.length] ?? 1));
    from += piece.length;
    yield { type: 'text', choice: 0, text: piece };
  }
  yield { type: 'finish', choice: 0, reason: { unified: 'stop', raw: null } };
}

const guard = createGuard({
  mode: 'enforce',
  moderate: 'flag',
  classifier: 'flag',
  allow: { categories: [], texts: [] },
});

/** What the pipeline needs of a gateway whose model says this. */
function gatewaySaying(events: AsyncIterable<ModelEvent>): Gateway {
  return {
    guard,
    graphs: { list: async () => [], known: [] },
    inference: () => ({ generate: () => events }),
    kit: { metrics: { inc: () => undefined } },
    stats: { addTokens: () => undefined },
  } as unknown as Gateway;
}

async function* told(events: AsyncIterable<ModelEvent>, action: PiiAction): AsyncGenerator<ModelEvent> {
  const request: ChatCompletionRequest = { model: MODEL, messages: [{ role: 'user', content: 'Who?' }] };
  const session = new PiiSession({ action, policy: PiiPolicy.parse({}) });
  const nothing = () => undefined;
  yield* complete(gatewaySaying(events), {
    request,
    call: { deadline_ms: Date.now() + 60_000, signal: new AbortController().signal } as never,
    privacy: { action, session },
    findings: new Findings(),
    ...{
      onConversation: nothing,
      onServed: nothing,
      onResumed: nothing,
      onRisk: nothing,
      onIgnored: nothing,
    },
    onFitted: undefined,
  });
}

const VALUES = [
  MAIL,
  '+49 30 901820',
  '4111 1111 1111 1111',
  'DE89 3704 0044 0532 0130 00',
  '192.168.17.4',
  'ghp_0123456789abcdefghijklmnopqrstuvwxyzAB',
  '2001:db8::8a2e:370:7334',
] as const;

describe.each(Object.entries(WIRES))('a stream of %s', (_, encoded) => {
  it('leaks nothing in 1,667 ways of cutting it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...VALUES), { minLength: 1, maxLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 24 }), { minLength: 1, maxLength: 20 }),
        async (values, lengths) => {
          const text = `It was said of ${values.join(', and then of ')} by somebody.`;
          const out = await encoded(told(pieces(text, lengths), 'redact'));
          for (const value of values) expect(out).not.toContain(value);
          expect(out).toMatch(/^It was said of <[A-Z_]+_1>.* by somebody\.$/);
        },
      ),
      { numRuns: 1667 },
    );
  });
});

describe('models of others', () => {
  const NO_BUS = { bus: () => Promise.reject(new Error('there is no bus here')) } as never;
  const info = (id: string, own: boolean) => ({ id, ...(own ? { own: true as const } : {}) });
  const privacyOf = (any_model = false) =>
    new Privacy({
      kit: NO_BUS,
      policy: PiiPolicy.parse({ third_party: 'redact', routes: { '/v1/embeddings': 'block' } }),
      models: { list: async () => [info('here', true), info('there', false), info('fast', false)] as never },
      aliases: {
        fast: {
          candidates: [{ model: 'here' }],
          fallbacks: { rate: [], context: [], content: [], error: [] },
        },
        far: {
          candidates: [{ model: 'here' }],
          fallbacks: { rate: [], context: [], content: [], error: ['there'] },
        },
      } as never,
      fallbacks: { safe: ['here'], here: ['other'], other: ['here'] },
      any_model,
    });

  it.each([
    [['there'], 'redact'],
    [['nobody-knows'], 'redact'],
    [['far'], 'redact'],
    [undefined, 'redact'],
  ])('are shown less: %j', async (models, action) => {
    expect(await privacyOf().action('/chat', models)).toBe(action);
  });

  it('follows those that stand in, and what the route says on top', async () => {
    expect(await privacyOf().action('/chat', ['here'])).toBe('redact');
    expect(await privacyOf(true).action('/chat', ['here'])).toBe('redact');
    expect(await privacyOf().action('/v1/embeddings', ['there'])).toBe('block');
  });

  it('leaves the platform’s own as the route says', async () => {
    const own = new Privacy({
      kit: NO_BUS,
      policy: PiiPolicy.parse({ third_party: 'redact' }),
      models: { list: async () => [info('here', true), info('there', false)] as never },
      aliases: {},
      fallbacks: {},
      any_model: false,
    });
    expect(await own.action('/chat', ['here'])).toBe('tag');
    await expect(own.session('tag')).resolves.toBeUndefined();
  });
});
