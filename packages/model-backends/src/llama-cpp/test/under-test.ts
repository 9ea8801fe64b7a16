import { speaksOpenAi } from '../../../test/openai-wire.ts';
import type { UnderTest } from '../../../test/under-test.ts';

export const underTest: UnderTest = speaksOpenAi({
  env: (url) => ({ LLAMA_CPP_URL: url }),
  describe: (path) =>
    path === '/props'
      ? {
          default_generation_settings: { n_ctx: 4096 },
          total_slots: 1,
          modalities: { vision: false, audio: false },
        }
      : undefined,
  refusal: (status, message) => ({ body: { error: { code: status, message, type: 'server_error' } } }),
});
