import { type Stack, stacks } from '@mcp/stacks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chunk, type Hit, type Provider, startProvider } from './provider.ts';
import { type Shipped, startShipped } from './shipped.ts';

const WHOLE = JSON.stringify({
  id: 'c1',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'all is well' }, finish_reason: 'stop' }],
});
const HALF = WHOLE.slice(0, WHOLE.length / 2);
const SAID = chunk({ content: 'half an answer' });

/** How an answer can be cut: as a whole one, and as a stream. */
const CUTS: readonly [string, { json(hit: Hit): void; stream(hit: Hit): void }][] = [
  [
    'by a reset in the middle of a piece',
    {
      json: ({ response }) =>
        void response
          .writeHead(200, { 'content-type': 'application/json', 'content-length': WHOLE.length })
          .write(HALF, () => response.socket?.resetAndDestroy()),
      stream: ({ response }) =>
        void response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .write(SAID + SAID.slice(0, 40), () => response.socket?.resetAndDestroy()),
    },
  ],
  [
    'by an end in the middle of a piece',
    {
      json: ({ response }) => void response.writeHead(200, { 'content-type': 'application/json' }).end(HALF),
      stream: ({ response }) =>
        void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(SAID + SAID.slice(0, 40)),
    },
  ],
  [
    'by an end between pieces',
    {
      json: ({ response }) => void response.writeHead(200, { 'content-type': 'application/json' }).end(),
      stream: ({ response }) =>
        void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(SAID),
    },
  ],
  [
    'by a reset before the first piece',
    {
      json: ({ response }) =>
        void response
          .writeHead(200, { 'content-type': 'application/json' })
          .write('', () => response.socket?.resetAndDestroy()),
      stream: ({ response }) =>
        void response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .write(': hello\n\n', () => response.socket?.resetAndDestroy()),
    },
  ],
];

describe('an answer of a provider that is cut', () => {
  let cutting: Provider;
  let shipped: Shipped;
  beforeAll(async () => {
    // A model for each way, so that all are tried at once.
    cutting = await startProvider(CUTS.map(([how]) => how));
    cutting.answer = (hit) => {
      const cut = CUTS.find(([how]) => how === hit.model)?.[1];
      if (hit.stream) cut?.stream(hit);
      else cut?.json(hit);
    };
    shipped = await startShipped({
      stack: stacks.prod as Stack,
      services: ['gateway', 'core', 'model-gateway'],
      operator: { MODEL_BACKENDS: 'openai' },
      secrets: { openai_targets: JSON.stringify([{ name: 'cutting', base_url: cutting.url }]) },
    });
  });
  afterAll(async () => {
    await shipped.stop();
    await cutting.close();
  });

  const ask: Shipped['ask'] = (path, body) => shipped.ask(path, body);
  const completion = (model: string) => ({ model, messages: [{ role: 'user', content: 'How is it?' }] });
  const conversation = (model: string) => ({ modelA: model, modelB: model, message: 'How is it?' });

  it.concurrent.each(CUTS)('%s is 502 upstream_interrupted as JSON', async (how) => {
    const answer = await ask('/v1/chat/completions', completion(how));
    const body: unknown = await answer.json();
    expect([answer.status, body]).toMatchObject([502, { error: { code: 'upstream_interrupted' } }]);
  });

  it.concurrent.each(CUTS)('%s ends a stream with that error', async (how) => {
    const answer = await ask('/v1/chat/completions', { ...completion(how), stream: true });
    const text = await answer.text();
    expect(text).toContain('"code":"upstream_interrupted"');
    expect(text).not.toContain('[DONE]');
    expect(answer.status).toBe(text.includes('half an answer') ? 200 : 502);
  });

  it.concurrent.each(CUTS)('%s interrupts a conversation, which can be resumed', async (how) => {
    const answer = await ask('/chat', conversation(how));
    const body: unknown = await answer.json();
    expect([answer.status, body]).toMatchObject([502, { code: 'upstream_interrupted' }]);
    const kept = await ask(`/v1/conversations/${answer.headers.get('x-mcp-conversation-id')}`);
    expect(await kept.json()).toMatchObject({ status: 'interrupted' });
  });

  it.concurrent.each(CUTS)(
    '%s is an event of a streamed conversation, which says that it may be tried again',
    async (how) => {
      const text = await (await ask('/chat', { ...conversation(how), stream: true })).text();
      expect(text).toContain('event: error');
      expect(text).toContain('"code":"upstream_interrupted"');
      expect(text).toContain('"retryable":true');
    },
  );
});
