import { speaksOpenAi } from '../../../test/openai-wire.ts';
import type { UnderTest } from '../../../test/under-test.ts';

export const underTest: UnderTest = speaksOpenAi({
  env: (url) => ({ LM_STUDIO_URL: url }),
  list: '/api/v0/models',
  listed: (models) => ({
    object: 'list',
    data: models.map(({ id, kind }) => ({
      id,
      object: 'model',
      type: kind === 'embedding' ? 'embeddings' : 'llm',
      publisher: 'test',
      arch: 'llama',
      compatibility_type: 'gguf',
      quantization: 'Q4_K_M',
      state: 'loaded',
      max_context_length: 32_768,
      loaded_context_length: 8192,
      capabilities: ['tool_use'],
    })),
  }),
  refusal: (_, message) => ({ body: { error: message } }),
});
