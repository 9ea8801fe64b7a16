import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createKit, type KitEnv, type ServiceInstance } from '@mcp/service-kit';
import { type NatsServer, startNats, testIdentities } from '@mcp/testkit';
import fc from 'fast-check';
import type { Hono } from 'hono';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { manifest } from '../service.ts';
import { GatewayEnv } from '../src/config.ts';
import { definition } from '../src/definition.ts';
import { doubles } from './doubles.ts';

const RUNS = 1000;
/** Fixed, so that a run can be repeated; another one finds other things. */
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_123);
const MAX_GROWTH_BYTES = 16 * 1024 * 1024;
const ADMIN = `mcp_${randomBytes(32).toString('base64url')}`;

let nats: NatsServer;
let instance: ServiceInstance<unknown>;
let app: Hono<KitEnv>;
let closeKit: () => Promise<void>;
const dir = mkdtempSync(join(tmpdir(), 'mcp-fuzz-'));

beforeAll(async () => {
  mkdirSync(join(dir, 'console', 'assets'), { recursive: true });
  writeFileSync(join(dir, 'console', 'index.html'), '<!doctype html>');
  writeFileSync(join(dir, 'console', 'assets', 'index.js'), 'export {};');
  nats = await startNats();
  const kit = await createKit(GatewayEnv, {
    manifest,
    env: {
      MCP_DATA: dir,
      MCP_CONSOLE_DIR: join(dir, 'console'),
      MCP_TRACE_STORE: 'true',
      ...testIdentities(),
      MCP_NATS_URL: nats.url,
      MCP_LOG_LEVEL: 'silent',
      MCP_RATE_REQUESTS_PER_MINUTE: '10000000',
      MCP_ADMIN_KEY_HASH: createHash('sha256').update(ADMIN).digest('hex'),
    },
    local: doubles().apis,
    draining: () => false,
  });
  instance = await definition.create(kit);
  app = instance.app;
  closeKit = () => kit.close();
  await vi.waitFor(async () => expect((await app.request('/readyz')).status).toBe(200), { timeout: 5000 });
});
afterAll(async () => {
  await instance.close();
  await closeKit();
  await nats.close();
  rmSync(dir, { recursive: true, force: true });
});

const COMPLETION = {
  model: 'tiny-chat',
  messages: [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: [{ type: 'text', text: 'hi' }], name: 'ann' },
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{}' } }],
    },
    { role: 'tool', content: 'x', tool_call_id: '1' },
  ],
  stream: false,
  stream_options: { include_usage: true },
  n: 1,
  stop: ['a'],
  max_tokens: 5,
  temperature: 1,
  logit_bias: { 1: 2 },
  response_format: { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object' } } },
  tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }],
  tool_choice: 'auto',
  store: true,
  metadata: { a: 'b' },
};
const CHAT = {
  modelA: 'tiny-chat',
  modelB: 'tiny-chat',
  promptA: 'base_system',
  exchanges: 2,
  message: 'hi',
  mode: 'debate',
  stream: true,
  conversation_id: randomUUID(),
  max_tokens_per_turn: 7,
  temperature: 0.5,
  seed: 1,
};
const id = randomUUID();

/** Every route with something it accepts. */
const ROUTES: [method: string, path: string, body: unknown][] = [
  // First, because it reads through the spans that the others leave.
  ['GET', `/v1/traces/${'a'.repeat(32)}`, undefined],
  ['POST', '/v1/chat/completions', COMPLETION],
  ['POST', '/v1/chat/completions', { ...COMPLETION, stream: true }],
  [
    'POST',
    '/v1/chat/completions',
    { model: 'mcp/dual', messages: [{ role: 'user', content: 'hi' }], stream: true },
  ],
  [
    'POST',
    '/v1/embeddings',
    { model: 'tiny-embed', input: ['a', 'b'], encoding_format: 'base64', dimensions: 4 },
  ],
  ['GET', '/v1/models', undefined],
  ['GET', '/v1/models/tiny-chat', undefined],
  ['POST', '/chat', CHAT],
  ['GET', '/ws', undefined],
  ['GET', '/v1/prompts', undefined],
  ['GET', '/v1/conversations?limit=3&before=2026-01-01T00:00:00Z', undefined],
  ['GET', `/v1/conversations/${id}`, undefined],
  ['POST', `/v1/conversations/${id}/verify`, {}],
  ['POST', '/v1/verify', { id, version: 1, messages: [{ seq: 0, role: 'user' }], head: 'a', mac: 'b' }],
  ['POST', '/v1/jobs', { spec: { kind: 'embed-batch', texts: ['a'] }, idempotency_key: 'k' }],
  ['GET', '/v1/jobs?status=queued&limit=5', undefined],
  ['GET', `/v1/jobs/${id}`, undefined],
  ['POST', `/v1/jobs/${id}/cancel`, {}],
  ['GET', '/admin/keys', undefined],
  ['POST', '/admin/keys', { name: 'a', scopes: ['chat'], expires_at: '2020-01-01T00:00:00Z' }],
  ['DELETE', `/admin/keys/${id}`, undefined],
  ['GET', '/admin/stats', undefined],
  ['GET', '/admin/flags', undefined],
  ['GET', '/admin/governance', undefined],
  ['POST', '/admin/governance/daily-log-check/run', {}],
  ['GET', '/', undefined],
  ['GET', '/assets/index.js', undefined],
];

/** A valid value with one place changed: replaced, removed, or given a neighbour. */
function mutated(value: unknown): fc.Arbitrary<unknown> {
  if (typeof value !== 'object' || value === null) return junk;
  const entries = Object.entries(value);
  const rebuild = (next: [string, unknown][]): unknown =>
    Array.isArray(value) ? next.map(([, item]) => item) : Object.fromEntries(next);
  const changes: fc.Arbitrary<unknown>[] = [
    junk,
    fc.tuple(fc.string(), junk).map(([key, item]) => rebuild([...entries, [key, item]])),
  ];
  if (entries.length > 0) {
    const at = fc.nat({ max: entries.length - 1 });
    changes.push(at.map((index) => rebuild(entries.filter((_, i) => i !== index))));
    for (const [index, [, item]] of entries.entries())
      changes.push(
        mutated(item).map((other) =>
          rebuild(entries.map(([key, old], i) => [key, i === index ? other : old] as [string, unknown])),
        ),
      );
  }
  return fc.oneof(...changes);
}

const junk: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    '💥',
    'a'.repeat(5000),
    -1,
    0,
    1e308,
    -0,
    0.1,
    2 ** 53,
    null,
    true,
    [],
    {},
  ),
  fc.constantFrom<unknown>('stream', 'mcp/dual', '__proto__', { $ref: '#' }, [[[[[]]]]], '\ud800'),
);

function bodies(valid: unknown): fc.Arbitrary<string | Uint8Array | undefined> {
  if (valid === undefined) return fc.constant(undefined);
  const text = JSON.stringify(valid);
  return fc.oneof(
    { weight: 6, arbitrary: mutated(valid).map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.constant(text) },
    { weight: 1, arbitrary: fc.nat({ max: text.length }).map((end) => text.slice(0, end)) },
    { weight: 1, arbitrary: fc.string() },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  );
}

const headerValue = fc.oneof(
  fc.constantFrom(
    '',
    'application/json',
    'text/event-stream',
    '*/*',
    'gzip',
    'batch',
    'interactive',
    '5000',
    '-1',
    'é',
  ),
  fc.string({ maxLength: 60 }).map((text) => text.replace(/[^\x20-\xff]/g, '?').replace(/^\d+$/, 'x')),
);
const headers = fc.dictionary(
  fc.constantFrom(
    'accept',
    'content-type',
    'content-encoding',
    'x-mcp-timeout-ms',
    'x-mcp-class',
    'x-request-id',
    'traceparent',
    'if-none-match',
    'accept-encoding',
    'origin',
    'upgrade',
    'sec-websocket-protocol',
    'authorization',
    'x-forwarded-for',
    'content-length',
  ),
  headerValue,
  { maxKeys: 3 },
);
const queries = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  {
    weight: 1,
    arbitrary: fc
      .array(
        fc.tuple(
          fc.constantFrom('limit', 'before', 'status', '__proto__', 'x'),
          fc.string({ maxLength: 20 }),
        ),
        { maxLength: 3 },
      )
      .map((pairs) => new URLSearchParams(pairs).toString()),
  },
);
const tails = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  {
    weight: 1,
    arbitrary: fc
      .string({ maxLength: 30 })
      .map((text) => `/${encodeURIComponent(text.replace(/[\ud800-\udfff]/g, ''))}`),
  },
  { weight: 1, arbitrary: fc.constantFrom('/', '/..', '%', '%ff', '%00', '/../..', ';a=b') },
);
const methods = (method: string) =>
  fc.oneof(
    { weight: 20, arbitrary: fc.constant(method) },
    { weight: 1, arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS') },
  );

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');
function heapBytes(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

let before = 0;
test.each(ROUTES)('%s %s survives 1,000 random requests', async (method, path, valid) => {
  const request = fc.record({
    method: methods(method),
    body: bodies(valid),
    headers,
    query: queries,
    tail: tails,
  });
  await fc.assert(
    fc.asyncProperty(request, async (random) => {
      const url = new URL(`http://gateway${path}${path.includes('?') ? '' : random.tail}`);
      for (const [name, value] of new URLSearchParams(random.query)) url.searchParams.append(name, value);
      const bodiless = ['GET', 'HEAD'].includes(random.method);
      const answer = await app.request(url, {
        method: random.method,
        headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json', ...random.headers },
        ...(bodiless || random.body === undefined ? {} : { body: random.body as string }),
      });
      const text = await answer.text();
      expect(answer.status, text).toBeLessThan(500);
      expect(text).not.toMatch(/node_modules|node:internal|TypeError|ReferenceError/);
      if (/json/.test(answer.headers.get('content-type') ?? '') && random.method !== 'HEAD') JSON.parse(text);
    }),
    { numRuns: RUNS, seed: SEED },
  );
  // The first routes warm up what stays for good: compiled code, labels, caches.
  if (before === 0) before = heapBytes();
});

test('the heap is as large as it was after the first thousand', () => {
  expect(heapBytes() - before).toBeLessThan(MAX_GROWTH_BYTES);
});
