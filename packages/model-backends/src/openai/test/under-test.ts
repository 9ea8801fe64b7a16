import { speaksOpenAi } from '../../../test/openai-wire.ts';
import type { UnderTest } from '../../../test/under-test.ts';

export const underTest: UnderTest = speaksOpenAi({ env: (url) => ({ OPENAI_BASE_URL: `${url}/v1` }) });
