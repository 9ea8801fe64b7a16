import type { Scope } from '@mcp/contracts';
import { UNKNOWN_ID } from './case.ts';
import { CHAT_MODEL, EMBEDDING_MODEL, type Surface } from './surface.ts';

/** What a route takes: enough to ask it well, and so to ask it wrongly in one place at a time. */
export interface Sample {
  /** Undefined: for everybody. */
  readonly scope?: Scope;
  readonly path: (surface: Surface) => string;
  /** A JSON body with every field that it knows. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** True where it is refused whatever its body says, which is not read. */
  readonly any_body?: true;
  readonly query?: readonly string[];
  /** True where an id in the path is a UUID. */
  readonly uuid?: true;
}

export const TOOL = {
  type: 'function',
  function: { name: 'f', description: 'd', parameters: { type: 'object' }, strict: false },
};

/** How tokens are drawn, for either format of completions. */
const SAMPLING = {
  temperature: 1,
  top_p: 1,
  top_k: 5,
  min_p: 0,
  seed: 1,
  presence_penalty: 0,
  frequency_penalty: 0,
  logit_bias: { 1: 2 },
};

const COMPLETION = {
  model: CHAT_MODEL,
  messages: [
    { role: 'system', content: 'be brief' },
    { role: 'user', content: [{ type: 'text', text: 'hi' }], name: 'ann' },
    {
      role: 'assistant',
      content: 'so',
      refusal: 'no',
      reasoning_content: 'hm',
      tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{}' } }],
    },
    { role: 'tool', content: 'x', tool_call_id: '1' },
  ],
  stream: false,
  stream_options: { include_usage: true },
  n: 1,
  stop: ['a'],
  max_tokens: 5,
  max_completion_tokens: 5,
  ...SAMPLING,
  logprobs: false,
  top_logprobs: 0,
  response_format: { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object' } } },
  tools: [TOOL],
  tool_choice: 'auto',
  parallel_tool_calls: true,
  reasoning_effort: 'low',
  user: 'u',
  safety_identifier: 'u',
  prompt_cache_key: 'k',
  service_tier: 'auto',
  store: false,
  metadata: { a: 'b' },
  verbosity: 'low',
};

const PROMPT_COMPLETION = {
  model: CHAT_MODEL,
  prompt: ['once upon', 'a time'],
  suffix: null,
  echo: true,
  stream: false,
  stream_options: { include_usage: true },
  n: 1,
  stop: ['a'],
  max_tokens: 5,
  ...SAMPLING,
  user: 'u',
};

const CHAT = {
  modelA: CHAT_MODEL,
  modelB: CHAT_MODEL,
  promptA: 'base_system',
  promptB: 'base_system',
  exchanges: 1,
  message: 'hi',
  mode: 'debate',
  stream: false,
  max_tokens_per_turn: 7,
  temperature: 0.5,
  seed: 1,
  on_disconnect: 'cancel',
};

const ANTHROPIC_ASKED = {
  model: CHAT_MODEL,
  messages: [
    { role: 'user', content: [{ type: 'text', text: 'hi' }] },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'hm', signature: 's' },
        { type: 'text', text: 'so' },
        { type: 'tool_use', id: '1', name: 'f', input: {} },
      ],
    },
    {
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: '1', content: [{ type: 'text', text: 'x' }], is_error: true },
        { type: 'text', text: 'go on' },
      ],
    },
  ],
  system: [{ type: 'text', text: 'be brief' }],
  tools: [{ name: 'f', description: 'd', input_schema: { type: 'object' } }],
  tool_choice: { type: 'auto', disable_parallel_tool_use: true },
  thinking: { type: 'enabled', budget_tokens: 1024 },
};

const ANTHROPIC = {
  ...ANTHROPIC_ASKED,
  max_tokens: 5,
  stream: false,
  stop_sequences: ['a'],
  temperature: 1,
  top_p: 1,
  top_k: 5,
  metadata: { user_id: 'u' },
};

const EMBEDDINGS = {
  model: EMBEDDING_MODEL,
  input: ['a', 'b'],
  encoding_format: 'base64',
  dimensions: 4,
  user: 'u',
};

const JOB = { spec: { kind: 'embed-batch', texts: ['a'], model: EMBEDDING_MODEL }, idempotency_key: 'k' };

const KEY = { name: 'a', scopes: ['chat'], expires_at: '2099-01-01T00:00:00Z' };

/** Ids of nothing that there is. */
export const NO_RESPONSE = `resp_${'0'.repeat(48)}`;
export const NO_COMPLETION = `chatcmpl-${UNKNOWN_ID}`;

const RESPONSE_ASKED = {
  model: CHAT_MODEL,
  input: [
    {
      role: 'user',
      content: [
        { type: 'input_text', text: 'hi' },
        { type: 'input_image', image_url: 'data:,', detail: 'low' },
      ],
    },
    {
      type: 'reasoning',
      id: 'rs_1',
      summary: [{ type: 'summary_text', text: 'hm' }],
      encrypted_content: 'x',
    },
    {
      type: 'message',
      role: 'assistant',
      id: 'msg_1',
      status: 'completed',
      content: [{ type: 'output_text', text: 'so' }],
    },
    { type: 'function_call', id: 'fc_1', call_id: '1', name: 'f', arguments: '{}', status: 'completed' },
    { type: 'function_call_output', call_id: '1', output: [{ type: 'input_text', text: 'x' }] },
    { type: 'item_reference', id: 'msg_1' },
  ],
  instructions: 'be brief',
  previous_response_id: NO_RESPONSE,
  tools: [{ type: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: false }],
  tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] },
  parallel_tool_calls: true,
  text: {
    format: { type: 'json_schema', name: 's', schema: { type: 'object' }, strict: false },
    verbosity: 'low',
  },
  reasoning: { effort: 'low', summary: 'auto' },
  truncation: 'auto',
};

const RESPONSE = {
  ...RESPONSE_ASKED,
  stream: false,
  stream_options: { include_obfuscation: false },
  max_output_tokens: 5,
  max_tool_calls: 5,
  temperature: 1,
  top_p: 1,
  top_logprobs: 0,
  include: ['reasoning.encrypted_content'],
  store: false,
  metadata: { a: 'b' },
  user: 'u',
  safety_identifier: 'u',
  prompt_cache_key: 'k',
  service_tier: 'auto',
  background: false,
};

const PAGE = ['after', 'limit', 'order'];

const at = (path: string) => () => path;
const conversation = (tail: string) => (s: Surface) => `/v1/conversations/${s.conversation}${tail}`;
const job = (tail: string) => (s: Surface) => `/v1/jobs/${s.job}${tail}`;

/** Every route of the public interface. The test compares it with the routes of the app that runs. */
export const SAMPLES: Readonly<Record<string, Sample>> = {
  'GET /healthz': { path: at('/healthz') },
  'GET /readyz': { path: at('/readyz') },
  'GET /metrics': { path: at('/metrics') },
  'POST /v1/chat/completions': { scope: 'chat', path: at('/v1/chat/completions'), body: COMPLETION },
  'POST /v1/completions': { scope: 'chat', path: at('/v1/completions'), body: PROMPT_COMPLETION },
  'POST /v1/moderations': {
    scope: 'chat',
    path: at('/v1/moderations'),
    body: { model: 'omni-moderation-latest', input: ['a', 'b'] },
  },
  'POST /v1/messages': { scope: 'chat', path: at('/v1/messages'), body: ANTHROPIC, query: ['beta'] },
  'POST /v1/messages/count_tokens': {
    scope: 'chat',
    path: at('/v1/messages/count_tokens'),
    body: ANTHROPIC_ASKED,
    query: ['beta'],
  },
  'GET /v1/chat/completions': {
    scope: 'chat',
    path: at('/v1/chat/completions'),
    query: [...PAGE, 'model', 'metadata'],
  },
  'GET /v1/chat/completions/:id': { scope: 'chat', path: at(`/v1/chat/completions/${NO_COMPLETION}`) },
  'GET /v1/chat/completions/:id/messages': {
    scope: 'chat',
    path: at(`/v1/chat/completions/${NO_COMPLETION}/messages`),
    query: PAGE,
  },
  'POST /v1/chat/completions/:id': {
    scope: 'chat',
    path: at(`/v1/chat/completions/${NO_COMPLETION}`),
    body: { metadata: { a: 'b' } },
  },
  'DELETE /v1/chat/completions/:id': { scope: 'chat', path: at(`/v1/chat/completions/${NO_COMPLETION}`) },
  'POST /v1/responses': { scope: 'chat', path: at('/v1/responses'), body: RESPONSE },
  'POST /v1/responses/input_tokens': {
    scope: 'chat',
    path: at('/v1/responses/input_tokens'),
    body: RESPONSE_ASKED,
  },
  'GET /v1/responses/:id': {
    scope: 'chat',
    path: at(`/v1/responses/${NO_RESPONSE}`),
    query: ['include', 'include_obfuscation', 'starting_after', 'stream'],
  },
  'DELETE /v1/responses/:id': { scope: 'chat', path: at(`/v1/responses/${NO_RESPONSE}`) },
  'GET /v1/responses/:id/input_items': {
    scope: 'chat',
    path: at(`/v1/responses/${NO_RESPONSE}/input_items`),
    query: [...PAGE, 'include'],
  },
  'POST /v1/responses/compact': {
    scope: 'chat',
    path: at('/v1/responses/compact'),
    any_body: true,
  },
  'POST /v1/responses/:id/cancel': { scope: 'chat', path: at(`/v1/responses/${NO_RESPONSE}/cancel`) },
  'POST /v1/embeddings': { scope: 'chat', path: at('/v1/embeddings'), body: EMBEDDINGS },
  'GET /v1/models': { scope: 'chat', path: at('/v1/models') },
  'GET /v1/models/:id{.+}': { scope: 'chat', path: at(`/v1/models/${CHAT_MODEL}`) },
  'POST /chat': { scope: 'chat', path: at('/chat'), body: CHAT },
  'GET /ws': { scope: 'chat', path: at('/ws') },
  'GET /v1/prompts': { scope: 'chat', path: at('/v1/prompts') },
  'GET /v1/graphs': { scope: 'chat', path: at('/v1/graphs') },
  'GET /v1/conversations': {
    scope: 'chat',
    path: at('/v1/conversations'),
    query: ['limit', 'cursor'],
  },
  'GET /v1/conversations/:id': { scope: 'chat', path: conversation(''), uuid: true },
  'DELETE /v1/conversations/:id': {
    scope: 'chat',
    path: at(`/v1/conversations/${UNKNOWN_ID}`),
    uuid: true,
  },
  'GET /v1/conversations/:id/accesses': { scope: 'chat', path: conversation('/accesses'), uuid: true },
  'GET /v1/conversations/:id/log': { scope: 'chat', path: conversation('/log'), uuid: true },
  'GET /v1/conversations/:id/proof': { scope: 'chat', path: conversation('/proof'), uuid: true },
  'GET /v1/conversations/:id/lineage': {
    scope: 'chat',
    path: conversation('/lineage'),
    uuid: true,
    query: ['format'],
  },
  'GET /v1/conversations/:id/events': { scope: 'chat', path: conversation('/events'), uuid: true },
  'POST /v1/conversations/:id/cancel': { scope: 'chat', path: conversation('/cancel'), uuid: true },
  'POST /v1/conversations/:id/verify': { scope: 'chat', path: conversation('/verify'), uuid: true },
  'POST /v1/conversations/:id/feedback': {
    scope: 'chat',
    path: conversation('/feedback'),
    uuid: true,
    body: { score: 1, comment: 'right' },
  },
  'POST /v1/verify': { scope: 'chat', path: at('/v1/verify'), body: { messages: [{ content: 'a' }] } },
  'GET /v1/provenance/keys': { scope: 'chat', path: at('/v1/provenance/keys') },
  'GET /v1/traces/:trace_id': { scope: 'chat', path: ({ trace }) => `/v1/traces/${trace}` },
  'GET /v1/log': { scope: 'chat', path: at('/v1/log') },
  'GET /v1/log/checkpoint': { scope: 'chat', path: at('/v1/log/checkpoint') },
  'GET /v1/log/tile/:path{.+}': { scope: 'chat', path: at('/v1/log/tile/0/000') },
  'GET /v1/log/anchors': { scope: 'chat', path: at('/v1/log/anchors') },
  'GET /v1/log/copies/:log/checkpoint': {
    scope: 'chat',
    path: at(`/v1/log/copies/${'0'.repeat(64)}/checkpoint`),
  },
  'GET /v1/log/copies/:log/tile/:path{.+}': {
    scope: 'chat',
    path: at(`/v1/log/copies/${'0'.repeat(64)}/tile/0/000`),
  },
  'GET /admin/retention': { scope: 'admin', path: at('/admin/retention'), query: ['before'] },
  'GET /admin/legal-holds': {
    scope: 'admin',
    path: at('/admin/legal-holds'),
    query: ['limit', 'cursor'],
  },
  'POST /admin/legal-holds': {
    scope: 'admin',
    path: at('/admin/legal-holds'),
    body: { owner: 'key:nobody', reason: 'a case' },
  },
  'DELETE /admin/legal-holds/:id': {
    scope: 'admin',
    path: at(`/admin/legal-holds/${UNKNOWN_ID}`),
    uuid: true,
  },
  'GET /v1/subjects/:id/export': {
    scope: 'chat',
    path: at('/v1/subjects/key:nobody/export'),
    query: ['cursor'],
  },
  'DELETE /v1/subjects/:id': { scope: 'chat', path: at('/v1/subjects/key:nobody') },
  'GET /v1/audit/bundles': {
    scope: 'admin',
    path: at('/v1/audit/bundles'),
    query: ['limit', 'cursor'],
  },
  'GET /v1/audit/bundles/:id': {
    scope: 'admin',
    path: at(`/v1/audit/bundles/${UNKNOWN_ID}`),
    uuid: true,
  },
  'GET /v1/witness': { path: at('/v1/witness') },
  'POST /v1/witness/add-checkpoint': { path: at('/v1/witness/add-checkpoint') },
  'GET /v1/witness/:log/checkpoint': { path: at(`/v1/witness/${'0'.repeat(64)}/checkpoint`) },
  'GET /v1/witness/:log/copy': { path: at(`/v1/witness/${'0'.repeat(64)}/copy`) },
  'GET /v1/regions': { scope: 'chat', path: at('/v1/regions') },
  'POST /v1/jobs': { scope: 'jobs', path: at('/v1/jobs'), body: JOB },
  'GET /v1/jobs': { scope: 'jobs', path: at('/v1/jobs'), query: ['limit', 'status'] },
  'GET /v1/jobs/:id': { scope: 'jobs', path: job(''), uuid: true },
  'GET /v1/jobs/:id/result': { scope: 'jobs', path: job('/result'), uuid: true },
  'POST /v1/jobs/:id/retry': { scope: 'jobs', path: job('/retry'), uuid: true },
  'POST /v1/jobs/:id/cancel': { scope: 'jobs', path: job('/cancel'), uuid: true },
  'GET /admin/keys': { scope: 'admin', path: at('/admin/keys') },
  'POST /admin/keys': { scope: 'admin', path: at('/admin/keys'), body: KEY },
  'DELETE /admin/keys/:id': { scope: 'admin', path: at(`/admin/keys/${UNKNOWN_ID}`), uuid: true },
  'POST /admin/encryption/rewrap': { scope: 'admin', path: at('/admin/encryption/rewrap') },
  'GET /admin/governance': { scope: 'admin', path: at('/admin/governance') },
  'POST /admin/governance/:job/run': { scope: 'admin', path: at('/admin/governance/log-check/run') },
  'POST /admin/provenance/keys': {
    scope: 'admin',
    path: at('/admin/provenance/keys'),
    body: { change: 'rotate', dry_run: true },
  },
  'GET /admin/feedback': {
    scope: 'admin',
    path: at('/admin/feedback'),
    query: ['limit', 'cursor', 'since'],
  },
  'GET /admin/stats': { scope: 'admin', path: at('/admin/stats') },
  'GET /admin/flags': { scope: 'admin', path: at('/admin/flags') },
  'GET /openapi.json': { path: at('/openapi.json') },
  'GET /docs': { path: at('/docs') },
  'GET /': { path: at('/') },
  'GET /assets/:name': { path: at('/assets/index.js') },
  'GET /favicon.svg': { path: at('/favicon.svg') },
  'GET /favicon.ico': { path: at('/favicon.ico') },
  'GET /theme.js': { path: at('/theme.js') },
  'GET /robots.txt': { path: at('/robots.txt') },
  'GET /manifest.webmanifest': { path: at('/manifest.webmanifest') },
};
