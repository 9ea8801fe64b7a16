import type { UnderTest } from '../../../test/under-test.ts';
import { openAiServer } from '../../../test/upstreams.ts';

export const underTest: UnderTest = {
  runs: 'elsewhere',
  env: (url) => ({ OPENAI_BASE_URL: `${url}/v1` }),
  server: openAiServer,
  list: '/v1/models',
  describe: (path) => (path === '/v1/models' ? { object: 'list', data: [{ id: 'chat' }] } : undefined),
  stream: {
    type: 'text/event-stream',
    begun:
      'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"chat","choices":[{"index":0,"delta":{"content":"half"},"finish_reason":null}]}\n\n',
  },
};
