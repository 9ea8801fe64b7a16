import { setTimeout as sleep } from 'node:timers/promises';
import { AssetStore } from '@mcp/assets';
import { type ModelBackend, type ModelEvent, PlatformError } from '@mcp/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createBackends } from '../src/index.ts';
import { backendEnv } from './under-test.ts';

const MODEL = 'smollm2-135m-instruct';

describe('an embedded model', () => {
  let backend: ModelBackend;
  beforeAll(async () => {
    const models = [
      { id: MODEL, kind: 'chat', path: new AssetStore().expected(MODEL), max_context: 4096, parallel: 2 },
    ];
    const env = backendEnv.parse({ MCP_EMBEDDED_MODELS: JSON.stringify(models) });
    [backend] = (await createBackends(['embedded'], env)) as [ModelBackend];
    const ready = async () => (await backend.models(AbortSignal.timeout(1000)))[0]?.status === 'ready';
    while (!(await ready())) await sleep(50);
  });
  afterAll(() => backend.close());
  afterEach(() => vi.restoreAllMocks());

  /** A container whose memory is used up. */
  const useUpMemory = () => vi.spyOn(process, 'constrainedMemory').mockReturnValue(1);

  const ask = (content: string, max_tokens: number, signal = new AbortController().signal) =>
    backend.generate(
      { model: MODEL, messages: [{ role: 'user', content }], max_tokens, temperature: 0, stream: true },
      { signal, deadline_ms: Date.now() + 60_000, traceparent: undefined },
    );
  const textOf = async (events: AsyncIterable<ModelEvent>) => {
    let text = '';
    for await (const event of events) if (event.type === 'text') text += event.text;
    return text;
  };
  /** Its first words: the context has been made by then. */
  const begin = async (max_tokens: number) => {
    const stop = new AbortController();
    try {
      for await (const event of ask('Tell a long story.', max_tokens, stop.signal))
        if (event.type === 'text') stop.abort(new PlatformError('cancelled', 'enough'));
    } catch (error) {
      return error instanceof PlatformError ? error.code : error;
    }
    return 'ended of itself';
  };
  const LONG = 'word '.repeat(3000);

  it('answers within the context it has when there is no memory for more, two in turn', async () => {
    useUpMemory();
    expect(await begin(3000)).toBe('cancelled');
    const both = await Promise.all([textOf(ask('What is a queue?', 6)), textOf(ask('What is a tree?', 6))]);
    expect(both.every((text) => text !== '')).toBe(true);
  });

  it('says that there is no memory for a prompt that is too long for that, and that it may be later', async () => {
    useUpMemory();
    await expect(textOf(ask(LONG, 16))).rejects.toMatchObject({
      code: 'unavailable',
      retry_after_ms: 5000,
      message: expect.stringMatching(/There is not the memory for the 30\d\d tokens/),
    });
    expect(await textOf(ask('What is a queue?', 6))).not.toBe('');
  });

  it('grows when there is memory: a longer answer, a longer prompt, two at once', async () => {
    expect(await begin(3000)).toBe('cancelled');
    const stop = new AbortController();
    // It is accepted, and left before it is read.
    const long = textOf(ask(LONG, 16, stop.signal)).catch((error: unknown) => error);
    const short = await textOf(ask('What is a queue?', 6));
    expect(short).not.toBe('');
    stop.abort(new PlatformError('cancelled', 'enough'));
    expect(await long).toMatchObject({ code: 'cancelled' });
  });
});
