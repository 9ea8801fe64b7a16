/** The routes of OpenAI's Responses API, and of what is stored on its wire. */
import { z } from 'zod';
import {
  InputItemsQuery,
  StoredCompletionsQuery,
  StoredCompletionUpdate,
  StoredResponseQuery,
  WireListQuery,
} from '../../models/openai-lists.ts';
import { ResponsesRequest, ResponseTokensRequest } from '../../models/responses.ts';
import { events, json, named, type PublicRoutes } from './route.ts';
import { ChatCompletion } from './wire-answers.ts';

const ResponseAnswer = z.looseObject({
  id: z.string(),
  object: z.literal('response'),
  created_at: z.int().nonnegative(),
  model: z.string(),
  status: z.enum(['in_progress', 'completed', 'incomplete', 'failed']),
  output: z.array(z.looseObject({ id: z.string(), type: z.enum(['message', 'reasoning', 'function_call']) })),
  previous_response_id: z.string().nullable(),
  store: z.boolean(),
  metadata: z.record(z.string(), z.string()),
  usage: z.looseObject({ input_tokens: z.int(), output_tokens: z.int(), total_tokens: z.int() }).nullable(),
});
const ResponseEvent = z.looseObject({ type: z.string(), sequence_number: z.int().nonnegative() });
const Deleted = z.object({ id: z.string(), object: z.string(), deleted: z.literal(true) });
const listOfWire = (item: z.ZodType) =>
  z.object({
    object: z.literal('list'),
    data: z.array(item),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  });

const response = { id: 'Id of a response of the caller, resp_….' };
const completion = { id: 'Id of a stored completion of the caller, chatcmpl-….' };
const stored = { tag: 'openai', scope: 'chat', errors: 'openai', codes: ['not_found'] } as const;
const example = { model: 'smollm2-135m-instruct', input: 'Hello' };

export const storedRoutes = {
  'POST /v1/responses': {
    ...stored,
    summary: 'Make a response',
    description: 'Goes on with an earlier one by `previous_response_id`; see docs/responses-wire.md.',
    asks_models: true,
    body: { ...named('ResponsesRequest', ResponsesRequest), example },
    answers: [
      json('The response.', named('Response', ResponseAnswer)),
      events('With `stream`: its items as they are made.', named('ResponseEvent', ResponseEvent)),
    ],
  },
  'POST /v1/responses/input_tokens': {
    ...stored,
    summary: 'Count the tokens of a response before it is made',
    body: { ...named('ResponseTokensRequest', ResponseTokensRequest), example },
    answers: [
      json(
        'Their number.',
        named(
          'ResponseTokens',
          z.object({ object: z.literal('response.input_tokens'), input_tokens: z.int() }),
        ),
      ),
    ],
  },
  'GET /v1/responses/:id': {
    ...stored,
    summary: 'Read a stored response',
    params: response,
    query: StoredResponseQuery,
    answers: [json('The response.', named('Response', ResponseAnswer))],
  },
  'DELETE /v1/responses/:id': {
    ...stored,
    summary: 'Delete a stored response',
    description: 'The log that it is recorded in stays.',
    params: response,
    answers: [json('It is gone.', named('Deleted', Deleted))],
  },
  'GET /v1/responses/:id/input_items': {
    ...stored,
    summary: 'List what a response was asked with',
    params: response,
    query: InputItemsQuery,
    answers: [
      json(
        'A page.',
        named('InputItemList', listOfWire(z.looseObject({ id: z.string(), type: z.string() }))),
      ),
    ],
  },
  'POST /v1/responses/compact': {
    ...stored,
    summary: 'Compact the items of a conversation: not offered, so that it is refused',
    codes: ['invalid_request'],
    answers: [json('Never.', named('Response', ResponseAnswer))],
  },
  'POST /v1/responses/:id/cancel': {
    ...stored,
    summary: 'Cancel a response in the background: there are none, so that it is refused',
    params: response,
    answers: [json('Never.', named('Response', ResponseAnswer))],
  },
  'GET /v1/chat/completions': {
    ...stored,
    summary: 'List stored completions',
    query: StoredCompletionsQuery,
    answers: [json('A page.', named('ChatCompletionList', listOfWire(ChatCompletion)))],
  },
  'GET /v1/chat/completions/:id': {
    ...stored,
    summary: 'Read a stored completion',
    params: completion,
    answers: [json('The completion.', named('ChatCompletion', ChatCompletion))],
  },
  'GET /v1/chat/completions/:id/messages': {
    ...stored,
    summary: 'List the messages of a stored completion',
    params: completion,
    query: WireListQuery,
    answers: [
      json(
        'A page.',
        named('StoredMessageList', listOfWire(z.looseObject({ id: z.string(), role: z.string() }))),
      ),
    ],
  },
  'POST /v1/chat/completions/:id': {
    ...stored,
    summary: 'Give a stored completion other metadata',
    params: completion,
    body: {
      ...named('StoredCompletionUpdate', StoredCompletionUpdate),
      example: { metadata: { topic: 'a' } },
    },
    answers: [json('The completion.', named('ChatCompletion', ChatCompletion))],
  },
  'DELETE /v1/chat/completions/:id': {
    ...stored,
    summary: 'Delete a stored completion',
    description: 'The log that it is recorded in stays.',
    params: completion,
    answers: [json('It is gone.', named('Deleted', Deleted))],
  },
} as const satisfies PublicRoutes;
