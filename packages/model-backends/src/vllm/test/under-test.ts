import type { ChatMessage } from '@mcp/contracts';
import { speaksOpenAi } from '../../../test/openai-wire.ts';
import type { UnderTest } from '../../../test/under-test.ts';

interface Asked {
  readonly messages: readonly ChatMessage[];
  readonly continue_final_message?: boolean;
  readonly add_generation_prompt?: boolean;
}

/** It counts by the model's tokenizer where it is asked to; here it is not, and an estimate serves. */
export const underTest: UnderTest = speaksOpenAi({
  env: (url) => ({ VLLM_URL: url }),
  // Told nothing else, it ends what the last message says and begins a new answer.
  shown: ({ messages, continue_final_message, add_generation_prompt }: Asked) =>
    continue_final_message === true && add_generation_prompt === false
      ? {}
      : {
          messages: messages.filter(
            (message, at) => at < messages.length - 1 || message.role !== 'assistant',
          ),
        },
  listed: (models) => ({
    object: 'list',
    data: models.map(({ id }) => ({
      id,
      object: 'model',
      created: 1_700_000_000,
      owned_by: 'vllm',
      root: id,
      parent: null,
      max_model_len: 32_768,
      permission: [],
    })),
  }),
  refusal: (status, message) => ({
    body: { error: { message, type: 'BadRequestError', param: null, code: status } },
  }),
});
