/** The routes that speak other platforms' wires. */
import { z } from 'zod';
import {
  AnthropicCountTokensRequest,
  AnthropicMessagesRequest,
  AnthropicQuery,
} from '../../models/anthropic.ts';
import { ModerationRequest } from '../../models/openai.ts';
import {
  CompletionRequest,
  PublicChatCompletionRequest,
  PublicEmbeddingsRequest,
} from '../../models/openai-public.ts';
import { events, json, named, type PublicRoutes } from './route.ts';
import {
  AnthropicModel,
  AnthropicModelList,
  ChatCompletion,
  ChatCompletionChunk,
  EmbeddingList,
  Message,
  MessageEvent,
  Model,
  ModelList,
  Moderation,
  TextCompletion,
} from './wire-answers.ts';

const FOR_ANTHROPIC = {
  'anthropic-version':
    "With it, answers and errors are in Anthropic's format. A list then takes limit, after_id and before_id.",
};

const DONE = 'one chunk after the other, then `data: [DONE]`; an error ends it without that';

export const wireRoutes = {
  'POST /v1/chat/completions': {
    tag: 'openai',
    summary: 'Complete a chat',
    description:
      'By a model, or by a conversation of two behind an alias (`mcp/dual`). What each parameter does on each backend: docs/wire-features.md.',
    scope: 'chat',
    asks_models: true,
    body: {
      ...named('ChatCompletionRequest', PublicChatCompletionRequest),
      example: { model: 'smollm2-135m-instruct', messages: [{ role: 'user', content: 'Hello' }] },
    },
    answers: [
      json('The completion.', named('ChatCompletion', ChatCompletion)),
      events(`With \`stream\`: ${DONE}.`, named('ChatCompletionChunk', ChatCompletionChunk)),
    ],
    errors: 'openai',
  },
  'POST /v1/completions': {
    tag: 'openai',
    summary: 'Complete prompts, in the format before chats',
    scope: 'chat',
    asks_models: true,
    body: {
      ...named('CompletionRequest', CompletionRequest),
      example: { model: 'smollm2-135m-instruct', prompt: 'Name a colour.', max_tokens: 16 },
    },
    answers: [
      json('The texts.', named('TextCompletion', TextCompletion)),
      events(`With \`stream\`: ${DONE}.`, named('TextCompletion', TextCompletion)),
    ],
    errors: 'openai',
  },
  'POST /v1/embeddings': {
    tag: 'openai',
    summary: 'Embed texts, or their tokens',
    scope: 'chat',
    asks_models: true,
    body: {
      ...named('EmbeddingsRequest', PublicEmbeddingsRequest),
      example: { model: 'all-minilm-l6-v2', input: ['the cat sat', 'stock market'] },
    },
    answers: [json('A vector for each text.', named('EmbeddingList', EmbeddingList))],
    errors: 'openai',
  },
  'POST /v1/moderations': {
    tag: 'openai',
    summary: 'Look at texts for what calls for caution',
    scope: 'chat',
    body: {
      ...named('ModerationRequest', ModerationRequest),
      example: { input: 'How do I bake bread?' },
    },
    answers: [json('What was found in each text.', named('Moderation', Moderation))],
    errors: 'openai',
  },
  'GET /v1/models': {
    tag: 'openai',
    summary: 'List models and aliases',
    scope: 'chat',
    headers: FOR_ANTHROPIC,
    answers: [
      json('Every model with its state.', named('ModelList', z.union([ModelList, AnthropicModelList]))),
    ],
    errors: 'openai',
  },
  'GET /v1/models/:id{.+}': {
    tag: 'openai',
    summary: 'Find a model',
    scope: 'chat',
    params: { id: 'Id of a model; it may hold slashes.' },
    headers: FOR_ANTHROPIC,
    answers: [json('The model.', named('Model', z.union([Model, AnthropicModel])))],
    errors: 'openai',
    codes: ['model_not_found'],
  },
  'POST /v1/messages': {
    tag: 'anthropic',
    summary: 'Answer messages',
    scope: 'chat',
    asks_models: true,
    query: AnthropicQuery,
    body: {
      ...named('MessagesRequest', AnthropicMessagesRequest),
      example: {
        model: 'smollm2-135m-instruct',
        max_tokens: 100,
        messages: [{ role: 'user', content: 'Hello' }],
      },
    },
    answers: [
      json('The message.', named('Message', Message)),
      events('With `stream`: its blocks, one after the other.', named('MessageEvent', MessageEvent)),
    ],
    errors: 'anthropic',
  },
  'POST /v1/messages/count_tokens': {
    tag: 'anthropic',
    summary: 'Count the tokens of messages',
    scope: 'chat',
    query: AnthropicQuery,
    body: {
      ...named('CountTokensRequest', AnthropicCountTokensRequest),
      example: { model: 'smollm2-135m-instruct', messages: [{ role: 'user', content: 'Hello' }] },
    },
    answers: [json('Their number.', named('TokenCount', z.object({ input_tokens: z.int().nonnegative() })))],
    errors: 'anthropic',
    codes: ['model_not_found'],
  },
} as const satisfies PublicRoutes;
