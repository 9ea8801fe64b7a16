import { get, post, type Row, refusals, type Send, type Table, UNKNOWN_ID } from './case.ts';
import { CHAT_MODEL } from './surface.ts';

const chat = (change: Record<string, unknown>): Send => post('/chat', { message: 'hi', ...change });
const job = (spec: unknown, rest: object = {}): Send => post('/v1/jobs', { spec, ...rest });
const key = (change: Record<string, unknown>): Send => post('/admin/keys', { name: 'a', ...change });
const as =
  (headers: Record<string, string>): Send =>
  (s) =>
    fetch(`${s.url}/v1/models`, { headers });
const by =
  (who: (s: Parameters<Send>[0]) => string): Send =>
  (s) =>
    s.ask('/v1/models', { headers: { 'x-api-key': who(s) } });

const credentials: Row[] = [
  ['basic authentication', as({ authorization: 'Basic YTpi' }), 401, /not "Bearer <key>"/],
  ['a bearer without a key', as({ authorization: 'Bearer' }), 401, /not "Bearer <key>"/],
  ['two keys in one header', as({ authorization: 'Bearer a b' }), 401, /not "Bearer <key>"/],
  ['an empty key', as({ 'x-api-key': '' }), 401, /credential is empty/],
  ['an unknown key in api-key', as({ 'api-key': 'sk-1' }), 401, /not known here/],
  ['an unknown key in x-goog-api-key', as({ 'x-goog-api-key': 'AIza' }), 401, /not known here/],
  ['constructor as key', as({ 'x-api-key': 'constructor' }), 401, /not known here/],
  ['a key beyond its bound', as({ authorization: `Bearer ${'a'.repeat(9000)}` }), 401, /longer than 8192/],
  ['a token where none are accepted', as({ authorization: 'Bearer a.b.c' }), 401, /not known here/],
  ['a revoked key', by(({ ended }) => ended.revoked), 401, /revoked/],
  ['an expired key', by(({ ended }) => ended.expired), 401, /expired/],
];

const ranges = refusals(chat, [
  ['exchanges', [0, 17, -1, 1.5]],
  ['max_tokens_per_turn', [0, -1, 4097, 0.5]],
  ['temperature', [-1, 2.1]],
  ['seed', [0.5, 1e300]],
  ['mode', ['quarrel', '', 'constructor']],
  ['on_disconnect', ['hang', '']],
  ['promptA', ['../../etc/passwd', '', 'A', '__proto__', 'a'.repeat(65)]],
  ['promptB', ['a b', 'é']],
  ['conversation_id', ['1', '', `${UNKNOWN_ID} `]],
]);

const chats: Row[] = [
  ...ranges,
  ['no message', chat({ message: undefined }), 400, /message: is required unless/],
  ['an empty message', chat({ message: '' }), 400, /message: /],
  ['a message beyond its bound', chat({ message: 'x'.repeat(200_001) }), 400, /message: .*200000/],
  [
    'a duplicate field, the last one wrong',
    post('/chat', '{"message":"a","message":7}'),
    400,
    /message: must be a text/,
  ],
  ['an unknown field', chat({ modelC: 'x' }), 400, /'modelC'/],
  ['an empty model', chat({ modelA: '' }), 400, /modelA: /],
  ['a model beyond its bound', chat({ modelB: 'm'.repeat(201) }), 400, /modelB: .*200/],
  ...['nobody', 'constructor', '__proto__', 'toString'].flatMap((model): Row[] => [
    [`${model} as modelA`, chat({ modelA: model }), 404, /no (chat )?model '.*'. GET/],
    [
      `${model} as modelB, streamed`,
      chat({ modelB: model, stream: true }),
      404,
      /no (chat )?model '.*'. GET/,
    ],
  ]),
  ...[
    ['a graph that nobody knows', { mode: 'mcp/nobody' }, /^mode: must be debate, .*no 'mcp\/nobody'/],
    ['exchanges of a graph', { mode: 'council', exchanges: 2 }, /^exchanges: is for conversations in turns/],
    ['no exchanges of a graph', { mode: 'council', exchanges: 0 }, /^exchanges: must /],
    [
      'a negative budget of a graph',
      { mode: 'council', max_tokens_per_turn: -5 },
      /^max_tokens_per_turn: must/,
    ],
    [
      'a side of a graph',
      { mode: 'mcp/debate', modelA: CHAT_MODEL },
      /^modelA: is for conversations in turns/,
    ],
    ['a node that is none', { mode: 'council', participants: [{ id: 'x' }] }, /x is no node of mcp\/council/],
  ].map(
    ([name, change, message]): Row => [
      String(name),
      chat(change as object as Record<string, unknown>),
      400,
      message as RegExp,
    ],
  ),
  [
    '10 MB of a question for a graph',
    chat({ mode: 'council', message: 'x'.repeat(10_000_000) }),
    413,
    /larger than/,
  ],
  ['an unknown prompt', chat({ promptA: 'nobody_wrote_this' }), 400, /promptA/],
  ['a prompt of every object', chat({ promptB: 'constructor' }), 400, /promptB/],
  ['an unknown conversation', chat({ conversation_id: UNKNOWN_ID }), 404, /no conversation/],
  [
    'a conversation of somebody else',
    (s) =>
      s.ask('/chat', {
        method: 'POST',
        headers: { 'x-api-key': s.keys.chat },
        body: JSON.stringify({ message: 'hi', conversation_id: s.conversation }),
      }),
    404,
    /no conversation/,
  ],
  ...['soon', '0', '-5', '1.5', '1e3', '9999999999'].map(
    (ms): Row => [
      `a timeout of ${ms}`,
      post('/chat', { message: 'hi' }, { 'x-mcp-timeout-ms': ms }),
      400,
      /whole milliseconds/,
    ],
  ),
];

const OTHERS_CONVERSATION: Send = (s) =>
  s.ask(`/v1/conversations/${s.conversation}`, { headers: { 'x-api-key': s.keys.chat } });

const jobs: Row[] = [
  ['no spec', post('/v1/jobs', {}), 400, /spec: /],
  ['an unknown kind', job({ kind: 'dig' }), 400, /spec\.kind/],
  ['a kind of every object', job({ kind: 'constructor' }), 400, /spec\.kind/],
  ['no kind', job({ texts: ['a'] }), 400, /spec\.kind/],
  ['a batch of no texts', job({ kind: 'embed-batch', texts: [] }), 400, /spec\.texts/],
  ['an empty text', job({ kind: 'embed-batch', texts: [''] }), 400, /spec\.texts\.0/],
  ['2,049 texts', job({ kind: 'embed-batch', texts: Array(2049).fill('a') }), 400, /spec\.texts: .*2048/],
  [
    'a text beyond its bound',
    job({ kind: 'embed-batch', texts: ['x'.repeat(20_001)] }),
    400,
    /texts\.0: .*20000/,
  ],
  ['no texts at all', job({ kind: 'embed-batch' }), 400, /spec\.texts: is required/],
  ['a field of another kind', job({ kind: 'export', texts: ['a'] }), 400, /'texts' in spec/],
  ['an unknown format', job({ kind: 'export', format: 'csv' }), 400, /spec\.format: must be "jsonl"/],
  ['an export of no conversations', job({ kind: 'export', conversation_ids: [] }), 400, /conversation_ids/],
  [
    'an export of what is no UUID',
    job({ kind: 'export', conversation_ids: ['1'] }),
    400,
    /conversation_ids\.0: must be a UUID/,
  ],
  ['a summary of nothing', job({ kind: 'summarize-conversation' }), 400, /conversation_id: is required/],
  [
    'a summary of what is no UUID',
    job({ kind: 'summarize-conversation', conversation_id: 'x' }),
    400,
    /conversation_id: must be a UUID/,
  ],
  [
    'a model beyond its bound',
    job({ kind: 'embed-batch', texts: ['a'], model: 'm'.repeat(201) }),
    400,
    /spec\.model: .*200/,
  ],
  ['an empty idempotency_key', job({ kind: 'export' }, { idempotency_key: '' }), 400, /idempotency_key: /],
  [
    'an idempotency_key beyond its bound',
    job({ kind: 'export' }, { idempotency_key: 'k'.repeat(201) }),
    400,
    /idempotency_key: .*200/,
  ],
];

const keys: Row[] = [
  ['no name', post('/admin/keys', {}), 400, /name: is required/],
  ['an empty name', key({ name: '' }), 400, /name: /],
  ['a name beyond its bound', key({ name: 'n'.repeat(129) }), 400, /name: .*128/],
  ['an unknown scope', key({ scopes: ['root'] }), 400, /scopes\.0: .*"chat"/],
  ['a scope of every object', key({ scopes: ['constructor'] }), 400, /scopes\.0: .*"chat"/],
  ['no scopes', key({ scopes: [] }), 400, /scopes: /],
  ['five scopes', key({ scopes: Array(5).fill('chat') }), 400, /scopes: .*4/],
  ['a key of the past', key({ expires_at: '2020-01-01T00:00:00Z' }), 400, /must be in the future/],
  ...['soon', '2026-02-30T00:00:00Z', '2099-01-01', '2099-01-01T00:00:00', ''].map(
    (expires_at): Row => [
      `a key until ${expires_at || 'nothing'}`,
      key({ expires_at }),
      400,
      /expires_at: must be a time/,
    ],
  ),
];

const events =
  (header: string): Send =>
  (s) =>
    s.ask(`/v1/conversations/${s.conversation}/events`, { headers: { 'last-event-id': header } });

const traces: Row[] = ['A'.repeat(32), 'a'.repeat(31), 'g'.repeat(32), 'constructor', '%00', '%ff'].map(
  (id): Row => [`the trace ${id.slice(0, 12)}`, get(`/v1/traces/${id}`), 400, /32 hex digits in lower case/],
);

export const others: Table = {
  'GET /v1/models': credentials,
  'GET /v1/models/:id{.+}': ['nobody/knows', 'constructor', '__proto__', '%00', 'a'.repeat(300), '%ff'].map(
    (id): Row => [`the model ${id.slice(0, 20)}`, get(`/v1/models/${id}`), 404, /no (chat )?model '.*'. GET/],
  ),
  'POST /chat': chats,
  'POST /v1/jobs': jobs,
  'POST /admin/keys': keys,
  'GET /v1/conversations/:id': [['of somebody else', OTHERS_CONVERSATION, 404, /no conversation/]],
  'GET /v1/conversations/:id/events': ['x', '-1', '1.5', '1e3', '9'.repeat(16), '0x1', '1, 2', 'NaN'].map(
    (id): Row => [`Last-Event-ID: ${id}`, events(id), 400, /Last-Event-ID: must be the id of an event/],
  ),
  'GET /v1/traces/:trace_id': [
    ...traces,
    ['an unknown trace', get(`/v1/traces/${'a'.repeat(32)}`), 404, /no trace/],
    [
      'of somebody else',
      (s) => s.ask(`/v1/traces/${s.trace}`, { headers: { 'x-api-key': s.keys.chat } }),
      404,
      /no trace/,
    ],
  ],
  'GET /v1/jobs/:id': [
    [
      'an unknown job as events',
      get(`/v1/jobs/${UNKNOWN_ID}`, { accept: 'text/event-stream' }),
      404,
      /no job/,
    ],
    [
      'of somebody else',
      (s) => s.ask(`/v1/jobs/${s.job}`, { headers: { 'x-api-key': s.keys.jobs } }),
      404,
      /no job/,
    ],
  ],
  'POST /v1/jobs/:id/retry': [
    ['what is not dead', (s) => s.ask(`/v1/jobs/${s.job}/retry`, { method: 'POST' }), 409, /Only a dead job/],
  ],
  'POST /v1/jobs/:id/cancel': [
    [
      'what has ended',
      (s) => s.ask(`/v1/jobs/${s.job}/cancel`, { method: 'POST' }),
      409,
      /is completed already/,
    ],
  ],
  'POST /v1/conversations/:id/cancel': [
    [
      'what has ended',
      (s) => s.ask(`/v1/conversations/${s.conversation}/cancel`, { method: 'POST' }),
      409,
      /completed/,
    ],
  ],
  'POST /admin/governance/:job/run': [
    [
      'an unknown job',
      post('/admin/governance/dust/run', ''),
      404,
      /no governance job 'dust'. There are: log-check/,
    ],
    [
      'a job of every object',
      post('/admin/governance/constructor/run', ''),
      404,
      /no governance job 'constructor'/,
    ],
    ...['DUST', '__proto__', '%00', 'a'.repeat(65), '%ff'].map(
      (name): Row => [
        `the job ${name.slice(0, 12)}`,
        post(`/admin/governance/${name}/run`, ''),
        400,
        /in lower case/,
      ],
    ),
  ],
  'POST /admin/provenance/keys': [
    [
      'a key that there is not',
      post('/admin/provenance/keys', { change: 'revoke', key_id: 'a'.repeat(64), reason: 'it leaked' }),
      404,
      /The key history has no key aaaaaaaaaaaa…/,
    ],
    [
      'a roll back of the first key',
      post('/admin/provenance/keys', { change: 'roll_back' }),
      409,
      /There is no key to roll back to/,
    ],
  ],
  'GET /metrics': [
    ['from far away', get('/metrics', { 'x-forwarded-for': '203.0.113.7' }), 401, /callers on the same host/],
  ],
  'GET /assets/:name': ['..%2f..%2fpackage.json', '.env', '%00', 'constructor', 'a'.repeat(300), '%ff'].map(
    (name): Row => [`the file ${name.slice(0, 12)}`, get(`/assets/${name}`), 404, /no such file/],
  ),
  nowhere: [
    ['an unknown path', get('/v2/chat'), 404, /nothing at GET \/v2\/chat/],
    ['a route of another service', get('/internal/jobs'), 404, /nothing at GET \/internal\/jobs/],
    ['__proto__ as a path', get('/__proto__'), 404, /nothing at GET \/__proto__/],
    ['a slash too many', get('/v1/models/'), 404, /nothing at GET/],
    ['two slashes', get('//v1/models'), 404, /nothing at GET/],
    ['broken escapes', get('/%zz/%'), 404, /nothing at GET/],
    ['OPTIONS without CORS', (s) => s.ask('/chat', { method: 'OPTIONS' }), 405, /OPTIONS is not offered/],
  ],
};
