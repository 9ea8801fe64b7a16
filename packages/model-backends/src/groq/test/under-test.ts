import { speaksOpenAi } from '../../../test/openai-wire.ts';
import type { UnderTest } from '../../../test/under-test.ts';

export const underTest: UnderTest = speaksOpenAi({
  env: (url) => ({ GROQ_BASE_URL: `${url}/openai/v1`, GROQ_API_KEY: 'gsk_test' }),
  list: '/openai/v1/models',
  listed: (models) => ({
    object: 'list',
    data: models.map(({ id }) => ({
      id,
      object: 'model',
      created: 1_693_721_698,
      owned_by: 'Meta',
      active: true,
      context_window: 131_072,
      public_apps: null,
    })),
  }),
  refusal: (_, message) => ({ body: { error: { message, type: 'invalid_request_error' } } }),
});
