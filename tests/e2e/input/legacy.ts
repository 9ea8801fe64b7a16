import { post, type Row, type Send, type Table } from './case.ts';
import { CHAT_MODEL, EMBEDDING_MODEL } from './surface.ts';

const prompt = (change: Record<string, unknown>): Send =>
  post('/v1/completions', { model: CHAT_MODEL, prompt: 'once', ...change });

const prompts: Row[] = [
  ['no prompt', prompt({ prompt: undefined }), 400, /^prompt/],
  ['a prompt of nothing', prompt({ prompt: '' }), 400, /^prompt/],
  ['no prompts', prompt({ prompt: [] }), 400, /^prompt/],
  ['65 prompts', prompt({ prompt: Array(65).fill('a') }), 400, /^prompt/],
  ['prompts of texts and tokens', prompt({ prompt: ['a', 1] }), 400, /^prompt/],
  [
    'tokens that are none',
    prompt({ prompt: [200_000] }),
    400,
    /^prompt: .*no token of cl100k_base.*text itself/,
  ],
  ['lists of tokens that are none', prompt({ prompt: [[1], [200_000]] }), 400, /^prompt\.1: .*no token/],
  ['a prompt that is an object', prompt({ prompt: { text: 'a' } }), 400, /^prompt/],
  ['a million tokens', prompt({ prompt: Array(1_000_000).fill(1) }), 400, /^prompt/],
  ['a prompt beyond its bound', prompt({ prompt: 'x'.repeat(1_000_001) }), 400, /^prompt: .*1000000/],
  ['a suffix', prompt({ suffix: 'the end' }), 400, /^suffix: is not offered.*Leave it out/],
  ['six log-probabilities', prompt({ logprobs: 6 }), 400, /^logprobs: must be at most 5/],
  ['log-probabilities by a switch', prompt({ logprobs: true }), 400, /^logprobs: must be/],
  ['log-probabilities that the model does not give', prompt({ logprobs: 1 }), 400, /log-probabilities/],
  ['n of none', prompt({ n: 0 }), 400, /^n: must be at least 1/],
  ['max_tokens of none', prompt({ max_tokens: 0 }), 400, /^max_tokens: must be at least 1/],
  ['an echo that is a text', prompt({ echo: 'yes' }), 400, /^echo: must be/],
  ['a field of chats', prompt({ messages: [] }), 400, /'messages'/],
  ['tools', prompt({ tools: [] }), 400, /'tools'/],
  ['no model', prompt({ model: undefined }), 400, /^model: is required/],
  ['an unknown model', prompt({ model: 'gpt-99' }), 404, /no model 'gpt-99'/],
  ['an unknown model, streamed', prompt({ model: 'gpt-99', stream: true }), 404, /no model 'gpt-99'/],
  ['an embedding model', prompt({ model: EMBEDDING_MODEL }), 400, /is for embedding, not for chat/],
  ['two prompts for a conversation of n', prompt({ model: 'mcp/dual', n: 2 }), 400, /^n: must be 1/],
];

const chat = (change: Record<string, unknown>): Send =>
  post('/v1/chat/completions', {
    model: CHAT_MODEL,
    messages: [{ role: 'user', content: 'hi' }],
    ...change,
  });
const f = { name: 'f' };
const result = (name: unknown, content: unknown = 'x') => ({ role: 'function', name, content });
const call = (given: unknown) => ({ role: 'assistant', content: null, function_call: given });

const functions: Row[] = [
  ['no functions', chat({ functions: [] }), 400, /^functions: must have at least 1/],
  ['functions that are an object', chat({ functions: f }), 400, /^functions: must be a list/],
  [
    '129 functions',
    chat({ functions: Array.from({ length: 129 }, (_, i) => ({ name: `f${i}` })) }),
    400,
    /128/,
  ],
  ['a function without a name', chat({ functions: [{}] }), 400, /^functions\.0\.name: is required/],
  ['a name with spaces', chat({ functions: [{ name: 'a b' }] }), 400, /^functions\.0\.name: must be 1 to 64/],
  ['a name twice', chat({ functions: [f, f] }), 400, /^functions\.1\.name: is the name of another/],
  [
    'a function that is a tool',
    chat({ functions: [{ type: 'function', function: f }] }),
    400,
    /functions\.0/,
  ],
  [
    'functions beside tools',
    chat({ functions: [f], tools: [{ type: 'function', function: f }] }),
    400,
    /^functions: stands beside tools/,
  ],
  [
    'a schema that points to nothing',
    chat({ functions: [{ ...f, parameters: { $ref: '#/x' } }] }),
    400,
    /^functions\.0\.parameters: .*points to no schema/,
  ],
  [
    'a call of no functions',
    chat({ function_call: { name: 'f' } }),
    400,
    /^function_call\.name: must be the name/,
  ],
  ...['g', '__proto__', 'constructor'].map(
    (name): Row => [
      `a call of ${name}, which is not there`,
      chat({ functions: [f], function_call: { name } }),
      400,
      /^function_call\.name: must be the name of one of the functions/,
    ],
  ),
  [
    'a call by a word of tools',
    chat({ functions: [f], function_call: 'required' }),
    400,
    /^function_call: must be/,
  ],
  [
    'a result of nothing',
    chat({ messages: [result('f')] }),
    400,
    /^messages\.0\.name: must be the function of/,
  ],
  ['a result without a name', chat({ messages: [result(undefined)] }), 400, /^messages\.0\.name/],
  [
    'a result that is a list',
    chat({ messages: [call({ name: 'f', arguments: '' }), result('f', [])] }),
    400,
    /^messages\.1\.content/,
  ],
  ['a call without arguments', chat({ messages: [call({ name: 'f' })] }), 400, /function_call\.arguments/],
  ['a call that is a text', chat({ messages: [call('f')] }), 400, /^messages\.0\.function_call/],
  [
    'a call beside calls of tools',
    chat({
      messages: [
        {
          ...call({ name: 'f', arguments: '{}' }),
          tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{}' } }],
        },
      ],
    }),
    400,
    /^messages\.0\.function_call: stands beside tool_calls/,
  ],
];

/** What the formats from before chats and tools refuse. */
export const legacy: Table = { 'POST /v1/completions': prompts, 'POST /v1/chat/completions': functions };
