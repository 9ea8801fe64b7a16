import { post, type Row, refusals, type Send, type Table } from './case.ts';
import { TOOL } from './routes.ts';
import { CHAT_MODEL, EMBEDDING_MODEL } from './surface.ts';

const PLAIN = { model: CHAT_MODEL, messages: [{ role: 'user', content: 'hi' }] };

const completion = (change: Record<string, unknown>): Send =>
  post('/v1/chat/completions', { ...PLAIN, ...change });
const message = (value: unknown): Send => completion({ messages: [value] });
const image = { type: 'image_url', image_url: { url: 'x' } };

/** Values out of range or of no meaning, a field each. */
const ranges = refusals(completion, [
  ['n', [0, 17, -1, 1.5, 1e308]],
  ['max_tokens', [0, -1, 0.5, 1_000_001]],
  ['max_completion_tokens', [0, -1, 0.5, 1_000_001]],
  ['temperature', [3, -0.1, 1e308]],
  ['top_p', [1.1, -0.1]],
  ['top_k', [-1, 0.5, 10_001]],
  ['min_p', [1.1, -1]],
  ['presence_penalty', [2.1, -2.1]],
  ['frequency_penalty', [2.1, -2.1]],
  ['top_logprobs', [21, -1, 0.5]],
  ['seed', [0.5, 2 ** 53, 1e300]],
  ['verbosity', ['loud', '']],
  ['tool_choice', ['always', '', '__proto__']],
]);

const lengths: Row[] = [
  ['model', 'm'.repeat(201), 200],
  ['model', '', 1],
  ['user', 'u'.repeat(513), 512],
  ['safety_identifier', 'u'.repeat(513), 512],
  ['prompt_cache_key', 'u'.repeat(513), 512],
  ['service_tier', 'u'.repeat(33), 32],
  ['reasoning_effort', 'u'.repeat(33), 32],
  ['stop', 's'.repeat(1001), 1000],
  ['stop', Array(17).fill('a'), 16],
  ['stop', ['s'.repeat(1001)], 1000],
  ['messages', [], 1],
  ['messages', Array(2049).fill(PLAIN.messages[0]), 2048],
  ['tools', [], 1],
  ['tools', Array.from({ length: 129 }, (_, i) => named(`f${i}`)), 128],
  ['metadata', Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, 'v'])), 16],
  ['metadata', { k: 'v'.repeat(513) }, 512],
  ['logit_bias', Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [i, 1])), 1024],
].map(
  ([field, value, bound], at): Row => [
    `${field} beyond its bound of ${bound} (${at})`,
    completion({ [field as string]: value }),
    400,
    new RegExp(`^${field}.*: .*${bound}`),
  ],
);

const rest: Row[] = [
  ['no model', completion({ model: undefined }), 400, /model: is required/],
  ['a model that is a number', completion({ model: 7 }), 400, /model: .*\(got 7\)/],
  ...[
    'gpt-99',
    'constructor',
    '__proto__',
    'toString',
    'hasOwnProperty',
    'valueOf',
    'mcp/trio',
    '../x',
    '\u0000',
  ].map(
    (model): Row => [
      `the model ${JSON.stringify(model)}`,
      completion({ model }),
      404,
      /There is no model '.*'. GET \/v1\/models lists: /,
    ],
  ),
  ['an unknown model, streamed', completion({ model: 'gpt-99', stream: true }), 404, /no model 'gpt-99'/],
  [
    'an embedding model',
    completion({ model: EMBEDDING_MODEL }),
    400,
    /is for embedding, not for chat. Choose one of/,
  ],
  ['messages that are a text', completion({ messages: 'hi' }), 400, /messages: must be a list/],
  ['an unknown role', message({ role: 'wizard', content: 'a' }), 400, /messages\.0\.role: must be 'system'/],
  [
    'a role of every object',
    message({ role: 'constructor', content: 'a' }),
    400,
    /messages\.0\.role: must be/,
  ],
  ['no role', message({ content: 'a' }), 400, /messages\.0\.role/],
  ['content that is a number', message({ role: 'user', content: 5 }), 400, /messages\.0\.content: /],
  ['no content', message({ role: 'user' }), 400, /messages\.0\.content/],
  ['content of no parts', message({ role: 'user', content: [] }), 400, /messages\.0\.content/],
  [
    '257 parts',
    message({ role: 'user', content: Array(257).fill({ type: 'text', text: 'a' }) }),
    400,
    /content: .*256/,
  ],
  [
    'a text beyond its bound',
    message({ role: 'user', content: 'x'.repeat(1_000_001) }),
    400,
    /content: .*1000000/,
  ],
  [
    'an unknown part',
    message({ role: 'user', content: [{ type: 'video' }] }),
    400,
    /messages\.0\.content\.0\.type/,
  ],
  [
    'an unknown field of a part',
    message({ role: 'user', content: [{ type: 'text', text: 'a', mood: 1 }] }),
    400,
    /'mood' in messages\.0\.content\.0/,
  ],
  ['an image from the system', message({ role: 'system', content: [image] }), 400, /messages\.0\.content/],
  [
    'an unknown detail of an image',
    message({ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x', detail: 'huge' } }] }),
    400,
    /detail: must be "auto"/,
  ],
  [
    'a name with spaces',
    message({ role: 'user', content: 'a', name: 'a b' }),
    400,
    /messages\.0\.name: must be 1 to 64/,
  ],
  ['a tool message without id', message({ role: 'tool', content: 'a' }), 400, /tool_call_id/],
  [
    'a call of no calls',
    message({ role: 'assistant', tool_calls: [] }),
    400,
    /tool_calls: must have at least 1/,
  ],
  [
    'a tool with spaces',
    completion({ tools: [named('a b')] }),
    400,
    /tools\.0\.function\.name: must be 1 to 64/,
  ],
  [
    'two tools of one name',
    completion({ tools: [named('f'), named('g'), named('f')] }),
    400,
    /tools\.2\.function\.name: is the name of another tool/,
  ],
  ['an unknown response format', completion({ response_format: { type: 'xml' } }), 400, /response_format/],
  ['a bias beyond its bound', completion({ logit_bias: { 5: 101 } }), 400, /logit_bias\.5: .*100/],
  ['a bias for no token', completion({ logit_bias: { word: 1 } }), 400, /logit_bias.*: must be .*token/],
  [
    'a bias for __proto__',
    post(
      '/v1/chat/completions',
      `{"model":"${CHAT_MODEL}","messages":[{"role":"user","content":"a"}],"logit_bias":{"__proto__":1}}`,
    ),
    400,
    /'__proto__' in logit_bias/,
  ],
  [
    'tools for an alias',
    completion({ model: 'mcp/dual', tools: [TOOL] }),
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
    completion({ model: 'mcp/dual', messages: [{ role: 'user', content: [image] }] }),
    400,
    /text only/,
  ],
];

function named(name: string, parameters: unknown = { type: 'object' }): unknown {
  return { type: 'function', function: { name, parameters } };
}

const format = (schema: unknown): Send =>
  completion({ response_format: { type: 'json_schema', json_schema: { name: 's', schema } } });
const deep = (levels: number): unknown => (levels === 0 ? {} : { type: 'array', items: deep(levels - 1) });
const words = (count: number) => Array.from({ length: count }, (_, i) => `word ${i}`);
const choose = (name: string) => ({ type: 'function', function: { name } });

const schemas: Row[] = [
  ['5,000 words', format({ enum: words(5000) }), 400, /schema: must have at most 1000 enum values/],
  [
    '5,000 words in many lists',
    format({ anyOf: Array.from({ length: 50 }, () => ({ enum: words(100) })) }),
    400,
    /at most 1000 enum values/,
  ],
  [
    '5,000 words in a tool',
    completion({ tools: [named('f', { properties: { a: { enum: words(5000) } } })] }),
    400,
    /tools\.0\.function\.parameters: must have at most 1000 enum values/,
  ],
  ['40 levels', format(deep(40)), 400, /must nest at most 32 schemas/],
  ['60 levels', format(deep(57)), 400, /must nest at most 32 schemas/],
  ['more levels than JSON may have', format(deep(70)), 400, /deeper than 64 levels/],
  [
    '6,000 schemas',
    format({ anyOf: Array.from({ length: 6000 }, () => ({})) }),
    400,
    /must have at most 5000 schemas/,
  ],
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
  ['a reference to __proto__', format({ $ref: '#/__proto__' }), 400, /points to no schema/],
  ['a reference with a broken escape', format({ $ref: '#/%zz' }), 400, /points to no schema/],
  ['a reference elsewhere', format({ $ref: 'https://example.com/a.json' }), 400, /points to no schema/],
  ...[
    { type: 7 },
    { type: 'text' },
    { type: ['string', 'constructor'] },
    { properties: [] },
    { properties: { a: 1 } },
    { enum: 'a' },
    { required: 'a' },
    { required: [1] },
    { anyOf: {} },
    { anyOf: [null] },
    { items: 'string' },
    { $ref: 1 },
    { $defs: 'a' },
  ].map(
    (schema): Row => [
      `the schema ${JSON.stringify(schema)}`,
      format(schema),
      400,
      /json_schema\.schema: must have /,
    ],
  ),
  ['a schema that is a list', format([]), 400, /schema: must be an object/],
  [
    'a reference to nothing in a tool',
    completion({ tools: [named('f', { properties: { a: { $ref: '#/x' } } })] }),
    400,
    /tools\.0\.function\.parameters: .*points to no schema/,
  ],
  ...['g', 'constructor', '__proto__', 'F'].map(
    (name): Row => [
      `a choice of the tool ${name}, which is not there`,
      completion({ tools: [named('f')], tool_choice: choose(name) }),
      400,
      new RegExp(`tool_choice\\.function\\.name: must be the name of one of the tools \\(got "${name}"\\)`),
    ],
  ),
  [
    'a call of no tools',
    completion({ tool_choice: 'required' }),
    400,
    /tool_choice: .*tools has no function/,
  ],
  ['a choice among no tools', completion({ tool_choice: choose('f') }), 400, /tool_choice: .*no function/],
];

const embed = (change: Record<string, unknown>): Send =>
  post('/v1/embeddings', { model: EMBEDDING_MODEL, input: 'x', ...change });

const embeddings: Row[] = [
  ['nothing', embed({ input: '' }), 400, /input/],
  ['no texts', embed({ input: [] }), 400, /input/],
  ['an empty text among others', embed({ input: ['a', ''] }), 400, /input\.1/],
  ['tokens that are none', embed({ input: [1, 200_000] }), 400, /input: .*no token of cl100k_base/],
  ['lists of tokens that are none', embed({ input: [[1], [299_999]] }), 400, /input\.1: .*no token/],
  ['a token beyond all vocabularies', embed({ input: [300_001] }), 400, /input/],
  ['half a token', embed({ input: [0.5] }), 400, /input/],
  ['a token below none', embed({ input: [-1] }), 400, /input/],
  ['texts and tokens', embed({ input: ['a', 1] }), 400, /input/],
  ['lists of texts', embed({ input: [['a']] }), 400, /input/],
  ['a list of no tokens', embed({ input: [[]] }), 400, /input/],
  ['32,769 tokens', embed({ input: Array(32_769).fill(1) }), 400, /input/],
  ['2,049 lists of tokens', embed({ input: Array(2049).fill([1]) }), 400, /input/],
  ['300,000 numbers', embed({ input: Array(300_000).fill(1) }), 400, /input/],
  [
    'tokens of more text than a body holds',
    embed({ input: Array(80).fill(Array(1000).fill(58040)) }),
    413,
    /input: .*4194304 characters/,
  ],
  ['no input', embed({ input: undefined }), 400, /input/],
  ['2,049 texts', embed({ input: Array(2049).fill('a') }), 400, /input: .*2048/],
  ['a text beyond its bound', embed({ input: 'x'.repeat(200_001) }), 400, /input: .*200000/],
  ...[0, -1, 1.5, 10_001].map(
    (dimensions): Row => [`${dimensions} dimensions`, embed({ dimensions }), 400, /dimensions: must /],
  ),
  [
    'hexadecimal numbers',
    embed({ encoding_format: 'hex' }),
    400,
    /encoding_format: must be "float" or "base64"/,
  ],
  ['a user beyond its bound', embed({ user: 'u'.repeat(513) }), 400, /user: .*512/],
  ['no model', embed({ model: undefined }), 400, /model: is required/],
  ...['constructor', '__proto__', 'toString', 'mcp/dual'].map(
    (model): Row => [`the model ${model}`, embed({ model }), 404, /There is no model '.*'. GET/],
  ),
  ['a chat model', embed({ model: CHAT_MODEL }), 400, /is for chat, not for embedding. Choose one of/],
];

export const completions: Table = {
  'POST /v1/chat/completions': [...ranges, ...lengths, ...rest, ...schemas],
  'POST /v1/embeddings': embeddings,
};
