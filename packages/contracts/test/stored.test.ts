/** Answers that are kept, and how they and the lists of OpenAI's wire are asked for. */
import { expect, it } from 'vitest';
import {
  FindAnswersRequest,
  InputItemsQuery,
  KeepAnswerRequest,
  ListAnswersRequest,
  MAX_CHAIN_ANSWERS,
  StoredCompletionsQuery,
  StoredCompletionUpdate,
  StoredResponseQuery,
  WireListQuery,
} from '../src/index.ts';
import { describeFields, UUID } from './support.ts';

const usage = { input_tokens: 1, output_tokens: 2 };
const record = {
  model: 'm',
  question: [{ role: 'user', content: 'hi' }],
  answer: 'Hello.',
  finish_reason: { unified: 'stop', raw: null },
  usage,
};
const answer = {
  id: 'resp_1',
  kind: 'response',
  model: 'm',
  previous_id: null,
  metadata: {},
  input: '[]',
  output: '[]',
  body: '{}',
  log: { in: 'answers', record, earlier: [] },
};

describeFields([
  [
    'a kept answer',
    KeepAnswerRequest,
    answer,
    {
      id: { right: ['resp_1', 'chatcmpl-1'], wrong: ['', 'a b', '../x', 'x'.repeat(201)] },
      kind: { right: ['chat.completion'], wrong: ['message'] },
      log: {
        right: [{ in: 'conversation', conversation_id: UUID }],
        wrong: [{ in: 'conversation' }, { in: 'file' }, { in: 'answers', record }],
      },
    },
  ],
  [
    'answers by id',
    FindAnswersRequest,
    { ids: [] },
    {
      ids: {
        right: [['a'], Array.from({ length: MAX_CHAIN_ANSWERS }, (_, at) => `a${at}`)],
        wrong: [Array.from({ length: MAX_CHAIN_ANSWERS + 1 }, () => 'a'), ['a/b'], 'a'],
      },
    },
  ],
  [
    'a page of answers',
    ListAnswersRequest,
    { kind: 'response', limit: 1, order: 'asc', metadata: {} },
    {
      limit: { right: [1, 100], wrong: [0, 101, 1.5, '1'] },
      order: { right: ['desc'], wrong: ['up', undefined] },
      model: { right: [undefined, 'mödel/1'], wrong: ['', 'a\nb', 'x'.repeat(201)] },
    },
  ],
  [
    'a list of the wire',
    WireListQuery,
    {},
    {
      order: { right: [undefined, 'asc', 'desc'], wrong: ['up', ''] },
      after: { right: [undefined, 'x'.repeat(200)], wrong: ['x'.repeat(201)] },
    },
  ],
  [
    'a stored response',
    StoredResponseQuery,
    {},
    {
      stream: { right: [undefined, 'false'], wrong: ['true', ''] },
      starting_after: { right: ['0', '123456789'], wrong: ['-1', '1.5', '1234567890', ''] },
      include: {
        right: [[], ['message.output_text.logprobs']],
        wrong: [['everything'], 'message.output_text.logprobs'],
      },
    },
  ],
  [
    'stored completions',
    StoredCompletionsQuery,
    {},
    {
      model: { right: [undefined, 'gpt'], wrong: ['', 'a\u0000b'] },
      metadata: { right: [undefined, { a: 'b' }], wrong: [{ a: 1 }, 'a'] },
    },
  ],
  [
    'a change of a completion',
    StoredCompletionUpdate,
    { metadata: {} },
    {
      metadata: { right: [null, { a: 'b' }], wrong: [undefined, 'a'] },
    },
  ],
]);

it.each([
  ['a list', WireListQuery, 'asc'],
  ['the items of a response', InputItemsQuery, 'desc'],
])('%s is of twenty, in the order that OpenAI has', (_, schema, order) => {
  expect(schema.parse({})).toMatchObject({ limit: 20, order });
});
