import { speaksOpenAi } from '../../../test/openai-wire.ts';
import type { UnderTest } from '../../../test/under-test.ts';

export const underTest: UnderTest = speaksOpenAi({
  env: (url) => ({ DEEPSEEK_BASE_URL: url, DEEPSEEK_API_KEY: 'sk-test' }),
  list: '/models',
});
