import { type Stack, stacks } from '@mcp/stacks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Provider, startProvider, well } from './provider.ts';
import { type Shipped, startShipped } from './shipped.ts';

const Listed = z.object({ conversations: z.array(z.object({ id: z.string(), status: z.string() })) });

describe('a conversation whose first model has no room', () => {
  let busy: Provider;
  let shipped: Shipped;
  let answer: () => void;
  beforeAll(async () => {
    busy = await startProvider();
    const free = new Promise<void>((done) => {
      answer = done;
    });
    busy.answer = async (hit) => {
      await free;
      well(hit);
    };
    shipped = await startShipped({
      stack: stacks.prod as Stack,
      services: ['gateway', 'core', 'model-gateway'],
      operator: { MODEL_BACKENDS: 'openai', MCP_QUEUE_MAX_WAITING: '2', MODEL_CONCURRENCY: '{"m":1}' },
      secrets: { openai_targets: JSON.stringify([{ name: 'busy', base_url: busy.url }]) },
    });
  });
  afterAll(async () => {
    await shipped.stop();
    await busy.close();
  });

  const ask: Shipped['ask'] = (path, body) => shipped.ask(path, body);
  const conversations = async () => Listed.parse(await (await ask('/v1/conversations')).json()).conversations;
  const chat = (more: object = {}) =>
    ask('/chat', { modelA: 'm', modelB: 'm', exchanges: 1, message: 'How is it?', ...more });

  it('is refused with 429 and a time to come back before anything is written, in whatever order they come', async () => {
    // One at work, two waiting; the others come at the same moment and would race for the last place.
    const answers = Array.from({ length: 12 }, (_, n) => chat({ stream: n % 2 === 0 }));
    const refused = new Set<Response>();
    for (const work of answers)
      void work.then((response) => {
        if (response.status === 429) refused.add(response);
      });
    await expect.poll(() => refused.size).toBe(9);
    for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    await expect
      .poll(async () => (await conversations()).map(({ status }) => status))
      .toEqual(Array(3).fill('running'));
    await expect.poll(() => busy.hits.length).toBe(1);
    // A question in a conversation that is there is refused alike, and leaves it as it is.
    answer();
    for (const response of await Promise.all(answers)) {
      if (refused.has(response)) continue;
      expect(response.status).toBe(200);
      expect(await response.text()).toContain('all is well');
    }
    await expect
      .poll(async () => (await conversations()).map(({ status }) => status))
      .toEqual(Array(3).fill('completed'));
  });

  it('leaves a conversation that goes on as it was', async () => {
    const [known] = await conversations();
    const free = Promise.withResolvers<void>();
    busy.answer = async (hit) => {
      await free.promise;
      well(hit);
    };
    const holding = Array.from({ length: 3 }, () => chat());
    await expect
      .poll(async () => (await conversations()).filter(({ status }) => status === 'running').length)
      .toBe(3);
    expect((await chat()).status).toBe(429);
    const path = `/v1/conversations/${known?.id}`;
    const was: unknown = await (await ask(path)).json();
    const refused = await ask('/chat', { conversation_id: known?.id, message: 'And now?' });
    expect(refused.status).toBe(429);
    expect(await (await ask(path)).json()).toEqual(was);
    free.resolve();
    await Promise.all(holding);
    expect((await ask('/chat', { conversation_id: known?.id, message: 'And now?' })).status).toBe(200);
  });
});
