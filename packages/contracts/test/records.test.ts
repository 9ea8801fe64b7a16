/** What is kept, listed and told between services: what each field may be, and what is refused by its place. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import {
  ApiKeyRecord,
  ApiKeyView,
  ChainVerdict,
  CountTokensRequest,
  CreateJobRequest,
  CreateKeyRequest,
  EmbeddingsResult,
  FEATURES,
  FindAnswersRequest,
  FORMATS,
  GatewayReport,
  GovernanceRun,
  InputItemsQuery,
  Job,
  JobFile,
  JobSpec,
  KeepAnswerRequest,
  ListAnswersRequest,
  MAX_CHAIN_ANSWERS,
  ModelInfo,
  nameIn,
  Principal,
  QueueReport,
  QueueStatus,
  RegionRoute,
  ReservePlace,
  RightsAnswer,
  Scope,
  ServiceKeySet,
  SpanRecord,
  StoredCompletionsQuery,
  StoredCompletionUpdate,
  StoredResponseQuery,
  TokenCount,
  traceSubject,
  Usage,
  WireListQuery,
} from '../src/index.ts';
import { expectAccepted, expectRefused, withAt } from './support.ts';

const UUID = '0194f0c2-0000-7000-8000-000000000001';
const AT = '2026-11-28T12:00:00.000Z';
const HASH = 'a'.repeat(64);

const model = {
  id: 'm',
  backend: 'ollama',
  kind: 'chat',
  owned_by: 'o',
  max_context: 4096,
  cost_input_per_mtok_usd: null,
  cost_output_per_mtok_usd: 0,
  status: 'ready',
};
const key = {
  id: UUID,
  name: 'ci',
  hash: HASH,
  prefix: 'mcp_abcd',
  scopes: ['chat'],
  created_at: AT,
  expires_at: null,
  revoked_at: null,
};
const serviceKey = {
  kty: 'OKP',
  crv: 'Ed25519',
  alg: 'EdDSA',
  use: 'sig',
  kid: 'core-1',
  x: 'A'.repeat(43),
  service: 'core',
  calls: ['model-gateway'],
  speaks_for: 'granted',
};
const job = {
  id: UUID,
  kind: 'export',
  status: 'queued',
  owner: 'key:1',
  created_at: AT,
  updated_at: AT,
  attempt: 0,
  max_attempts: 3,
  progress: { done: 0, total: 1, note: '' },
  trace_id: 't',
};
const span = {
  trace_id: 't',
  span_id: 's',
  parent_span_id: null,
  name: 'n',
  service: 'core',
  kind: 'server',
  start_unix_ms: 1,
  duration_ms: 0.5,
  status: 'unset',
  attributes: { a: 'x', b: 1, c: true, d: ['y'] },
  events: [{ name: 'e', at_unix_ms: 1, attributes: {} }],
};
const usage = { input_tokens: 1, output_tokens: 2 };
const record = {
  model: 'm',
  question: [{ role: 'user', content: 'hi' }],
  answer: 'Hello.',
  finish_reason: { unified: 'stop', raw: null },
  usage,
};
const answer = {
  id: 'resp_1',
  kind: 'response',
  model: 'm',
  previous_id: null,
  metadata: {},
  input: '[]',
  output: '[]',
  body: '{}',
  log: { in: 'answers', record, earlier: [] },
};
const run = {
  job: 'log-check',
  id: UUID,
  started_at: AT,
  finished_at: null,
  ok: null,
  checked: 0,
  failures: [],
  error: null,
};
const region = {
  name: 'eu',
  residency: 'eu',
  latency_zone: 'eu-west',
  priority: 1,
  url: null,
  fails_over_here: false,
};
const queue = { model: 'm', running: 0, waiting_interactive: 0, waiting_batch: 0, capacity: 1 };
const report = { requests: 1, failed: 0, durations: [[0, 1]], tokens_in_total: 0, tokens_out_total: 0.5 };
const verdict = { id: UUID, ok: false, status: 'broken', records: 3, broken_at: 1, reason: 'x', head: null };

const whole = { right: [0, 1, 1e6], wrong: [-1, 0.5, '1', null] };
const date = { right: [AT, '2026-11-28T12:00:00Z'], wrong: ['2026-11-28', 'now', 1, ''] };
const uuid = { right: [UUID], wrong: ['', 'x', `${UUID}0`, UUID.replaceAll('-', '')] };
const price = { right: [0, 0.5, null], wrong: [-1, 'free', undefined] };

/** A schema, a value that it takes, and what stands and does not stand at a place in it. */
const TABLE: readonly (readonly [
  string,
  z.ZodType,
  object,
  string,
  { right: readonly unknown[]; wrong: readonly unknown[] },
])[] = [
  [
    'a model',
    ModelInfo,
    model,
    'id',
    { right: ['a', 'x'.repeat(200)], wrong: ['', 'x'.repeat(201), undefined] },
  ],
  ['a model', ModelInfo, model, 'kind', { right: ['chat', 'embedding'], wrong: ['image', undefined] }],
  ['a model', ModelInfo, model, 'max_context', { right: [1, 1e6], wrong: [0, -1, 1.5] }],
  ['a model', ModelInfo, model, 'max_concurrency', { right: [undefined, 1], wrong: [0, 1.5, null] }],
  ['a model', ModelInfo, model, 'dimensions', { right: [undefined, 384], wrong: [0, -1] }],
  ['a model', ModelInfo, model, 'cost_input_per_mtok_usd', price],
  ['a model', ModelInfo, model, 'cost_output_per_mtok_usd', price],
  [
    'a model',
    ModelInfo,
    model,
    'cost_cached_input_per_mtok_usd',
    { right: [undefined, null, 0], wrong: [-1] },
  ],
  [
    'a model',
    ModelInfo,
    model,
    'capabilities',
    { right: [undefined, [], ['tools', 'images']], wrong: [['flight'], 'tools'] },
  ],
  ['a model', ModelInfo, model, 'residency', { right: [undefined, 'eu', 'any'], wrong: ['mars', null] }],
  [
    'a model',
    ModelInfo,
    model,
    'energy',
    {
      right: [undefined, { j_per_token: 0, source: 'measured' }],
      wrong: [{ j_per_token: -1, source: 'measured' }, { j_per_token: 1 }, 1],
    },
  ],
  ['a model', ModelInfo, model, 'own', { right: [undefined, true], wrong: [false, 'yes'] }],
  [
    'a model',
    ModelInfo,
    model,
    'status',
    { right: ['ready', 'loading', 'downloading', 'unavailable'], wrong: ['gone', undefined] },
  ],
  ['usage', Usage, usage, 'input_tokens', whole],
  ['usage', Usage, usage, 'cached_input_tokens', { right: [undefined, 0], wrong: [-1, null] }],
  [
    'vectors',
    EmbeddingsResult,
    { model: 'm', vectors: [[1]], input_tokens: 0 },
    'vectors',
    { right: [[], [[]], [[0.5, -1]]], wrong: [[1], [['1']], null] },
  ],
  ['a count', TokenCount, { tokens: 1, exact: true, max_context: 1 }, 'tokens', whole],
  [
    'a count',
    TokenCount,
    { tokens: 1, exact: true, max_context: 1 },
    'exact',
    { right: [false], wrong: ['yes', undefined] },
  ],
  [
    'what is counted',
    CountTokensRequest,
    { model: 'm', messages: [] },
    'messages',
    { right: [[], [{ role: 'user', content: 'x' }]], wrong: [{}, 'x', undefined] },
  ],
  ['a place', ReservePlace, { model: 'm' }, 'model', { right: ['m'], wrong: ['', 'x'.repeat(201), 1] }],
  ['a queue', QueueStatus, queue, 'running', whole],
  ['a queue', QueueStatus, queue, 'capacity', { right: [1], wrong: [0, 1.5] }],
  [
    'queues',
    QueueReport,
    { queues: [queue] },
    'queues',
    { right: [[], [queue, queue]], wrong: [[{}], Array.from({ length: 10_001 }, () => queue)] },
  ],
  ['what a gateway saw', GatewayReport, report, 'requests', whole],
  [
    'what a gateway saw',
    GatewayReport,
    report,
    'durations',
    {
      right: [
        [],
        [
          [0, 1],
          [5, 2],
        ],
      ],
      wrong: [[[0, 0]], [[-1, 1]], [[1]], [[0, 1, 2]]],
    },
  ],
  [
    'a principal',
    Principal,
    { id: 'key:1', kind: 'key', name: '', scopes: [] },
    'id',
    { right: ['a', 'x'.repeat(128)], wrong: ['', 'x'.repeat(129)] },
  ],
  [
    'a principal',
    Principal,
    { id: 'key:1', kind: 'key', name: '', scopes: [] },
    'kind',
    { right: ['key', 'jwt', 'service'], wrong: ['user', ''] },
  ],
  [
    'a principal',
    Principal,
    { id: 'key:1', kind: 'key', name: '', scopes: [] },
    'scopes',
    { right: [[], [...Scope.options]], wrong: [['root'], 'chat'] },
  ],
  ['a key', ApiKeyRecord, key, 'id', uuid],
  [
    'a key',
    ApiKeyRecord,
    key,
    'hash',
    { right: [HASH, '0'.repeat(64)], wrong: ['', 'A'.repeat(64), 'a'.repeat(63), 'a'.repeat(65)] },
  ],
  ['a key', ApiKeyRecord, key, 'prefix', { right: ['', 'x'.repeat(16)], wrong: ['x'.repeat(17)] }],
  ['a key', ApiKeyRecord, key, 'scopes', { right: [['admin']], wrong: [[], ['root'], undefined] }],
  ['a key', ApiKeyRecord, key, 'created_at', date],
  ['a key', ApiKeyRecord, key, 'expires_at', { right: [null, AT], wrong: ['never', undefined] }],
  [
    'a new key',
    CreateKeyRequest,
    { name: 'ci' },
    'name',
    { right: ['a', 'x'.repeat(128)], wrong: ['', 'x'.repeat(129), undefined] },
  ],
  [
    'a new key',
    CreateKeyRequest,
    { name: 'ci' },
    'scopes',
    {
      right: [undefined, ['admin'], [...Scope.options]],
      wrong: [[], ['root'], Array.from({ length: 5 }, () => 'chat')],
    },
  ],
  [
    'a new key',
    CreateKeyRequest,
    { name: 'ci' },
    'expires_at',
    { right: [undefined, null, AT], wrong: ['tomorrow', 1] },
  ],
  ['a new key', CreateKeyRequest, { name: 'ci' }, 'hash', { right: [], wrong: [HASH] }],
  [
    'a key set',
    ServiceKeySet,
    { keys: [serviceKey] },
    'keys',
    {
      right: [Array.from({ length: 64 }, () => serviceKey)],
      wrong: [[], Array.from({ length: 65 }, () => serviceKey)],
    },
  ],
  [
    'a key set',
    ServiceKeySet,
    { keys: [serviceKey] },
    'keys.0.x',
    { right: ['B'.repeat(43)], wrong: ['B'.repeat(42), 'B'.repeat(44), ''] },
  ],
  [
    'a key set',
    ServiceKeySet,
    { keys: [serviceKey] },
    'keys.0.alg',
    { right: [], wrong: ['none', 'HS256', 'RS256', undefined] },
  ],
  [
    'a key set',
    ServiceKeySet,
    { keys: [serviceKey] },
    'keys.0.service',
    { right: ['gateway'], wrong: ['stranger', undefined] },
  ],
  [
    'a key set',
    ServiceKeySet,
    { keys: [serviceKey] },
    'keys.0.speaks_for',
    { right: ['anyone', 'itself'], wrong: ['all', undefined] },
  ],
  ['a job', Job, job, 'id', uuid],
  [
    'a job',
    Job,
    job,
    'status',
    { right: ['running', 'retrying', 'completed', 'cancelled', 'dead'], wrong: ['lost', undefined] },
  ],
  ['a job', Job, job, 'attempt', whole],
  ['a job', Job, job, 'max_attempts', { right: [1], wrong: [0, -1] }],
  ['a job', Job, job, 'progress.done', { right: [0, 0.5], wrong: [-1, '1'] }],
  [
    'a job',
    Job,
    job,
    'error',
    { right: [undefined, { code: 'c', message: 'm' }], wrong: [{ code: 'c' }, 'no', null] },
  ],
  [
    'a file of a job',
    JobFile,
    { href: '/x', content_type: 't', size_bytes: 0, sha256: HASH },
    'size_bytes',
    whole,
  ],
  [
    'a new job',
    CreateJobRequest,
    { spec: { kind: 'export' } },
    'idempotency_key',
    { right: [undefined, 'k', 'x'.repeat(200)], wrong: ['', 'x'.repeat(201), 1] },
  ],
  ['a new job', CreateJobRequest, { spec: { kind: 'export' } }, 'owner', { right: [], wrong: ['me'] }],
  [
    'a span',
    SpanRecord,
    span,
    'kind',
    { right: ['internal', 'client', 'producer', 'consumer'], wrong: ['other', undefined] },
  ],
  ['a span', SpanRecord, span, 'parent_span_id', { right: ['p', null], wrong: [undefined, 1] }],
  [
    'a span',
    SpanRecord,
    span,
    'attributes',
    { right: [{}, { a: [] }], wrong: [{ a: null }, { a: {} }, { a: [1] }] },
  ],
  [
    'a span',
    SpanRecord,
    span,
    'links',
    { right: [undefined, [], [{ trace_id: 't', span_id: 's' }]], wrong: [[{ trace_id: 't' }]] },
  ],
  ['a verdict', ChainVerdict, verdict, 'status', { right: ['ok', 'unconfirmed'], wrong: ['fine'] }],
  ['a verdict', ChainVerdict, verdict, 'broken_at', { right: [null, 0], wrong: [0.5, undefined] }],
  ['a run of governance', GovernanceRun, run, 'started_at', date],
  ['a run of governance', GovernanceRun, run, 'checked', whole],
  ['a run of governance', GovernanceRun, run, 'failures', { right: [[], [verdict]], wrong: [[{}], null] }],
  ['a region', RegionRoute, region, 'residency', { right: ['eu', 'us', 'any'], wrong: ['asia', undefined] }],
  [
    'a region',
    RegionRoute,
    region,
    'url',
    { right: [null, 'https://eu.example.org'], wrong: ['eu.example.org', undefined, ''] },
  ],
  ['a region', RegionRoute, region, 'priority', { right: [0, -1, 5], wrong: [0.5, '1'] }],
  [
    'a kept answer',
    KeepAnswerRequest,
    answer,
    'id',
    { right: ['resp_1', 'chatcmpl-1'], wrong: ['', 'a b', '../x', 'x'.repeat(201)] },
  ],
  ['a kept answer', KeepAnswerRequest, answer, 'kind', { right: ['chat.completion'], wrong: ['message'] }],
  [
    'a kept answer',
    KeepAnswerRequest,
    answer,
    'log',
    {
      right: [{ in: 'conversation', conversation_id: UUID }],
      wrong: [{ in: 'conversation' }, { in: 'file' }, { in: 'answers', record }],
    },
  ],
  [
    'answers by id',
    FindAnswersRequest,
    { ids: [] },
    'ids',
    {
      right: [['a'], Array.from({ length: MAX_CHAIN_ANSWERS }, (_, at) => `a${at}`)],
      wrong: [Array.from({ length: MAX_CHAIN_ANSWERS + 1 }, () => 'a'), ['a/b'], 'a'],
    },
  ],
  [
    'a page of answers',
    ListAnswersRequest,
    { kind: 'response', limit: 1, order: 'asc', metadata: {} },
    'limit',
    { right: [1, 100], wrong: [0, 101, 1.5, '1'] },
  ],
  [
    'a page of answers',
    ListAnswersRequest,
    { kind: 'response', limit: 1, order: 'asc', metadata: {} },
    'order',
    { right: ['desc'], wrong: ['up', undefined] },
  ],
  [
    'a page of answers',
    ListAnswersRequest,
    { kind: 'response', limit: 1, order: 'asc', metadata: {} },
    'model',
    { right: [undefined, 'mödel/1'], wrong: ['', 'a\nb', 'x'.repeat(201)] },
  ],
  [
    'a list of the wire',
    WireListQuery,
    {},
    'order',
    { right: [undefined, 'asc', 'desc'], wrong: ['up', ''] },
  ],
  [
    'a list of the wire',
    WireListQuery,
    {},
    'after',
    { right: [undefined, 'x'.repeat(200)], wrong: ['x'.repeat(201)] },
  ],
  [
    'a stored response',
    StoredResponseQuery,
    {},
    'stream',
    { right: [undefined, 'false'], wrong: ['true', ''] },
  ],
  [
    'a stored response',
    StoredResponseQuery,
    {},
    'starting_after',
    { right: ['0', '123456789'], wrong: ['-1', '1.5', '1234567890', ''] },
  ],
  [
    'a stored response',
    StoredResponseQuery,
    {},
    'include',
    {
      right: [[], ['message.output_text.logprobs']],
      wrong: [['everything'], 'message.output_text.logprobs'],
    },
  ],
  [
    'stored completions',
    StoredCompletionsQuery,
    {},
    'model',
    { right: [undefined, 'gpt'], wrong: ['', 'a\u0000b'] },
  ],
  [
    'stored completions',
    StoredCompletionsQuery,
    {},
    'metadata',
    { right: [undefined, { a: 'b' }], wrong: [{ a: 1 }, 'a'] },
  ],
  [
    'a change of a completion',
    StoredCompletionUpdate,
    { metadata: {} },
    'metadata',
    { right: [null, { a: 'b' }], wrong: [undefined, 'a'] },
  ],
];

const path = (text: string) => text.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));

describe.each(TABLE)('%s', (_, schema, base, at, { right, wrong }) => {
  it(`has its ${at} within its bounds`, () => {
    expectAccepted(schema, base);
    for (const value of right) expectAccepted(schema, withAt(base, path(at), value));
    for (const value of wrong)
      expectRefused(schema, withAt(base, path(at), value), at.split('.').at(-1) ?? '');
  });
});

describe.each([...new Map(TABLE.map(([name, schema, base]) => [name, [schema, base] as const]))])(
  '%s as it was read',
  (_, [schema, base]) => {
    it('is read the same again, also after a way as JSON', () => {
      const once = schema.parse(base);
      // A query is text, and is read once.
      const again = schema.safeParse(JSON.parse(JSON.stringify(once)));
      if (again.success) expect(again.data).toEqual(once);
      else expect(Object.keys(base)).toEqual([]);
    });
  },
);

describe('what need not be said', () => {
  it.each<[string, z.ZodType, object, object]>([
    ['a new key', CreateKeyRequest, { name: 'ci' }, { scopes: ['chat', 'jobs'] }],
    ['a run of governance', GovernanceRun, run, { unconfirmed: 0, complete: true }],
    ['an export', JobSpec, { kind: 'export' }, { format: 'jsonl' }],
    ['a list of the wire', WireListQuery, {}, { limit: 20, order: 'asc' }],
    ['the items of a response', InputItemsQuery, {}, { limit: 20, order: 'desc' }],
  ])('of %s is put in', (_, schema, given, filled) => {
    expect(schema.parse(given)).toMatchObject(filled);
  });
});

describe('a job', () => {
  it.each<[string, object]>([
    ['a summary', { kind: 'summarize-conversation', conversation_id: UUID, model: 'm' }],
    ['vectors', { kind: 'embed-batch', texts: ['a'] }],
    ['an export of some', { kind: 'export', conversation_ids: [UUID] }],
  ])('may be %s', (_, spec) => expectAccepted(JobSpec, spec));

  it.each<[string, object, string]>([
    ['a summary of nothing', { kind: 'summarize-conversation' }, 'conversation_id'],
    ['vectors of nothing', { kind: 'embed-batch', texts: [] }, 'texts'],
    ['vectors of an empty text', { kind: 'embed-batch', texts: [''] }, 'texts.0'],
    ['vectors of too many', { kind: 'embed-batch', texts: Array.from({ length: 2049 }, () => 'a') }, 'texts'],
    ['an export of none', { kind: 'export', conversation_ids: [] }, 'conversation_ids'],
    ['an export in a format that there is not', { kind: 'export', format: 'csv' }, 'format'],
    ['with a field that is not known', { kind: 'export', all: true }, 'all'],
    ['of another kind', { kind: 'delete-everything' }, 'kind'],
  ])('is not %s', (_, spec, fault) => expectRefused(JobSpec, spec, fault));
});

it('a key is listed without its hash', () => {
  expect(ApiKeyView.parse(key)).not.toHaveProperty('hash');
  expect(ApiKeyView.parse(key)).toMatchObject({ id: UUID, prefix: 'mcp_abcd' });
});

it('rights are told with what is left, or with why nothing is', () => {
  const principal = { id: 'key:1', kind: 'key', name: 'a', scopes: [] };
  expectAccepted(RightsAnswer, { ok: true, principal });
  expectAccepted(RightsAnswer, { ok: false, message: 'revoked' });
  expectRefused(RightsAnswer, { ok: true, message: 'fine' }, 'principal');
  expectRefused(RightsAnswer, { ok: 'true', principal }, 'ok');
});

it('the spans of a trace have a subject of their own', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f]{32}$/), fc.stringMatching(/^[0-9a-f]{32}$/), (one, other) => {
      expect(traceSubject(one)).toMatch(/^mcp\.traces\.[0-9a-f]{32}$/);
      expect(traceSubject(one) === traceSubject(other)).toBe(one === other);
    }),
  );
});

describe('a format of completions', () => {
  const formats = Object.keys(FORMATS) as (keyof typeof FORMATS)[];
  it.each(formats)('%s has a word for what it can ask, and none for anything else', (format) => {
    for (const feature of FEATURES) {
      const word = nameIn(format, feature);
      if (word !== undefined) expect(word).toMatch(/^[a-z_]+(\.[a-z_]+)*$/);
    }
    for (const other of ['nothing', 'model', 'constructor', '__proto__', ''])
      expect(nameIn(format, other)).toBeUndefined();
  });

  it('calls each of its features something, and chat all of them', () => {
    expect(FEATURES.filter((feature) => nameIn('chat', feature) === undefined)).toEqual([]);
    expect(new Set(FEATURES).size).toBe(FEATURES.length);
    for (const format of formats) expect(FORMATS[format].route).toMatch(/^POST \/v1\//);
  });
});
