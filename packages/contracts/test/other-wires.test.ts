/** What Anthropic's messages and OpenAI's responses take and refuse beside their bounds. */
import { describe, it } from 'vitest';
import { AnthropicMessagesRequest, ResponsesRequest } from '../src/index.ts';
import { expectAccepted, expectRefused } from './support.ts';

const user = { role: 'user', content: 'hi' };
const asked = { model: 'm', messages: [user] };

describe('messages', () => {
  const base = { ...asked, max_tokens: 10 };
  const input_schema = { type: 'object' };
  const use = { type: 'tool_use', id: 'u', name: 'f', input: {} };
  it.each<[string, object]>([
    [
      'a call and its result',
      {
        messages: [
          user,
          { role: 'assistant', content: [use] },
          {
            role: 'user',
            content: [{ type: 'tool_result', tool_use_id: 'u', content: 'r', is_error: true }],
          },
        ],
      },
    ],
    [
      'what was thought',
      {
        messages: [
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 't', signature: 's' },
              { type: 'redacted_thinking', data: 'd' },
            ],
          },
        ],
      },
    ],
    [
      'a picture',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } }],
          },
        ],
      },
    ],
    [
      'a tool by name',
      {
        tools: [{ name: 'f', input_schema }],
        tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: true },
      },
    ],
    ['a budget of thought', { thinking: { type: 'enabled', budget_tokens: 1024 } }],
  ])('take %s', (_, change) => expectAccepted(AnthropicMessagesRequest, { ...base, ...change }));

  it.each<[string, object, string]>([
    ['no bound of the answer', { max_tokens: undefined }, 'max_tokens'],
    ['a message of the system', { messages: [{ role: 'system', content: 's' }] }, 'messages.0.role'],
    ['a call by the user', { messages: [{ role: 'user', content: [use] }] }, 'messages.0.content'],
    [
      'a picture of an unknown kind',
      {
        messages: [
          {
            role: 'user',
            content: [{ type: 'image', source: { type: 'base64', media_type: 'image/tiff', data: '' } }],
          },
        ],
      },
      'media_type',
    ],
    [
      'two tools of one name',
      {
        tools: [
          { name: 'f', input_schema },
          { name: 'f', input_schema },
        ],
      },
      'tools.1.name: is the name of another tool',
    ],
    ['any tool, of none', { tool_choice: { type: 'any' } }, 'tool_choice: asks for a call'],
    [
      'a tool that is not there',
      { tools: [{ name: 'g', input_schema }], tool_choice: { type: 'tool', name: 'f' } },
      'tool_choice.name: must be the name',
    ],
    ['a tool of theirs', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }, 'tools.0'],
    ['a tool without its schema', { tools: [{ name: 'f' }] }, 'tools.0.input_schema'],
  ])('refuse %s', (_, change, fault) =>
    expectRefused(AnthropicMessagesRequest, { ...base, ...change }, fault),
  );
});

describe('a response', () => {
  const base = { model: 'm' };
  it.each<[string, object]>([
    ['a message without its type', { input: [user] }],
    ['a reference without its type', { input: [{ id: 'msg_1' }] }],
    [
      'a call, its output and what was thought',
      {
        input: [
          { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
          { type: 'function_call_output', call_id: 'c', output: 'r' },
          { type: 'reasoning', summary: [] },
        ],
      },
    ],
    ['nothing new after an earlier one', { previous_response_id: `resp_${'0'.repeat(48)}` }],
    [
      'tools of which some are allowed',
      {
        input: 'i',
        tools: [{ type: 'function', name: 'f' }],
        tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] },
      },
    ],
    ['false for what is not offered', { input: 'i', background: false, prompt: null, conversation: null }],
  ])('takes %s', (_, change) => expectAccepted(ResponsesRequest, { ...base, ...change }));

  it.each<[string, object, string]>([
    ['nothing at all', {}, 'input: is required'],
    ['an empty text', { input: '' }, 'input: is required'],
    ['an id of something else', { previous_response_id: 'chatcmpl-1' }, 'must be the id of a response'],
    [
      'a picture of the assistant',
      { input: [{ role: 'assistant', content: [{ type: 'input_image', image_url: 'u' }] }] },
      'Only messages of the user have pictures',
    ],
    [
      'an item of tools that OpenAI runs',
      { input: [{ type: 'web_search_call', id: 'w' }] },
      'items of tools that OpenAI runs',
    ],
    [
      'a tool that OpenAI runs',
      { input: 'i', tools: [{ type: 'web_search' }] },
      'Run the tool yourself as a function',
    ],
    ['a call without tools', { input: 'i', tool_choice: 'required' }, 'asks for a function call'],
    [
      'a function that is not there',
      { input: 'i', tool_choice: { type: 'function', name: 'f' } },
      'must name functions that are among the tools',
    ],
    [
      'two tools of one name',
      {
        input: 'i',
        tools: [
          { type: 'function', name: 'f' },
          { type: 'function', name: 'f' },
        ],
      },
      'tools.1.name',
    ],
    ['work in the background', { input: 'i', background: true }, 'background: is not offered'],
    ['a stored prompt', { input: 'i', prompt: { id: 'p' } }, 'prompt: is not offered'],
    ['a conversation object', { input: 'i', conversation: 'c' }, 'Go on by previous_response_id'],
    [
      'an uploaded file',
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'u', file_id: 'f' }] }] },
      'files cannot be uploaded',
    ],
  ])('refuses %s, with the way out', (_, change, fault) =>
    expectRefused(ResponsesRequest, { ...base, ...change }, fault),
  );
});
