import { speaksOpenAi } from '../../../test/openai-wire.ts';
import type { UnderTest } from '../../../test/under-test.ts';

/** It counts by the model's tokenizer where it is asked to; here it is not, and an estimate serves. */
export const underTest: UnderTest = speaksOpenAi({
  env: (url) => ({ VLLM_URL: url }),
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
