import { SCRIPT_EMBEDDING, scripted, scriptedReply, type UnderTest } from '../../../test/under-test.ts';

export const underTest: UnderTest = {
  runs: 'in-process',
  async open() {
    const backend = await scripted();
    return {
      backend,
      chat: 'chat',
      embedding: SCRIPT_EMBEDDING,
      reply: scriptedReply,
      close: () => backend.close(),
    };
  },
};
