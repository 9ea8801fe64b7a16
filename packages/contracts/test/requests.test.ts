/** What the public requests take and refuse beside their bounds: unknown names, what does not fit together, what is ignored. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import {
  AnthropicCountTokensRequest,
  AnthropicMessagesRequest,
  ChatCompletionRequest,
  ChatRequest,
  CompletionRequest,
  CreateJobRequest,
  CreateKeyRequest,
  IGNORED_FIELDS,
  JobSpec,
  ModerationRequest,
  ParticipantWish,
  PublicChatCompletionRequest,
  PublicEmbeddingsRequest,
  ResponsesRequest,
  ResponseTokensRequest,
  StoredCompletionUpdate,
  WsClientFrame,
} from '../src/index.ts';
import { expectAccepted, expectRefused } from './support.ts';

const UUID = '6f1c2a9e-3a53-4b1b-9d0e-0c5a3a7a1f11';
const user = { role: 'user', content: 'hi' };
const asked = { model: 'm', messages: [user] };
const f = { name: 'f' };
const tool = (name: string) => ({ type: 'function', function: { name } });
const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } };
const picture = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } };

const STRICT: readonly [string, z.ZodType, object][] = [
  ['a chat completion', PublicChatCompletionRequest, asked],
  ['a chat completion inside', ChatCompletionRequest, asked],
  ['a completion', CompletionRequest, { model: 'm', prompt: 'p' }],
  ['embeddings', PublicEmbeddingsRequest, { model: 'm', input: 'i' }],
  ['a moderation', ModerationRequest, { input: 'i' }],
  ['messages', AnthropicMessagesRequest, { ...asked, max_tokens: 1 }],
  ['a count of tokens', AnthropicCountTokensRequest, asked],
  ['a response', ResponsesRequest, { model: 'm', input: 'i' }],
  ['tokens of a response', ResponseTokensRequest, { model: 'm', input: 'i' }],
  ['a conversation', ChatRequest, { message: 'hi' }],
  ['a participant', ParticipantWish, {}],
  ['a job', CreateJobRequest, { spec: { kind: 'export' } }],
  ['the work of a job', JobSpec, { kind: 'export' }],
  ['a key', CreateKeyRequest, { name: 'n' }],
  ['other metadata', StoredCompletionUpdate, { metadata: {} }],
  ['a frame of a socket', WsClientFrame, { type: 'cancel' }],
];

describe.each(STRICT)('%s', (_, schema, base) => {
  it.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'unheard_of'])(
    'has no field %s, and says so by its name',
    (name) => {
      expectAccepted(schema, base);
      expectRefused(schema, { ...base, [name]: 1 }, name);
    },
  );

  it('takes nothing from a field __proto__', () => {
    const text = `{"__proto__":{"model":"stolen","metadata":{"a":"b"},"message":"stolen"},${JSON.stringify(base).slice(1)}`;
    const read = schema.safeParse(JSON.parse(text.replace(',}', '}')));
    if (!read.success) return;
    expect(Object.getPrototypeOf(read.data)).toBe(Object.prototype);
    expect(JSON.stringify(read.data)).not.toContain('stolen');
  });

  it('is an object, not whatever else JSON has', () => {
    fc.assert(
      fc.property(
        fc.jsonValue().filter((value) => typeof value !== 'object' || value === null || Array.isArray(value)),
        (value) => {
          expect(schema.safeParse(value).success).toBe(false);
        },
      ),
    );
  });

  it('is the same when it is read twice', () => {
    const once = schema.parse(base);
    expect(schema.parse(JSON.parse(JSON.stringify(once)))).toEqual(once);
  });
});

describe('a chat completion', () => {
  it.each<[string, object]>([
    [
      'a system, a developer and a speaker with a name',
      {
        messages: [
          { role: 'system', content: 's' },
          { role: 'developer', content: 'd' },
          { ...user, name: 'ann' },
        ],
      },
    ],
    [
      'a picture beside a text',
      { messages: [{ role: 'user', content: [{ type: 'text', text: 'see' }, picture] }] },
    ],
    [
      'a call and its result',
      {
        messages: [
          user,
          { role: 'assistant', content: null, tool_calls: [call] },
          { role: 'tool', tool_call_id: 'c1', content: 'r' },
        ],
      },
    ],
    [
      'the index that a streamed call had',
      { messages: [user, { role: 'assistant', tool_calls: [{ ...call, index: 0 }] }] },
    ],
    [
      'a refusal that was answered',
      { messages: [{ role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }], refusal: 'no' }] },
    ],
    [
      'null for what is not said',
      { temperature: null, stop: null, n: null, metadata: null, tools: undefined },
    ],
    ['one of its tools by name', { tools: [tool('f')], tool_choice: tool('f') }],
    ['any of its tools', { tools: [tool('f')], tool_choice: 'required' }],
    ['no tools, and none chosen', { tool_choice: 'none' }],
    [
      'a result of a function',
      {
        messages: [
          user,
          { role: 'assistant', function_call: { name: 'f', arguments: '' } },
          { role: 'function', name: 'f', content: null },
        ],
      },
    ],
    ['one of its functions by name', { functions: [f], function_call: f }],
    [
      'a form of its answer',
      { response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } } },
    ],
  ])('takes %s', (_, change) => expectAccepted(PublicChatCompletionRequest, { ...asked, ...change }));

  it.each<[string, object, string]>([
    ['a role that there is not', { messages: [{ role: 'robot', content: 'x' }] }, 'messages.0.role'],
    ['a picture of the system', { messages: [{ role: 'system', content: [picture] }] }, 'messages.0.content'],
    ['a message with no content', { messages: [{ role: 'user' }] }, 'messages.0.content'],
    ['an empty list of contents', { messages: [{ role: 'user', content: [] }] }, 'messages.0.content'],
    ['a field of another role', { messages: [{ ...user, tool_call_id: 'c1' }] }, 'tool_call_id'],
    ['a result without the id of its call', { messages: [{ role: 'tool', content: 'r' }] }, 'tool_call_id'],
    ['an empty list of calls', { messages: [{ role: 'assistant', tool_calls: [] }] }, 'tool_calls'],
    [
      'two tools of one name',
      { tools: [tool('f'), tool('g'), tool('f')] },
      'tools.2.function.name: is the name of another tool',
    ],
    [
      'a tool that is not there',
      { tools: [tool('g')], tool_choice: tool('f') },
      'tool_choice.function.name: must be the name of one of the tools',
    ],
    ['a call without tools', { tool_choice: 'required' }, 'tool_choice: asks for a function call'],
    ['a named call without tools', { tool_choice: tool('f') }, 'tool_choice: asks for a function call'],
    ['the name of a tool with a blank', { tools: [tool('a b')] }, 'must be 1 to 64 letters'],
    ['tools of another kind', { tools: [{ type: 'custom', custom: f }] }, 'tools.0.type'],
    ['functions beside tools', { tools: [tool('f')], functions: [f] }, 'functions: stands beside tools'],
    ['two functions of one name', { functions: [f, f] }, 'functions.1.name: is the name of another function'],
    [
      'a function that is not there',
      { functions: [f], function_call: { name: 'g' } },
      'function_call.name: must be the name of one',
    ],
    [
      'a result of a function that was not called',
      { messages: [{ role: 'function', name: 'f', content: 'r' }] },
      'messages.0.name: must be the function of a function_call',
    ],
    [
      'a result before its call',
      {
        messages: [
          { role: 'function', name: 'f', content: 'r' },
          { role: 'assistant', function_call: { name: 'f', arguments: '' } },
        ],
      },
      'messages.0.name',
    ],
    [
      'a call in both forms',
      { messages: [{ role: 'assistant', tool_calls: [call], function_call: { name: 'f', arguments: '' } }] },
      'stands beside tool_calls',
    ],
    ['a form that there is not', { response_format: { type: 'xml' } }, 'response_format.type'],
    ['a word for a switch', { stream: 'true' }, 'stream'],
  ])('refuses %s', (_, change, fault) =>
    expectRefused(PublicChatCompletionRequest, { ...asked, ...change }, fault),
  );

  it('inside has no functions: those are of the public format alone', () => {
    expectRefused(ChatCompletionRequest, { ...asked, functions: [f] }, 'functions');
    expectRefused(
      ChatCompletionRequest,
      { ...asked, messages: [{ role: 'function', name: 'f', content: '' }] },
      'messages.0.role',
    );
  });
});

describe('a completion', () => {
  it('says why nothing can follow its prompt, and takes null for it', () => {
    expectAccepted(CompletionRequest, { model: 'm', prompt: 'p', suffix: null });
    expectRefused(CompletionRequest, { model: 'm', prompt: 'p', suffix: 'x' }, 'suffix: is not offered');
  });

  it.each([[-1], [300_001], [1.5], ['7']])('has no token %j', (token) => {
    expectAccepted(CompletionRequest, { model: 'm', prompt: [0, 300_000] });
    expectRefused(CompletionRequest, { model: 'm', prompt: [token, 0] }, 'prompt');
  });
});

describe('a conversation', () => {
  it.each<[string, object]>([
    ['a message alone', { message: 'm' }],
    ['one to finish', { conversation_id: UUID }],
    ['a new question in one', { conversation_id: UUID, message: 'm' }],
    ['two by their models', { message: 'm', modelA: 'a', promptB: 'critic_mode' }],
    [
      'eight by their ids',
      { message: 'm', participants: Array.from({ length: 8 }, (_, at) => ({ id: `p${at}` })) },
    ],
  ])('takes %s', (_, request) => expectAccepted(ChatRequest, request));

  it.each<[string, object, string]>([
    ['nothing to begin or finish', {}, 'message: is required unless conversation_id'],
    [
      'an id twice',
      { message: 'm', participants: [{ id: 'p' }, {}, { id: 'p' }] },
      'participants: has the id p twice',
    ],
    [
      'a mode that no graph can have',
      { message: 'm', mode: 'Fight it' },
      'mode: must be debate, cross-check',
    ],
    ['a prompt outside its folder', { message: 'm', promptA: '../etc/passwd' }, 'must be a prompt name'],
    ['a way of leaving that there is not', { message: 'm', on_disconnect: 'wait' }, 'on_disconnect'],
  ])('refuses %s', (_, request, fault) => expectRefused(ChatRequest, request, fault));

  it.each(['modelA', 'modelB', 'promptA', 'promptB'])(
    'takes its participants in one way: not with %s',
    (field) => {
      expectRefused(
        ChatRequest,
        { message: 'm', participants: [{}], [field]: 'x' },
        `together with ${field}`,
      );
    },
  );
});

describe('what is ignored', () => {
  const anything = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown);
  it.each<[string, readonly string[], z.ZodType, (field: string, value: unknown) => object]>([
    [
      'a chat completion',
      IGNORED_FIELDS.openai.request,
      PublicChatCompletionRequest,
      (field, value) => ({ ...asked, [field]: value }),
    ],
    [
      'its message',
      IGNORED_FIELDS.openai.message,
      PublicChatCompletionRequest,
      (field, value) => ({ ...asked, messages: [{ ...user, [field]: value }] }),
    ],
    [
      'its tool',
      IGNORED_FIELDS.openai.tool,
      PublicChatCompletionRequest,
      (field, value) => ({ ...asked, tools: [{ ...tool('f'), [field]: value }] }),
    ],
    [
      'a completion',
      IGNORED_FIELDS.openai['completion of a prompt'],
      CompletionRequest,
      (field, value) => ({ model: 'm', prompt: 'p', [field]: value }),
    ],
    [
      'a response',
      IGNORED_FIELDS.responses.request,
      ResponsesRequest,
      (field, value) => ({ model: 'm', input: 'i', [field]: value }),
    ],
    [
      'its tool',
      IGNORED_FIELDS.responses.tool,
      ResponsesRequest,
      (field, value) => ({
        model: 'm',
        input: 'i',
        tools: [{ type: 'function', name: 'f', [field]: value }],
      }),
    ],
    [
      'messages',
      IGNORED_FIELDS.anthropic.request,
      AnthropicMessagesRequest,
      (field, value) => ({ ...asked, max_tokens: 1, [field]: value }),
    ],
    [
      'their tool',
      IGNORED_FIELDS.anthropic.tool,
      AnthropicMessagesRequest,
      (field, value) => ({
        ...asked,
        max_tokens: 1,
        tools: [{ name: 'f', input_schema: {}, [field]: value }],
      }),
    ],
  ])('in %s may hold anything, and nothing of it goes further', (_, fields, schema, request) => {
    fc.assert(
      fc.property(fc.constantFrom(...fields), anything, (field, value) => {
        const read = schema.safeParse(request(field, { secret: value }));
        expect(read.error).toBeUndefined();
        expect(JSON.stringify(read.data)).not.toContain('secret');
      }),
      { numRuns: 40 },
    );
  });
});
