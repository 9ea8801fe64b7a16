import { get, post, type Row, refusals, type Send, type Table } from './case.ts';
import { NO_COMPLETION, NO_RESPONSE } from './routes.ts';
import { CHAT_MODEL } from './surface.ts';

const asked = (change: Record<string, unknown>): Send =>
  post('/v1/responses', { model: CHAT_MODEL, input: 'hi', ...change });
const item = (value: unknown): Send => asked({ input: [value] });
const tool = (change: Record<string, unknown>): Send =>
  asked({ tools: [{ type: 'function', name: 'f', ...change }] });
const FUNCTION = { type: 'function', name: 'f' };

const notOffered: Row[] = [
  ['background', { background: true }],
  ['conversation', { conversation: 'conv_1' }],
  ['prompt', { prompt: { id: 'pmpt_1' } }],
  ['context_management', { context_management: [{ type: 'compaction' }] }],
  ['moderation', { moderation: { model: 'x' } }],
].map(
  ([field, change]): Row => [
    `${field}, which is not offered`,
    asked(change as Record<string, unknown>),
    400,
    new RegExp(`^${field}: is not offered: `),
  ],
);

const hosted: Row[] = [
  'web_search',
  'file_search',
  'code_interpreter',
  'mcp',
  'custom',
  'constructor',
  '',
].map(
  (type): Row => [
    `a tool of the type ${type || 'nothing'}`,
    tool({ type }),
    400,
    /^tools\.0\.type: must be "function": tools that OpenAI's servers run/,
  ],
);

const ranges = refusals(asked, [
  ['temperature', [3, -0.1]],
  ['top_p', [1.1, -0.1]],
  ['max_output_tokens', [0, -1, 0.5, 1_000_001]],
  ['max_tool_calls', [0, 0.5]],
  ['top_logprobs', [21, -1, 0.5]],
  ['truncation', ['middle', '__proto__']],
  ['tool_choice', ['always', '', '__proto__']],
  ['previous_response_id', ['resp_1', 'chatcmpl-1', '', `${NO_RESPONSE} `, '../x', '\u0000']],
]);

const lengths: Row[] = [
  ['model', 'm'.repeat(201), 200],
  ['user', 'u'.repeat(513), 512],
  ['input', 'i'.repeat(1_000_001), 1_000_000],
  ['input', Array(2049).fill({ role: 'user', content: 'a' }), 2048],
  ['tools', Array.from({ length: 129 }, (_, i) => ({ ...FUNCTION, name: `f${i}` })), 128],
  ['metadata', Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, 'v'])), 16],
  ['metadata', { k: 'v'.repeat(513) }, 512],
].map(
  ([field, value, bound], at): Row => [
    `${field} beyond its bound of ${bound} (${at})`,
    asked({ [field as string]: value }),
    400,
    new RegExp(`^${field}.*${bound}`),
  ],
);

const rows: Row[] = [
  ...notOffered,
  ...hosted,
  ...ranges,
  ...lengths,
  ['no input', asked({ input: undefined }), 400, /^input: is required/],
  ['an empty input', asked({ input: '' }), 400, /^input: is required/],
  ['no items', asked({ input: [] }), 400, /^input: is required/],
  ['a misspelt field', asked({ max_tokens: 5 }), 400, /'max_tokens'/],
  [
    'an item of a hosted tool',
    item({ type: 'web_search_call', id: 'ws_1' }),
    400,
    /^input\.0\.type: must be message/,
  ],
  ['an item of every object', item({ type: 'constructor' }), 400, /^input\.0\.type: must be message/],
  ['an item that is a list', item([]), 400, /^input\.0/],
  ['a message of nobody', item({ role: 'robot', content: 'x' }), 400, /^input\.0\.role: must be /],
  [
    'a file',
    item({ role: 'user', content: [{ type: 'input_file', file_id: 'f' }] }),
    400,
    /^input\.0\.content\.0/,
  ],
  [
    'a picture that is a file',
    item({ role: 'user', content: [{ type: 'input_image', file_id: 'f' }] }),
    400,
    /^input\.0\.content\.0\.(image_url: is required|file_id: is not offered)/,
  ],
  [
    'a picture of the system',
    item({ role: 'system', content: [{ type: 'input_image', image_url: 'data:,' }] }),
    400,
    /^input\.0\.content\.0: is a picture of the system/,
  ],
  [
    'a result of no call',
    item({ type: 'function_call_output', call_id: 'c', output: 'x' }),
    400,
    /^input: no tool call found .* call_id c\./,
  ],
  ['thoughts alone', item({ type: 'reasoning', summary: [] }), 400, /^input: has nothing/],
  [
    'a reference to nothing',
    item({ type: 'item_reference', id: 'msg_1' }),
    404,
    /^input\.0: there is no item msg_1/,
  ],
  [
    'a reference to an item of nobody',
    item({ id: `msg_${NO_RESPONSE.slice(5)}o000` }),
    404,
    /^input\.0: there is no item msg_0/,
  ],
  [
    'two tools of one name',
    asked({ tools: [FUNCTION, FUNCTION] }),
    400,
    /^tools\.1\.name: is the name of another/,
  ],
  ['a call that is required of nothing', asked({ tool_choice: 'required' }), 400, /^tool_choice: asks for/],
  [
    'a choice of a tool that is not there',
    asked({ tools: [FUNCTION], tool_choice: { type: 'function', name: 'g' } }),
    400,
    /^tool_choice: must name/,
  ],
  [
    'a schema without a schema',
    asked({ text: { format: { type: 'json_schema', name: 's' } } }),
    400,
    /^text\.format\.schema: is required/,
  ],
  [
    'a schema that is none',
    asked({ text: { format: { type: 'json_schema', name: 's', schema: { type: 'thing' } } } }),
    400,
    /^text\.format\.schema: must have JSON types/,
  ],
  ['something that cannot be included', asked({ include: ['everything'] }), 400, /^include\.0: must be /],
  ['a model that is not there', asked({ model: 'none' }), 404, /none/],
  [
    'a response before that is not there',
    asked({ previous_response_id: NO_RESPONSE }),
    404,
    /^previous_response_id: there/,
  ],
  [
    'a tool for two models',
    asked({ model: 'mcp/dual', tools: [FUNCTION] }),
    400,
    /^tools: is not supported with mcp\/dual/,
  ],
];

const ODD_IDS = ['constructor', '__proto__', '%00', '%ff', 'a'.repeat(300), "x'%20or%201=1"];
const LIMITS = ['many', '0', '-1', '1.5', '101', '1e2', '', '٣'];

/** What every route to one stored thing refuses. */
function stored(path: string, unknown: string, what: RegExp): Row[] {
  return [
    ['what is not there', get(`${path}/${unknown}`), 404, what],
    ...ODD_IDS.map((id): Row => [`the id ${id.slice(0, 12)}`, get(`${path}/${id}`), 404, what]),
  ];
}

function pages(path: string): Row[] {
  return [
    ...LIMITS.map(
      (limit): Row => [
        `a limit of ${limit || 'nothing'}`,
        get(`${path}?limit=${encodeURIComponent(limit)}`),
        400,
        /^limit: must be a whole number from 1 to 100/,
      ],
    ),
    ['an order of its own', get(`${path}?order=random`), 400, /^order: must be "asc" or "desc"/],
    ['an order given twice', get(`${path}?order=asc&order=asc`), 400, /^order: is given twice/],
    ['a limit as a list', get(`${path}?limit[]=5`), 400, /^limit: must be a text/],
    ['a place beyond its bound', get(`${path}?after=${'x'.repeat(201)}`), 400, /^after: .*200/],
  ];
}

const completions = '/v1/chat/completions';

/** What OpenAI's Responses API and the routes of stored completions refuse. */
export const responses: Table = {
  'POST /v1/responses': rows,
  'POST /v1/responses/input_tokens': [
    [
      'a field of a response',
      post('/v1/responses/input_tokens', { model: CHAT_MODEL, input: 'a', store: true }),
      400,
      /'store'/,
    ],
    [
      'a model that is not there',
      post('/v1/responses/input_tokens', { model: 'none', input: 'a' }),
      404,
      /none/,
    ],
  ],
  'GET /v1/responses/:id': [
    ...stored('/v1/responses', NO_RESPONSE, /There is no response/),
    [
      'a stream of what is over',
      get(`/v1/responses/${NO_RESPONSE}?stream=true`),
      400,
      /^stream: must be false/,
    ],
    [
      'something that cannot be included',
      get(`/v1/responses/${NO_RESPONSE}?include[]=all`),
      400,
      /^include\.0: must be/,
    ],
    ['includes by name', get(`/v1/responses/${NO_RESPONSE}?include[a]=b`), 400, /^include: must be a list/],
  ],
  'GET /v1/responses/:id/input_items': [
    ...pages(`/v1/responses/${NO_RESPONSE}/input_items`),
    [
      'of a response that is not there',
      get(`/v1/responses/${NO_RESPONSE}/input_items`),
      404,
      /There is no response/,
    ],
  ],
  'POST /v1/responses/compact': [
    [
      'a list of items',
      post('/v1/responses/compact', { model: CHAT_MODEL, input: [] }),
      400,
      /^Items are not compacted here\. Send fewer of them to POST \/v1\/responses/,
    ],
  ],
  'POST /v1/responses/:id/cancel': [
    [
      'of a response that is not there',
      post(`/v1/responses/${NO_RESPONSE}/cancel`, ''),
      404,
      /There is no response/,
    ],
  ],
  [`GET ${completions}`]: [
    ...pages(completions),
    [
      'a place that is not there',
      get(`${completions}?after=${NO_COMPLETION}`),
      404,
      /no stored chat completion/,
    ],
    ...ODD_IDS.map(
      (id): Row => [
        `a place of ${id.slice(0, 12)}`,
        get(`${completions}?after=${id.slice(0, 150)}`),
        404,
        /no stored/,
      ],
    ),
    [
      'a model of control characters',
      get(`${completions}?model=%00`),
      400,
      /^model: must be the id of a model/,
    ],
    ['metadata that is no object', get(`${completions}?metadata=a`), 400, /^metadata: must be an object/],
    ['metadata that is a list', get(`${completions}?metadata[]=a`), 400, /^metadata: must be an object/],
    [
      'metadata given twice',
      get(`${completions}?metadata[a]=1&metadata[a]=2`),
      400,
      /^metadata\[a\]: is given twice/,
    ],
    [
      'metadata beyond its bound',
      get(`${completions}?metadata[a]=${'x'.repeat(513)}`),
      400,
      /^metadata\.a: .*512/,
    ],
    [
      '17 pairs of metadata',
      get(`${completions}?${Array.from({ length: 17 }, (_, i) => `metadata[k${i}]=v`).join('&')}`),
      400,
      /^metadata: must have at most 16/,
    ],
  ],
  [`GET ${completions}/:id`]: stored(completions, NO_COMPLETION, /There is no stored chat completion/),
  [`GET ${completions}/:id/messages`]: [
    ...pages(`${completions}/${NO_COMPLETION}/messages`),
    [
      'of a completion that is not there',
      get(`${completions}/${NO_COMPLETION}/messages`),
      404,
      /no stored chat/,
    ],
  ],
  [`POST ${completions}/:id`]: [
    ['no metadata', post(`${completions}/${NO_COMPLETION}`, {}), 400, /^metadata: /],
    [
      'metadata of numbers',
      post(`${completions}/${NO_COMPLETION}`, { metadata: { a: 1 } }),
      400,
      /^metadata\.a: must be a text/,
    ],
    [
      'a completion that is not there',
      post(`${completions}/${NO_COMPLETION}`, { metadata: {} }),
      404,
      /no stored chat/,
    ],
  ],
};
