import { post, type Row, type Send, type Table } from './case.ts';
import { CHAT_MODEL } from './surface.ts';

const PLAIN = { model: CHAT_MODEL, max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] };
const PIXEL = { type: 'base64', media_type: 'image/png', data: 'aGk=' };

const asked = (change: Record<string, unknown>): Send => post('/v1/messages', { ...PLAIN, ...change });
const block = (...content: unknown[]): Send => asked({ messages: [{ role: 'user', content }] });

const rows: Row[] = [
  [
    'no max_tokens',
    post('/v1/messages', { ...PLAIN, max_tokens: undefined }),
    400,
    /^max_tokens: is required/,
  ],
  ['max_tokens of none', asked({ max_tokens: 0 }), 400, /^max_tokens: must be at least 1/],
  ['a temperature of OpenAI', asked({ temperature: 1.5 }), 400, /^temperature: must be at most 1/],
  [
    'a system message among the messages',
    asked({ messages: [{ role: 'system', content: 'x' }] }),
    400,
    /role/,
  ],
  ['no message', asked({ messages: [] }), 400, /^messages: must have at least 1/],
  ['a place of Anthropic', asked({ inference_geo: 'eu' }), 400, /^inference_geo: .*header x-mcp-residency/],
  ['a container', asked({ container: 'c' }), 400, /^container: is not offered: code is not run here/],
  ['servers of tools', asked({ mcp_servers: [] }), 400, /^mcp_servers: is not offered: servers of tools/],
  ['a field of OpenAI', asked({ n: 2 }), 400, /'n'/],
  ['a misspelt field', asked({ stop_sequence: ['a'] }), 400, /'stop_sequence'/],
  ['a document', block({ type: 'document', source: PIXEL }), 400, /messages\.0\.content/],
  [
    'an image of another kind',
    block({ type: 'image', source: { ...PIXEL, media_type: 'image/tiff' } }),
    400,
    /media_type/,
  ],
  [
    'a tool of the server',
    asked({ tools: [{ type: 'web_search_20250305', name: 'web_search' }] }),
    400,
    /^tools\.0/,
  ],
  ['a tool without a schema', asked({ tools: [{ name: 'f' }] }), 400, /input_schema/],
  [
    'a choice of no tool',
    asked({ tools: [{ name: 'f', input_schema: { type: 'object' } }], tool_choice: { type: 'tool' } }),
    400,
    /name/,
  ],
  [
    'a choice of a tool that is not there',
    asked({
      tools: [{ name: 'f', input_schema: { type: 'object' } }],
      tool_choice: { type: 'tool', name: 'g' },
    }),
    400,
    /tool_choice/,
  ],
  [
    'a call whose input is a text',
    asked({
      messages: [{ role: 'assistant', content: [{ type: 'tool_use', id: '1', name: 'f', input: 'x' }] }],
    }),
    400,
    /input/,
  ],
  ['a model that is not there', asked({ model: 'none' }), 404, /none/],
];

/** What Anthropic's Messages API refuses. */
export const messages: Table = {
  'POST /v1/messages': rows,
  'POST /v1/messages/count_tokens': [
    ['max_tokens where nothing is written', post('/v1/messages/count_tokens', PLAIN), 400, /'max_tokens'/],
    [
      'a model that is not there',
      post('/v1/messages/count_tokens', { model: 'none', messages: PLAIN.messages }),
      404,
      /none/,
    ],
  ],
};
