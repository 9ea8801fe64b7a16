import { speaksOpenAi } from '../../../test/openai-wire.ts';
import type { UnderTest } from '../../../test/under-test.ts';

const DEPLOYMENT = /^\/openai\/deployments\/([^/]+)\/[a-z/]+\?api-version=2024-10-21$/;

export const underTest: UnderTest = speaksOpenAi({
  env: (url) => ({
    AZURE_OPENAI_ENDPOINT: url,
    AZURE_OPENAI_API_KEY: 'test',
    AZURE_OPENAI_DEPLOYMENTS: JSON.stringify({ chat: 'gpt-4o', 'scripted/embed': 'text-embedding-3-small' }),
  }),
  list: undefined,
  modelIn(path) {
    const [, name] = DEPLOYMENT.exec(path) ?? [];
    return name === undefined ? 'no-deployment' : decodeURIComponent(name);
  },
  refusal: (status, message) => ({ body: { error: { code: String(status), message } } }),
});
