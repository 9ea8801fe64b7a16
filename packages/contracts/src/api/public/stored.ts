/** OpenAI's Responses API, and completions that were kept. */
import { z } from 'zod';
import {
  ListQuery,
  ResponseItemsQuery,
  ResponseQuery,
  StoredCompletionsQuery,
  StoredCompletionUpdate,
} from '../../models/lists.ts';
import { ResponsesRequest, ResponseTokensRequest } from '../../models/responses.ts';
import { events, json, named, type PublicRoutes } from './route.ts';
import { ChatCompletion } from './wire-answers.ts';

const completion = { id: 'Id of a completion that was kept.' };
const response = { id: 'Id of a response.' };
const Response = named('Response', z.object({ id: z.string(), object: z.literal('response') }));
const Page = named(
  'Page',
  z.object({
    object: z.literal('list'),
    data: z.array(z.object({ id: z.string() })),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  }),
);
const Deleted = named('Deleted', z.object({ id: z.string(), object: z.string(), deleted: z.literal(true) }));

export const storedRoutes = {
  'GET /v1/chat/completions': {
    tag: 'openai',
    summary: 'List completions that were kept',
    scope: 'chat',
    query: StoredCompletionsQuery,
    answers: [json('A page of them.', Page)],
    errors: 'openai',
  },
  'GET /v1/chat/completions/:id': {
    tag: 'openai',
    summary: 'Read a completion that was kept',
    scope: 'chat',
    params: completion,
    answers: [json('The completion.', named('ChatCompletion', ChatCompletion))],
    errors: 'openai',
  },
  'GET /v1/chat/completions/:id/messages': {
    tag: 'openai',
    summary: 'List the messages of a completion that was kept',
    scope: 'chat',
    params: completion,
    query: ListQuery,
    answers: [json('A page of them.', Page)],
    errors: 'openai',
  },
  'POST /v1/chat/completions/:id': {
    tag: 'openai',
    summary: 'Change the metadata of a completion that was kept',
    scope: 'chat',
    params: completion,
    body: {
      ...named('StoredCompletionUpdate', StoredCompletionUpdate),
      example: { metadata: { project: 'garden' } },
    },
    answers: [json('The completion.', named('ChatCompletion', ChatCompletion))],
    errors: 'openai',
  },
  'DELETE /v1/chat/completions/:id': {
    tag: 'openai',
    summary: 'Delete a completion that was kept',
    scope: 'chat',
    params: completion,
    answers: [json('It is gone.', Deleted)],
    errors: 'openai',
  },
  'POST /v1/responses': {
    tag: 'openai',
    summary: 'Make a response',
    scope: 'chat',
    asks_models: true,
    body: {
      ...named('ResponsesRequest', ResponsesRequest),
      example: { model: 'smollm2-135m-instruct', input: 'Hello' },
    },
    answers: [
      json('The response.', Response),
      events('With `stream`: its events.', named('ResponseEvent', z.object({ type: z.string() }))),
    ],
    errors: 'openai',
    codes: ['not_found'],
  },
  'POST /v1/responses/input_tokens': {
    tag: 'openai',
    summary: 'Count the tokens of a response that is not made',
    scope: 'chat',
    body: {
      ...named('ResponseTokensRequest', ResponseTokensRequest),
      example: { model: 'smollm2-135m-instruct', input: 'Hello' },
    },
    answers: [
      json(
        'Their number.',
        named(
          'ResponseTokens',
          z.object({ object: z.literal('response.input_tokens'), input_tokens: z.int().nonnegative() }),
        ),
      ),
    ],
    errors: 'openai',
    codes: ['model_not_found', 'not_found'],
  },
  'GET /v1/responses/:id': {
    tag: 'openai',
    summary: 'Read a response',
    scope: 'chat',
    params: response,
    query: ResponseQuery,
    answers: [json('The response.', Response)],
    errors: 'openai',
  },
  'DELETE /v1/responses/:id': {
    tag: 'openai',
    summary: 'Delete a response',
    scope: 'chat',
    params: response,
    answers: [json('It is gone.', Deleted)],
    errors: 'openai',
  },
  'GET /v1/responses/:id/input_items': {
    tag: 'openai',
    summary: 'List what a response was made from',
    scope: 'chat',
    params: response,
    query: ResponseItemsQuery,
    answers: [json('A page of it.', Page)],
    errors: 'openai',
  },
  'POST /v1/responses/:id/cancel': {
    tag: 'openai',
    summary: 'Cancel a response in the background, of which there is none: it is refused',
    scope: 'chat',
    params: response,
    answers: [json('The response.', Response)],
    errors: 'openai',
  },
} as const satisfies PublicRoutes;
