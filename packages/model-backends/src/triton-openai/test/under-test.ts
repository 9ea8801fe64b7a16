import { speaksOpenAi } from '../../../test/openai-wire.ts';
import type { UnderTest } from '../../../test/under-test.ts';

export const underTest: UnderTest = speaksOpenAi({
  env: (url) => ({ TRITON_OPENAI_URL: url }),
  // It is a FastAPI application.
  refusal: (_, message) => ({ body: { detail: message } }),
});
