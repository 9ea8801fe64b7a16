import { setTimeout as sleep } from 'node:timers/promises';
import { AssetStore } from '@mcp/assets';
import { make, type UnderTest } from '../../../test/under-test.ts';

/** The real small models, from the cache that `npm test` fills. */
export const underTest: UnderTest = {
  runs: 'in-process',
  async open() {
    const store = new AssetStore();
    const chat = 'smollm2-135m-instruct';
    const embedding = 'all-minilm-l6-v2';
    const models = [
      { id: chat, kind: 'chat', path: store.expected(chat), max_context: 1024 },
      { id: embedding, kind: 'embedding', path: store.expected(embedding), max_context: 512 },
    ];
    const backend = await make('embedded', { MCP_EMBEDDED_MODELS: JSON.stringify(models) });
    const ready = async () =>
      (await backend.models(AbortSignal.timeout(1000))).every(({ status }) => status === 'ready');
    while (!(await ready())) await sleep(100);
    return { backend, chat, embedding, close: () => backend.close() };
  },
};
