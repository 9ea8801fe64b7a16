/** Every bound of a request that a client may send: the last value inside is taken, the first one outside refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import {
  AnthropicCountTokensRequest,
  AnthropicMessagesRequest,
  ChatRequest,
  CompletionRequest,
  CreateJobRequest,
  CreateKeyRequest,
  EventsQuery,
  ListAnswersRequest,
  ListConversationsQuery,
  ListJobsQuery,
  ModerationRequest,
  PageLimit,
  PublicChatCompletionRequest,
  PublicEmbeddingsRequest,
  ResponsesRequest,
  WireListQuery,
} from '../src/index.ts';
import { expectAccepted, expectRefused, withAt } from './support.ts';

const UUID = '6f1c2a9e-3a53-4b1b-9d0e-0c5a3a7a1f11';
const tool = { type: 'function', function: { name: 'f' } };

interface Request {
  readonly schema: z.ZodType;
  readonly base: object;
}
const REQUESTS = {
  chat: {
    schema: PublicChatCompletionRequest,
    base: { model: 'm', messages: [{ role: 'user', content: 'hi' }], tools: [tool] },
  },
  completion: { schema: CompletionRequest, base: { model: 'm', prompt: 'p' } },
  embeddings: { schema: PublicEmbeddingsRequest, base: { model: 'm', input: 'i' } },
  moderation: { schema: ModerationRequest, base: { input: 'i' } },
  messages: {
    schema: AnthropicMessagesRequest,
    base: { model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'hi' }] },
  },
  count_tokens: {
    schema: AnthropicCountTokensRequest,
    base: { model: 'm', messages: [{ role: 'user', content: 'hi' }] },
  },
  responses: { schema: ResponsesRequest, base: { model: 'm', input: 'hi' } },
  conversation: { schema: ChatRequest, base: { message: 'hi' } },
  job: { schema: CreateJobRequest, base: { spec: { kind: 'embed-batch', texts: ['a'] } } },
  key: { schema: CreateKeyRequest, base: { name: 'n' } },
  answers: {
    schema: ListAnswersRequest,
    base: { kind: 'response', limit: 1, order: 'asc', metadata: {} },
  },
} as const satisfies Record<string, Request>;
type RequestName = keyof typeof REQUESTS;

const change = (name: RequestName, path: string, value: unknown) =>
  withAt(
    REQUESTS[name].base,
    path.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
    value,
  );
const accepted = (name: RequestName, path: string, value: unknown) =>
  expectAccepted(REQUESTS[name].schema, change(name, path, value));
const refused = (name: RequestName, path: string, value: unknown) =>
  expectRefused(REQUESTS[name].schema, change(name, path, value), path);

it.each(Object.keys(REQUESTS) as RequestName[])('the smallest request for %s is taken', (name) => {
  expectAccepted(REQUESTS[name].schema, REQUESTS[name].base);
});

describe('a number', () => {
  const WHOLE = { whole: true } as const;
  it.each<[RequestName, string, number, number, { readonly whole?: true }]>([
    ['chat', 'n', 1, 16, WHOLE],
    ['chat', 'max_tokens', 1, 1_000_000, WHOLE],
    ['chat', 'max_completion_tokens', 1, 1_000_000, WHOLE],
    ['chat', 'temperature', 0, 2, {}],
    ['chat', 'top_p', 0, 1, {}],
    ['chat', 'top_k', 0, 10_000, WHOLE],
    ['chat', 'min_p', 0, 1, {}],
    ['chat', 'presence_penalty', -2, 2, {}],
    ['chat', 'frequency_penalty', -2, 2, {}],
    ['chat', 'top_logprobs', 0, 20, WHOLE],
    ['chat', 'seed', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, WHOLE],
    ['completion', 'logprobs', 0, 5, WHOLE],
    ['completion', 'n', 1, 16, WHOLE],
    ['completion', 'max_tokens', 1, 1_000_000, WHOLE],
    ['completion', 'temperature', 0, 2, {}],
    ['embeddings', 'dimensions', 1, 10_000, WHOLE],
    ['messages', 'max_tokens', 1, 1_000_000, WHOLE],
    ['messages', 'temperature', 0, 1, {}],
    ['messages', 'top_p', 0, 1, {}],
    ['messages', 'top_k', 0, 10_000, WHOLE],
    ['responses', 'max_output_tokens', 1, 1_000_000, WHOLE],
    ['responses', 'temperature', 0, 2, {}],
    ['responses', 'top_p', 0, 1, {}],
    ['responses', 'top_logprobs', 0, 20, WHOLE],
    ['conversation', 'exchanges', 1, 16, WHOLE],
    ['conversation', 'max_tokens_per_turn', 1, 4096, WHOLE],
    ['conversation', 'temperature', 0, 2, {}],
    ['answers', 'limit', 1, 100, WHOLE],
  ])('of %s: %s from %d to %d', (name, path, least, most, { whole }) => {
    fc.assert(
      fc.property(
        whole === true
          ? fc.integer({ min: least, max: most })
          : fc.double({ min: least, max: most, noNaN: true }),
        (value) => accepted(name, path, value),
      ),
      { numRuns: 30 },
    );
    for (const value of [least, most]) accepted(name, path, value);
    const step = whole === true ? 1 : 0.001;
    for (const value of [least - step, most + step, Number.NaN, Infinity, '1', [1], true])
      refused(name, path, value);
    if (whole === true) refused(name, path, 0.5);
  });
});

describe('a text', () => {
  it.each<[RequestName, string, number, number]>([
    ['chat', 'model', 1, 200],
    ['chat', 'messages.0.content', 0, 1_000_000],
    ['chat', 'user', 0, 512],
    ['chat', 'safety_identifier', 0, 512],
    ['chat', 'prompt_cache_key', 0, 512],
    ['chat', 'service_tier', 0, 32],
    ['chat', 'reasoning_effort', 0, 32],
    ['chat', 'stop', 0, 1000],
    ['chat', 'messages.0.name', 1, 64],
    ['chat', 'tools.0.function.name', 1, 64],
    ['chat', 'tools.0.function.description', 0, 16_000],
    ['completion', 'prompt', 1, 1_000_000],
    ['embeddings', 'input', 1, 200_000],
    ['embeddings', 'user', 0, 512],
    ['moderation', 'input', 1, 200_000],
    ['moderation', 'model', 0, 200],
    ['messages', 'model', 1, 200],
    ['messages', 'system', 0, 1_000_000],
    ['messages', 'metadata.user_id', 0, 512],
    ['count_tokens', 'system', 0, 1_000_000],
    ['responses', 'input', 1, 1_000_000],
    ['responses', 'instructions', 0, 1_000_000],
    ['responses', 'user', 0, 512],
    ['conversation', 'message', 1, 200_000],
    ['conversation', 'modelA', 1, 200],
    ['conversation', 'promptA', 1, 64],
    ['job', 'idempotency_key', 1, 200],
    ['job', 'spec.texts.0', 1, 20_000],
    ['key', 'name', 1, 128],
  ])('of %s: %s from %d to %d characters', (name, path, least, most) => {
    for (const length of [least, Math.ceil((least + most) / 2), most])
      accepted(name, path, 'a'.repeat(length));
    refused(name, path, 'a'.repeat(most + 1));
    if (least > 0) refused(name, path, '');
    for (const other of [1, {}]) refused(name, path, other);
  });
});

describe('a list', () => {
  const message = { role: 'user', content: 'x' };
  const named = (at: number) => ({ type: 'function', function: { name: `f${at}` } });
  it.each<[RequestName, string, number, number, (at: number) => unknown]>([
    ['chat', 'messages', 1, 2048, () => message],
    ['chat', 'messages.0.content', 1, 256, () => ({ type: 'text', text: 'x' })],
    ['chat', 'stop', 0, 16, () => 'x'],
    ['chat', 'tools', 1, 128, named],
    ['completion', 'prompt', 1, 64, () => 'x'],
    ['completion', 'prompt', 1, 64, () => [1]],
    ['completion', 'prompt', 1, 32_768, (at) => at],
    ['embeddings', 'input', 1, 2048, () => 'x'],
    ['embeddings', 'input', 1, 32_768, (at) => at],
    ['embeddings', 'input', 1, 2048, () => [1, 2]],
    ['moderation', 'input', 1, 256, () => 'x'],
    ['moderation', 'input', 1, 256, () => ({ type: 'text', text: 'x' })],
    ['messages', 'messages', 1, 2048, () => message],
    ['messages', 'messages.0.content', 1, 256, () => ({ type: 'text', text: 'x' })],
    ['messages', 'stop_sequences', 0, 16, () => 'x'],
    ['messages', 'system', 0, 256, () => ({ type: 'text', text: 'x' })],
    ['messages', 'tools', 0, 128, (at) => ({ name: `f${at}`, input_schema: {} })],
    ['responses', 'input', 1, 2048, () => message],
    ['responses', 'tools', 0, 128, (at) => ({ type: 'function', name: `f${at}` })],
    ['conversation', 'participants', 1, 8, () => ({})],
    ['job', 'spec.texts', 1, 2048, () => 'x'],
    ['key', 'scopes', 1, 4, () => 'chat'],
  ])('of %s: %s with %d to %d items', (name, path, least, most, item) => {
    const list = (length: number) => Array.from({ length }, (_, at) => item(at));
    accepted(name, path, list(least));
    accepted(name, path, list(most));
    refused(name, path, list(most + 1));
    if (least > 0) refused(name, path, []);
  });

  it('of tokens that is too long is refused by one issue, not by one for each of its items', () => {
    const result = PublicEmbeddingsRequest.safeParse({
      model: 'm',
      input: Array(100_000).fill('x'.repeat(3)),
    });
    expect(JSON.stringify(result.error?.issues).length).toBeLessThan(5000);
  });
});

describe('pairs', () => {
  const pairs = (length: number) => Object.fromEntries(Array.from({ length }, (_, at) => [`k${at}`, 'v']));
  it.each<RequestName>(['chat', 'responses', 'answers'])(
    'of %s: metadata has 16, each within its size',
    (name) => {
      accepted(name, 'metadata', pairs(16));
      accepted(name, 'metadata', { ['k'.repeat(64)]: 'v'.repeat(512) });
      for (const value of [pairs(17), { ['k'.repeat(65)]: 'v' }, { k: 'v'.repeat(513) }, { k: 1 }])
        refused(name, 'metadata', value);
    },
  );

  it('of tokens and their bias are at most 1,024, by whole numbers', () => {
    const biased = (length: number) => Object.fromEntries(Array.from({ length }, (_, at) => [String(at), 1]));
    accepted('chat', 'logit_bias', biased(1024));
    for (const value of [biased(1025), { '-1': 1 }, { a: 1 }, { '1.5': 1 }, { 1: 101 }, { 1: -100.5 }])
      refused('chat', 'logit_bias', value);
  });
});

describe('a query', () => {
  it.each<[string, z.ZodType, number, number]>([
    ['a page', PageLimit, 50, 200],
    ["a page of OpenAI's lists", WireListQuery.shape.limit, 20, 100],
  ])('for %s takes whole numbers in decimal digits alone', (_, schema, unless_said, most) => {
    expect(schema.parse(undefined)).toBe(unless_said);
    fc.assert(
      fc.property(fc.integer({ min: -5, max: most * 2 }), (value) => {
        const read = schema.safeParse(String(value));
        expect(read.success).toBe(value >= 1 && value <= most);
        if (read.success) expect(read.data).toBe(value);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(schema.safeParse(text).success).toBe(
          /^[1-9]\d*$/.test(text) && Number(text) >= 1 && Number(text) <= most,
        );
      }),
    );
    for (const text of ['1e2', ' 5', '5 ', '0x10', '05', '1.0', '', 5])
      expect(schema.safeParse(text).success, String(text)).toBe(false);
  });

  it('for events begins anywhere from before the first', () => {
    expect(EventsQuery.parse({})).toEqual({ after: -1 });
    expect(EventsQuery.parse({ after: '7' })).toEqual({ after: 7 });
    for (const after of ['-2', '1.5', 'x', String(2 ** 53)]) expectRefused(EventsQuery, { after }, 'after');
  });

  it.each([
    ['conversations', ListConversationsQuery, { cursor: 'c', limit: '3' }, { cursor: 'c'.repeat(201) }],
    ['jobs', ListJobsQuery, { status: 'dead', limit: '3' }, { status: 'gone' }],
  ])('for %s takes its own parameters and no others', (_, schema, good, bad) => {
    expectAccepted(schema, good);
    expectRefused(schema, bad, Object.keys(bad)[0] ?? '');
    expectRefused(schema, { limt: '3' }, 'limt');
  });
});

it('a conversation is named by a UUID', () => {
  accepted('conversation', 'conversation_id', UUID);
  for (const id of ['', 'x', `${UUID}0`, UUID.replaceAll('-', '')])
    refused('conversation', 'conversation_id', id);
});
