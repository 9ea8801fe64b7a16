import { z } from 'zod';
import {
  CountTokensRequest,
  EmbeddingsResult,
  type ModelEvent,
  ModelInfo,
  type Place,
  QueueStatus,
  TokenCount,
} from '../models/model.ts';
import { type ChatCompletionRequest, EmbeddingsRequest } from '../models/openai.ts';
import type { CallContext } from './call.ts';
import { type ApiOf, defineApi } from './endpoint.ts';

/** What of the model-gateway's interface is not on a wire of its own. */
export const modelGatewayEndpoints = defineApi({
  embed: {
    method: 'POST',
    path: '/internal/embeddings',
    body: EmbeddingsRequest,
    answers: 'json',
    answer: EmbeddingsResult,
    lane: 'long',
    idempotent: true,
    callers: ['gateway', 'core', 'task-engine'],
  },
  countTokens: {
    method: 'POST',
    path: '/internal/tokens',
    body: CountTokensRequest,
    answers: 'json',
    answer: TokenCount,
    idempotent: true,
    callers: ['gateway', 'core', 'task-engine'],
  },
  models: {
    method: 'GET',
    path: '/internal/models',
    answers: 'json',
    answer: z.array(ModelInfo).readonly(),
    callers: ['gateway', 'core', 'task-engine'],
  },
  /** One model. Throws `model_not_found`, and `unavailable` while a server that may have it does not tell its models. */
  model: {
    method: 'GET',
    path: '/internal/models/:id{.+}',
    param: 'text',
    answers: 'json',
    answer: ModelInfo,
    callers: ['gateway', 'core', 'task-engine'],
  },
  queues: {
    method: 'GET',
    path: '/internal/queues',
    answers: 'json',
    answer: z.array(QueueStatus).readonly(),
    callers: ['gateway'],
  },
});

/** The model-gateway's interface, the same in process and over HTTP. */
export interface ModelGatewayApi extends ApiOf<typeof modelGatewayEndpoints> {
  /** Throws before its first event when the request is refused (unknown model, full queue, …). */
  generate(request: ChatCompletionRequest, call: CallContext): AsyncIterable<ModelEvent>;
  /**
   * Takes room for an inference that is about to be asked for with `place` in its call. Throws what `generate` would
   * throw before its first event: so it is known before anything is written whether the request is refused.
   */
  reserve(model: string, call: CallContext): Promise<Place>;
}
