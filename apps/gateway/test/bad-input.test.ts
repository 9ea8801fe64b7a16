import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Harness, startGateway } from './harness.ts';
import { check, type Row } from './refusals.ts';

let g: Harness;
let chatKey: string;
let revokedKey: string;
let expiredKey: string;

beforeAll(async () => {
  g = await startGateway({
    env: { MCP_MAX_BODY_BYTES: String(512 * 1024) },
  });
  chatKey = (await g.key(['chat'])).key;
  const revoked = await g.key(['chat']);
  revokedKey = revoked.key;
  await g.ask(`/admin/keys/${revoked.id}`, { method: 'DELETE' });
  expiredKey = (await g.key(['chat'], new Date(Date.now() + 250).toISOString())).key;
  await new Promise((done) => setTimeout(done, 300));
});
afterAll(() => g.close());

const COMPLETION = { model: 'tiny-chat', messages: [{ role: 'user', content: 'hi' }] };
const CHAT = { message: 'hi' };

/** Posts a value as JSON, or text and bytes as they are. */
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  g.ask(path, {
    method: 'POST',
    body: typeof body === 'string' || body instanceof Uint8Array ? (body as string) : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
const completion = (change: Record<string, unknown>) => () =>
  post('/v1/chat/completions', { ...COMPLETION, ...change });
const message = (value: unknown) => completion({ messages: [value] });
const chat = (change: Record<string, unknown>) => () => post('/chat', { ...CHAT, ...change });
const embed = (change: Record<string, unknown>) => () =>
  post('/v1/embeddings', { model: 'tiny-embed', input: 'x', ...change });
const as = (headers: Record<string, string>) => () => fetch(`${g.url}/v1/models`, { headers });
const get = (path: string) => () => g.ask(path);
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const uuid = '00000000-0000-4000-8000-000000000000';

const authentication: Row[] = [
  ['no credential', as({}), 401, /No credential was given.*x-api-key/],
  ['basic authentication', as({ authorization: 'Basic YTpi' }), 401, /not "Bearer <key>"/],
  ['a bearer without a key', as({ authorization: 'Bearer' }), 401, /not "Bearer <key>"/],
  ['two keys in one header', as({ authorization: 'Bearer a b' }), 401, /not "Bearer <key>"/],
  ['an empty key', as({ 'x-api-key': '' }), 401, /credential is empty/],
  ['an unknown key', as({ 'x-api-key': `mcp_${'a'.repeat(43)}` }), 401, /not known here/],
  ['an unknown key in api-key', as({ 'api-key': 'sk-1' }), 401, /not known here/],
  ['an unknown key in x-goog-api-key', as({ 'x-goog-api-key': 'AIza' }), 401, /not known here/],
  ['a key beyond its bound', as({ authorization: `Bearer ${'a'.repeat(9000)}` }), 401, /longer than 8192/],
  ['a token where none are accepted', as({ authorization: 'Bearer a.b.c' }), 401, /not known here/],
  ['a revoked key', () => g.ask('/v1/models', { key: revokedKey }), 401, /revoked/],
  ['an expired key', () => g.ask('/v1/models', { key: expiredKey }), 401, /expired/],
  ['a key without the scope jobs', () => g.ask('/v1/jobs', { key: chatKey }), 403, /scope jobs/],
  ['a key without the scope admin', () => g.ask('/admin/keys', { key: chatKey }), 403, /scope admin/],
];

const routing: Row[] = [
  ['an unknown path', get('/v2/chat'), 404, /nothing at GET \/v2\/chat/],
  ['an unknown model path', get('/v1/models/nobody/knows'), 404, /'nobody\/knows' does not exist/],
  ['DELETE on /chat', () => g.ask('/chat', { method: 'DELETE' }), 405, /DELETE is not offered.*Use POST/],
  ['PUT on a model', () => g.ask('/v1/models/a/b', { method: 'PUT' }), 405, /Use GET/],
  ['OPTIONS without CORS', () => g.ask('/chat', { method: 'OPTIONS' }), 405, /OPTIONS is not offered/],
  ['a way out of the console', get('/assets/..%2f..%2fpackage.json'), 404, /no such file/],
  ['a hidden file', get('/assets/.env'), 404, /no such file/],
  ['an address beyond its bound', get(`/v1/models?q=${'a'.repeat(9000)}`), 414, /longer than 8192/],
  ['an id that is not UTF-8', get('/v1/conversations/%ff%fe'), 400, /id: must be a UUID/],
  ['a conversation without UUID', get('/v1/conversations/42'), 400, /must be a UUID \(got 42\)/],
  ['an unknown conversation', get(`/v1/conversations/${uuid}`), 404, /no conversation/],
  ['a job without UUID', () => post('/v1/jobs/x/cancel', ''), 400, /must be a UUID/],
  ['an unknown job', get(`/v1/jobs/${uuid}`), 404, /no job/],
  [
    'an unknown job as events',
    () => g.ask(`/v1/jobs/${uuid}`, { headers: { accept: 'text/event-stream' } }),
    404,
    /no job/,
  ],
  ['a trace in capitals', get(`/v1/traces/${'A'.repeat(32)}`), 400, /32 hex digits in lower case/],
  ['an unknown trace', get(`/v1/traces/${'a'.repeat(32)}`), 404, /no trace/],
  ['a limit that is no number', get('/v1/conversations?limit=many'), 400, /limit: /],
  ['a limit beyond its bound', get('/v1/conversations?limit=1000'), 400, /limit: .*200/],
  ['an unknown parameter', get('/v1/conversations?colour=red'), 400, /parameter 'colour'. There are: /],
  ['a parameter of every object', get('/v1/jobs?constructor=1'), 400, /parameter 'constructor'/],
  ['__proto__ as a parameter', get('/v1/jobs?__proto__=1'), 400, /parameter '__proto__'/],
  ['a limit given twice', get('/v1/jobs?limit=1&limit=2'), 400, /limit: is given twice/],
  ['a parameter where there are none', get('/v1/models?limit=1'), 400, /'limit'. This address takes none/],
  ['a cursor beyond its bound', get(`/v1/conversations?cursor=${'x'.repeat(201)}`), 400, /cursor: .*200/],
  ['an unknown job status', get('/v1/jobs?status=lost'), 400, /status: /],
  [
    'a timeout that is no number',
    () => post('/chat', CHAT, { 'x-mcp-timeout-ms': 'soon' }),
    400,
    /whole milliseconds/,
  ],
  ['a timeout of zero', () => post('/chat', CHAT, { 'x-mcp-timeout-ms': '0' }), 400, /whole milliseconds/],
  ['an unknown class', () => post('/chat', CHAT, { 'x-mcp-class': 'urgent' }), 400, /interactive or batch/],
];

const bodies: Row[] = [
  ['an empty body', () => post('/chat', ''), 400, /body is empty/],
  ['half an object', () => post('/chat', '{"message":'), 400, /not valid JSON/],
  ['a trailing comma', () => post('/chat', '{"message":"a",}'), 400, /not valid JSON/],
  ['single quotes', () => post('/chat', "{'message':'a'}"), 400, /not valid JSON/],
  ['NaN', () => post('/chat', '{"temperature":NaN}'), 400, /not valid JSON/],
  ['an array', () => post('/chat', '[]'), 400, /body: must be an object/],
  ['null', () => post('/v1/chat/completions', 'null'), 400, /must be an object/],
  ['a text', () => post('/v1/embeddings', '"model"'), 400, /must be an object/],
  ['a log that is a list', () => post('/v1/verify', '[1]'), 400, /body: /],
  ['bytes that are not UTF-8', () => post('/chat', Buffer.from('7b22ff22', 'hex')), 400, /not valid UTF-8/],
  ['an overlong UTF-8 form', () => post('/chat', Buffer.from('22c0af22', 'hex')), 400, /not valid UTF-8/],
  ['UTF-16', () => post('/chat', Buffer.from('{"message":"ü"}', 'utf16le')), 400, /not valid (UTF-8|JSON)/],
  ['65 levels', () => post('/chat', nested(65)), 400, /deeper than 64 levels/],
  ['100,000 levels', () => post('/chat', nested(100_000)), 400, /deeper than 64 levels/],
  ['a body beyond its bound', () => post('/chat', 'x'.repeat(600_000)), 413, /larger than 524288 bytes/],
  ['plain text', () => post('/chat', CHAT, { 'content-type': 'text/plain' }), 415, /application\/json/],
  [
    'a form',
    () => post('/chat', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }),
    415,
    /application\/json/,
  ],
  [
    'a multipart form',
    () => post('/v1/chat/completions', '--', { 'content-type': 'multipart/form-data; boundary=-' }),
    415,
    /application\/json/,
  ],
  [
    'another charset',
    () => post('/chat', CHAT, { 'content-type': 'application/json; charset=utf-16' }),
    415,
    /in UTF-8/,
  ],
  [
    'gzip',
    () => post('/chat', Buffer.from('1f8b', 'hex'), { 'content-encoding': 'gzip' }),
    415,
    /without content-encoding/,
  ],
  [
    'a duplicate field, the last one wrong',
    () => post('/chat', '{"message":"a","message":7}'),
    400,
    /message: must be a text/,
  ],
  [
    '__proto__',
    () => post('/chat', '{"message":"a","__proto__":{"admin":true}}'),
    400,
    /Unrecognized.*__proto__/,
  ],
  [
    'half of a character',
    () => post('/chat', '{"message":"a\\ud83d"}'),
    400,
    /message: has half of a surrogate pair/,
  ],
  [
    'the other half',
    () => post('/chat', '{"message":"\\uDE00 a"}'),
    400,
    /message: has half of a surrogate pair/,
  ],
  [
    'half of a character as a name',
    () => post('/v1/verify', '{"a":[{"\\ud800":1}]}'),
    400,
    /a\.0\..*: has half of a surrogate pair/,
  ],
  ['constructor', () => post('/chat', '{"message":"a","constructor":{}}'), 400, /Unrecognized.*constructor/],
];

const completions: Row[] = [
  ['an unknown field', completion({ frobnicate: 1 }), 400, /Unrecognized request argument 'frobnicate'/],
  [
    'an unknown field of a message',
    message({ role: 'user', content: 'a', mood: 1 }),
    400,
    /'mood' in messages\.0/,
  ],
  ['no model', completion({ model: undefined }), 400, /model: /],
  ['a model that is a number', completion({ model: 7 }), 400, /model: .*\(got 7\)/],
  ['a model beyond its bound', completion({ model: 'm'.repeat(201) }), 400, /model: .*200/],
  ['an unknown model', completion({ model: 'gpt-99' }), 404, /'gpt-99' does not exist/],
  [
    'an unknown model, streamed',
    completion({ model: 'gpt-99', stream: true }),
    404,
    /'gpt-99' does not exist/,
  ],
  ['an unknown alias', completion({ model: 'mcp/trio' }), 404, /does not exist/],
  ['no messages', completion({ messages: [] }), 400, /messages: /],
  ['messages that are a text', completion({ messages: 'hi' }), 400, /messages: must be a list/],
  ['an unknown role', message({ role: 'wizard', content: 'a' }), 400, /messages\.0\.role: must be 'system'/],
  ['no role', message({ content: 'a' }), 400, /messages\.0\.role/],
  ['content that is a number', message({ role: 'user', content: 5 }), 400, /messages\.0\.content: /],
  ['no content', message({ role: 'user' }), 400, /messages\.0\.content/],
  [
    'an unknown part',
    message({ role: 'user', content: [{ type: 'video' }] }),
    400,
    /messages\.0\.content\.0\.type/,
  ],
  [
    'an image from the system',
    message({ role: 'system', content: [{ type: 'image_url', image_url: { url: 'x' } }] }),
    400,
    /messages\.0\.content/,
  ],
  ['a tool message without id', message({ role: 'tool', content: 'a' }), 400, /tool_call_id/],
  ['a temperature of 3', completion({ temperature: 3 }), 400, /temperature: .*2.*\(got 3\)/],
  ['a temperature that is a text', completion({ temperature: 'hot' }), 400, /temperature: /],
  ['n of zero', completion({ n: 0 }), 400, /n: /],
  ['n of 17', completion({ n: 17 }), 400, /n: .*16/],
  ['half a token', completion({ max_tokens: 0.5 }), 400, /max_tokens: /],
  ['fewer than no tokens', completion({ max_tokens: -1 }), 400, /max_tokens: /],
  ['17 stops', completion({ stop: Array(17).fill('a') }), 400, /stop/],
  ['no tools', completion({ tools: [] }), 400, /tools: /],
  [
    'a tool with spaces',
    completion({ tools: [{ type: 'function', function: { name: 'a b' } }] }),
    400,
    /tools\.0\.function\.name/,
  ],
  ['an unknown response format', completion({ response_format: { type: 'xml' } }), 400, /response_format/],
  ['a bias beyond its bound', completion({ logit_bias: { 5: 101 } }), 400, /logit_bias/],
  [
    'tools for an alias',
    completion({ model: 'mcp/dual', tools: [{ type: 'function', function: { name: 'f' } }] }),
    400,
    /tools: is not supported with mcp\/dual/,
  ],
  ['two answers of an alias', completion({ model: 'mcp/debate', n: 2 }), 400, /n: must be 1/],
  [
    'JSON from an alias',
    completion({ model: 'mcp/dual', response_format: { type: 'json_object' } }),
    400,
    /response_format: must be text/,
  ],
  [
    'an image for an alias',
    completion({
      model: 'mcp/dual',
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }],
    }),
    400,
    /text only/,
  ],
];

const format = (schema: unknown) =>
  completion({ response_format: { type: 'json_schema', json_schema: { name: 's', schema } } });
const deep = (levels: number): unknown => (levels === 0 ? {} : { type: 'array', items: deep(levels - 1) });
const tool = (parameters: unknown) => [{ type: 'function', function: { name: 'f', parameters } }];
const words = (count: number) => Array.from({ length: count }, (_, i) => `word ${i}`);

const schemas: Row[] = [
  ['5,000 words', format({ enum: words(5000) }), 400, /schema: must have at most 1000 enum values/],
  [
    '5,000 words in many lists',
    format({ anyOf: Array.from({ length: 50 }, () => ({ enum: words(100) })) }),
    400,
    /at most 1000 enum values/,
  ],
  ['40 levels', format(deep(40)), 400, /must nest at most 32 schemas/],
  [
    'a name beyond its bound',
    format({ properties: { ['x'.repeat(200_000)]: {} } }),
    400,
    /at most 120000 characters/,
  ],
  [
    'a reference to nothing',
    format({ $ref: '#/$defs/no' }),
    400,
    /\$ref "#\/\$defs\/no", which points to no/,
  ],
  [
    'a reference to what every object has',
    format({ $defs: {}, items: { $ref: '#/$defs/constructor' } }),
    400,
    /points to no schema/,
  ],
  ['a reference elsewhere', format({ $ref: 'https://example.com/a.json' }), 400, /points to no schema/],
  [
    'a reference to nothing in a tool',
    completion({ tools: tool({ properties: { a: { $ref: '#/x' } } }) }),
    400,
    /tools\.0\.function\.parameters: .*points to no schema/,
  ],
  [
    'a tool that is not there',
    completion({ tools: tool({}), tool_choice: { type: 'function', function: { name: 'g' } } }),
    400,
    /tool_choice\.function\.name: must be the name of one of the tools \(got "g"\)/,
  ],
  [
    'a call of no tools',
    completion({ tool_choice: 'required' }),
    400,
    /tool_choice: .*tools has no function/,
  ],
];

const others: Row[] = [
  ['an embedding of nothing', embed({ input: '' }), 400, /input/],
  ['embeddings of no texts', embed({ input: [] }), 400, /input/],
  ['embeddings of tokens', embed({ input: [1, 2] }), 400, /input/],
  ['zero dimensions', embed({ dimensions: 0 }), 400, /dimensions/],
  ['hexadecimal embeddings', embed({ encoding_format: 'hex' }), 400, /encoding_format/],
  ['an embedding by a chat model', embed({ model: 'tiny-chat' }), 404, /does not exist/],
  ['no message', chat({ message: undefined }), 400, /message: is required unless/],
  ['an empty message', chat({ message: '' }), 400, /message: /],
  ['a message beyond its bound', chat({ message: 'x'.repeat(200_001) }), 400, /message: .*200000/],
  ['no exchanges', chat({ exchanges: 0 }), 400, /exchanges: .*\(got 0\)/],
  ['17 exchanges', chat({ exchanges: 17 }), 400, /exchanges: .*16/],
  ['half an exchange', chat({ exchanges: 1.5 }), 400, /exchanges: /],
  ['an unknown mode', chat({ mode: 'quarrel' }), 400, /mode: .*"debate"/],
  [
    'a prompt outside its folder',
    chat({ promptA: '../../etc/passwd' }),
    400,
    /promptA: must be a prompt name/,
  ],
  ['a conversation that is no UUID', chat({ conversation_id: '1' }), 400, /conversation_id: /],
  ['an unknown field of a chat', chat({ modelC: 'x' }), 400, /'modelC'/],
  ['no job', () => post('/v1/jobs', {}), 400, /spec: /],
  ['an unknown kind of job', () => post('/v1/jobs', { spec: { kind: 'dig' } }), 400, /spec\.kind/],
  [
    'a batch of no texts',
    () => post('/v1/jobs', { spec: { kind: 'embed-batch', texts: [] } }),
    400,
    /spec\.texts/,
  ],
  ['a key without name', () => post('/admin/keys', { name: '' }), 400, /name: /],
  [
    'a key for an unknown scope',
    () => post('/admin/keys', { name: 'a', scopes: ['root'] }),
    400,
    /scopes\.0: .*"chat"/,
  ],
  [
    'a key of the past',
    () => post('/admin/keys', { name: 'a', expires_at: '2020-01-01T00:00:00Z' }),
    400,
    /must be in the future/,
  ],
  [
    'the end of an unknown key',
    () => g.ask(`/admin/keys/${uuid}`, { method: 'DELETE' }),
    404,
    /no key with the id/,
  ],
  [
    'the end of a key without UUID',
    () => g.ask('/admin/keys/1', { method: 'DELETE' }),
    400,
    /must be a UUID/,
  ],
  ['an unknown governance job', () => post('/admin/governance/dust/run', ''), 404, /no governance job dust/],
  ['a governance job in capitals', () => post('/admin/governance/DUST/run', ''), 400, /in lower case/],
];

describe.each<[string, Row[]]>([
  ['authentication', authentication],
  ['routing', routing],
  ['bodies', bodies],
  ['completions', completions],
  ['schemas', schemas],
  ['other requests', others],
])('refuses in words: %s', (_group, rows) => {
  test.each(rows)('%s', async (...row) => check(row));
});

test('is as well as before', async () => {
  const answer = await post('/v1/chat/completions', COMPLETION);
  expect(answer.status).toBe(200);
  const stats = await (await g.ask('/admin/stats')).json();
  expect(stats).toMatchObject({ error_ratio: 0 });
});

test('an unknown path points to pages that there are', async () => {
  const text = await (await g.ask('/v2/chat')).text();
  const pages = text.match(/docs\/[\w-]+\.md/g) ?? [];
  expect(pages.length).toBeGreaterThan(0);
  for (const page of pages) expect(existsSync(new URL(`../../../${page}`, import.meta.url))).toBe(true);
});
