/** Aliases as clients meet them: in the list, on every wire, in a conversation, and what their answers say. */
import { ChatResponse } from '@mcp/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { forget, type Platform, type Shared, shared, startPlatform } from './support.ts';

const MODELS = [
  { id: 'down', rules: [{ error: 'upstream_failed' }] },
  { id: 'breaks', rules: [{ reply: 'all is lost', error: 'upstream_interrupted', fail_after_tokens: 2 }] },
  { id: 'up', max_context: 4096, rules: [{ reply: 'all is well' }] },
];
const ALIASES = {
  fast: { candidates: [{ model: 'down' }, { model: 'up' }], strategy: 'order' },
  whole: {
    candidates: [{ model: 'breaks' }],
    fallbacks: { error: ['up'] },
    on_interrupt: 'resume',
  },
  strict: { candidates: [{ model: 'up' }], residency: ['eu'], needs: [] },
};
const TEXT = { messages: [{ role: 'user', content: 'How is it?' }] };

describe.each(['in one process', 'apart'] as const)('an alias of the platform, %s', (form) => {
  let place: Shared;
  let platform: Platform;
  beforeAll(async () => {
    place = await shared();
    platform = await startPlatform(form, place, {
      MCP_SCRIPTED_MODELS: JSON.stringify(MODELS),
      MODEL_ALIASES: JSON.stringify(ALIASES),
    });
  });
  afterAll(async () => {
    await platform.close();
    await forget(place);
  });

  test('is in the list and on its own', async () => {
    await expect.poll(async () => (await platform.ask('/v1/models')).status, { timeout: 60_000 }).toBe(200);
    const list = JSON.parse(await (await platform.ask('/v1/models')).text());
    expect(list.data.map(({ id }: { id: string }) => id)).toContain('fast');
    expect(await (await platform.ask('/v1/models/fast')).json()).toMatchObject({ id: 'fast' });
  }, 70_000);

  test.each([
    ['/v1/chat/completions', TEXT],
    ['/v1/completions', { prompt: 'How is it?' }],
    ['/v1/responses', { input: 'How is it?' }],
    ['/v1/messages', { ...TEXT, max_tokens: 50 }],
  ])('answers %s by the model that can, names it in a header and keeps its own name', async (path, body) => {
    for (const stream of [false, true]) {
      const answer = await platform.ask(path, { ...body, model: 'fast', stream });
      const text = await answer.text();
      expect([answer.status, answer.headers.get('x-mcp-model')], text).toEqual([200, 'up']);
      expect(text).toMatch(/"model":"fast"/);
      expect(text).not.toContain('mcp_model');
    }
  });

  test('speaks in a conversation, where nobody gets it who did not name it', async () => {
    const asked = { modelA: 'fast', exchanges: 1, message: 'How is it?' };
    const answer = await platform.ask('/chat', asked);
    const response = ChatResponse.parse(JSON.parse(await answer.text()));
    expect(response.messages.map(({ model, content }) => [model, content])).toEqual([
      ['fast', 'all is well'],
    ]);
    expect(response.models[1]).not.toBe('fast');
  });

  test.each([
    ['/v1/chat/completions', TEXT],
    ['/v1/completions', { prompt: 'How is it?' }],
    ['/v1/responses', { input: 'How is it?' }],
    ['/v1/messages', { ...TEXT, max_tokens: 50 }],
  ])(
    'that breaks off in %s goes on with another model, or fails, as its caller chose',
    async (path, body) => {
      const ask = async (on_interrupt?: string) => {
        const headers: Record<string, string> =
          on_interrupt === undefined ? {} : { 'x-mcp-on-interrupt': on_interrupt };
        return (await platform.ask(path, { ...body, model: 'whole', stream: true }, headers)).text();
      };
      expect(await ask()).toContain(
        ': x-mcp-resumed {"from":"breaks","to":"up","code":"upstream_interrupted"}\n\n',
      );
      const failed = await ask('fail');
      expect(failed).not.toContain('x-mcp-resumed');
      expect(failed).toContain('error');
      const wrong = await platform.ask(path, { ...body, model: 'whole' }, { 'x-mcp-on-interrupt': 'maybe' });
      expect([wrong.status, await wrong.text()]).toEqual([400, expect.stringContaining('resume or fail')]);
    },
  );

  test('that breaks off in a turn is told as an event and kept in the record', async () => {
    const answer = await platform.ask('/chat', {
      participants: [{ model: 'whole' }],
      message: 'How is it?',
      stream: true,
    });
    const text = await answer.text();
    expect(text).toMatch(/event: stream_resumed\n.*\ndata: .*"from":"breaks","to":"up"/);
    const id = /"conversation_id":"([^"]+)"/.exec(text)?.[1];
    const log = JSON.parse(await (await platform.ask(`/v1/conversations/${id}`)).text());
    const turn = log.messages.find(({ kind }: { kind: string }) => kind === 'turn');
    expect(turn).toMatchObject({
      content: 'all is well',
      resumed: [{ from: 'breaks', to: 'up', code: 'upstream_interrupted' }],
    });
    expect(await (await platform.ask(`/v1/conversations/${id}/verify`, {})).json()).toMatchObject({
      ok: true,
    });
  });

  test('refuses what none of its models may answer, and a name that is none is one 404', async () => {
    const refused = await platform.ask('/v1/chat/completions', { ...TEXT, model: 'strict' });
    expect([refused.status, await refused.json()]).toMatchObject([
      421,
      { error: { code: 'wrong_region', param: 'model' } },
    ]);
    const unknown = await platform.ask('/v1/chat/completions', { ...TEXT, model: 'fasst' });
    expect([unknown.status, await unknown.json()]).toMatchObject([
      404,
      { error: { code: 'model_not_found', param: 'model' } },
    ]);
  });
});
