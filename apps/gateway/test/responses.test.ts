import { PlatformError } from '@mcp/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Harness, startGateway } from './harness.ts';

let g: Harness;
beforeAll(async () => {
  g = await startGateway();
});
afterAll(() => g.close());
afterEach(() => Object.assign(g.options, { words: 5, pause_ms: 0, refusal: undefined, full: false }));

const Frame = z.looseObject({
  type: z.string(),
  response: z.looseObject({ status: z.string(), store: z.boolean(), error: z.unknown() }).optional(),
});
const post = (change: object, init: RequestInit = {}, at = g) =>
  at.ask('/v1/responses', {
    method: 'POST',
    body: JSON.stringify({ model: 'tiny-chat', input: 'hi', ...change }),
    ...init,
  });
const framesOf = async (answer: Response) =>
  (await answer.text()).split('\n\n').flatMap((frame) => {
    const data = /^data: (.*)$/m.exec(frame)?.[1];
    return data === undefined ? [] : [Frame.parse(JSON.parse(data))];
  });
const kept = () => g.seen.recorded.length;

describe('a response', () => {
  test.each([false, true])(
    'says that it was not kept when it could not be (streamed: %s)',
    async (stream) => {
      g.options.full = true;
      const before = kept();
      const answer = await post({ stream });
      expect(answer.status).toBe(200);
      const response = stream ? (await framesOf(answer)).at(-1)?.response : await answer.json();
      expect(response).toMatchObject({ status: 'completed', store: false, output: [{ type: 'message' }] });
      expect(kept()).toBe(before);
    },
  );

  test('is kept with what was asked and answered unless it says otherwise', async () => {
    const before = kept();
    const answer = await post({ instructions: 'be brief' });
    expect(await answer.json()).toMatchObject({ store: true, mcp: { conversation_id: expect.any(String) } });
    expect(await (await post({ store: false })).json()).toMatchObject({ store: false });
    expect(g.seen.recorded.slice(before)).toMatchObject([
      {
        question: [
          { role: 'system', content: 'be brief' },
          { role: 'user', content: 'hi' },
        ],
        answer: 'word0 word1 word2 word3 word4 ',
      },
    ]);
  });

  test('has its own last event when it fails half-way, and is not kept', async () => {
    Object.assign(g.options, { words: 100, pause_ms: 50 });
    const before = kept();
    const frames = await framesOf(await post({ stream: true }, { headers: { 'x-mcp-timeout-ms': '1500' } }));
    expect(frames[0]?.type).toBe('response.created');
    expect(frames.at(-1)).toMatchObject({
      type: 'response.failed',
      response: {
        status: 'failed',
        store: false,
        error: { code: 'server_error', message: expect.any(String) },
      },
    });
    expect(kept()).toBe(before);
  });

  test('that is refused has its status, streamed or not, in the words of its request', async () => {
    g.options.refusal = new PlatformError('invalid_request', 'messages: are too many.', {
      param: 'messages.3',
    });
    for (const stream of [false, true]) {
      const answer = await post({ stream });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        error: { message: 'input: are too many.', param: 'input' },
      });
    }
  });

  test('whose client leaves is not kept', async () => {
    Object.assign(g.options, { words: 100, pause_ms: 50 });
    const before = kept();
    const ends = g.seen.ends.length;
    const left = new AbortController();
    const answer = await post({ stream: true }, { signal: left.signal });
    const reader = answer.body?.getReader();
    await reader?.read();
    left.abort();
    await reader?.closed.catch(() => undefined);
    await expect.poll(() => g.seen.ends[ends]?.how).toBe('aborted');
    expect(kept()).toBe(before);
  });
});

test('nothing is kept where the operator has switched that off', async () => {
  const off = await startGateway({ nats: g.nats, env: { RECORD_COMPLETIONS_ENABLED: 'false' } });
  try {
    expect(await (await post({ store: true }, {}, off)).json()).toMatchObject({ store: false });
    const answer = await off.ask('/v1/chat/completions', {
      method: 'POST',
      body: JSON.stringify({ model: 'mcp/dual', messages: [{ role: 'user', content: 'hi' }], store: true }),
    });
    expect(answer.status).toBe(200);
    expect(off.seen.recorded).toEqual([]);
  } finally {
    await off.close();
  }
});
