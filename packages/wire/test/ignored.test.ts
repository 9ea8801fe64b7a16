import {
  AnthropicMessagesRequest,
  CompletionRequest,
  IGNORED_FIELDS,
  PublicChatCompletionRequest,
} from '@mcp/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { givenOf, ignoredIn } from '../src/index.ts';

const value = fc.jsonValue({ maxDepth: 2 });
const some = (fields: readonly string[]) =>
  fc.dictionary(fc.constantFrom(...fields), value, { maxKeys: fields.length });

it('names what the schema of a chat completion passes over, once, and nothing else', () => {
  const { openai } = IGNORED_FIELDS;
  fc.assert(
    fc.property(
      some(openai.request),
      some(openai.message),
      some(openai['content part']),
      some(openai.tool),
      (request, message, part, tool) => {
        const parsed = PublicChatCompletionRequest.parse({
          model: 'm',
          messages: [
            { role: 'user', content: [{ type: 'text', text: 'a', ...part }], ...message },
            { role: 'user', content: [{ type: 'text', text: 'b', ...part }], ...message },
          ],
          tools: [
            { type: 'function', function: { name: 'f', parameters: { x: null } }, ...tool },
            { type: 'function', function: { name: 'g' }, ...tool },
          ],
          user: 'u',
          stop: null,
          ...request,
        });
        expect(ignoredIn(parsed).sort()).toEqual(
          [
            ...Object.keys(request),
            ...Object.keys(message).map((name) => `messages.${name}`),
            ...Object.keys(part).map((name) => `messages.content.${name}`),
            ...Object.keys(tool).map((name) => `tools.${name}`),
          ].sort(),
        );
      },
    ),
  );
});

it.each([
  [CompletionRequest, { model: 'm', prompt: 'a', best_of: 3 }, ['best_of']],
  [
    AnthropicMessagesRequest,
    {
      model: 'm',
      max_tokens: 1,
      service_tier: 'auto',
      system: [{ type: 'text', text: 'a', cache_control: {} }],
      messages: [{ role: 'user', content: [{ type: 'text', text: 'a', citations: null }] }],
    },
    ['service_tier', 'system.cache_control', 'messages.content.citations'],
  ],
])('names it on every wire (%#)', (schema, request, expected) => {
  expect(ignoredIn(schema.parse(request)).sort()).toEqual([...expected].sort());
});

it('knows the fields that have a value', () => {
  expect(givenOf({ a: 0, b: null, c: undefined, d: '' }, ['a', 'b', 'c', 'd'])).toEqual(['a', 'd']);
});
