/** One gateway that is asked by another by OpenAI's wire and by Anthropic's, and what becomes of requests that go in a circle. */
import { freePort } from '@mcp/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { forget, type Platform, type Shared, shared, startPlatform } from './support.ts';

const MODELS = [
  { id: 'far', rules: [{ match: 'fail', error: 'content_filter' }, { reply: 'far and well: {last}' }] },
  { id: 'far/embed', kind: 'embedding' },
];
const TEXT = { messages: [{ role: 'user', content: 'How is it?' }] };

let places: readonly Shared[] = [];
let first: Platform;
let second: Platform;
beforeAll(async () => {
  places = [await shared(), await shared()];
  const [here, there] = places as [Shared, Shared];
  second = await startPlatform('in one process', there, { MCP_SCRIPTED_MODELS: JSON.stringify(MODELS) });
  const port = await freePort();
  const self = { base_url: `http://127.0.0.1:${port}/v1`, api_key: here.admin };
  first = await startPlatform('in one process', here, {
    MCP_GATEWAY_PORT: String(port),
    MODEL_BACKENDS: 'openai,anthropic',
    OPENAI_TARGETS: JSON.stringify([
      { name: 'second', base_url: `${second.url}/v1`, api_key: there.admin },
      { ...self, name: 'circle', models: ['circle'], embedding_models: ['circle-embed'] },
      // It asks itself for its models while it makes their list.
      { ...self, name: 'mirror' },
    ]),
    ANTHROPIC_BASE_URL: second.url,
    ANTHROPIC_API_KEY: there.admin,
  });
}, 90_000);
afterAll(async () => {
  await first.close();
  await second.close();
  for (const place of places) await forget(place);
});

test('lists the models of the other one, though it asks itself for its own list', async () => {
  const known = async (model: string) => (await first.ask(`/v1/models/${model}`)).status;
  await expect.poll(() => known('second/far'), { timeout: 60_000 }).toBe(200);
  await expect.poll(() => known('anthropic/far'), { timeout: 60_000 }).toBe(200);
}, 130_000);

test.each(['second/far', 'anthropic/far'])('answers by the other one: %s', async (model) => {
  for (const stream of [false, true]) {
    const answer = await first.ask('/v1/chat/completions', { ...TEXT, model, stream });
    const text = await answer.text();
    expect(answer.status, text).toBe(200);
    const said = stream
      ? [...text.matchAll(/"content":"([^"]*)"/g)].map(([, piece]) => piece).join('')
      : JSON.parse(text).choices[0].message.content;
    expect(said).toBe('far and well: How is it?');
  }
});

test('passes on vectors, what it refuses, and what it does not have', async () => {
  const vectors = await first.ask('/v1/embeddings', { model: 'second/far/embed', input: ['a', 'b'] });
  expect(JSON.parse(await vectors.text()).data).toHaveLength(2);
  const refused = await first.ask('/v1/chat/completions', {
    model: 'second/far',
    messages: [{ role: 'user', content: 'fail' }],
  });
  expect(await refused.json()).toMatchObject({ error: { code: 'content_filter' } });
  // Once it has its own list from itself, too, it is sure that nobody has such a model.
  const code = async () => {
    const answer = await first.ask('/v1/chat/completions', { ...TEXT, model: 'nowhere' });
    return JSON.parse(await answer.text()).error.code;
  };
  await expect.poll(code, { timeout: 60_000 }).toBe('model_not_found');
}, 70_000);

test.each([
  ['/v1/chat/completions', { ...TEXT, model: 'circle' }],
  ['/v1/chat/completions', { ...TEXT, model: 'circle', stream: true }],
  ['/v1/embeddings', { model: 'circle-embed', input: 'a' }],
])('refuses what goes in a circle, without trying again: %s %j', async (path, body) => {
  const before = await requests();
  const answer = await first.ask(path, body);
  const text = await answer.text();
  expect([answer.status, text]).toEqual([400, expect.stringMatching(/passed 3 gateways.*in a circle/)]);
  // The client's, and one by each gateway that let it pass.
  await expect.poll(async () => (await requests()) - before).toBe(4);
});

test.each(['-1', 'many', '3', '999'])('takes no such count of gateways: %s', async (hops) => {
  const answer = await second.ask('/v1/chat/completions', { ...TEXT, model: 'far' }, { 'x-mcp-hops': hops });
  expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('x-mcp-hops')]);
});

/** Inferences that the first gateway was asked for, by whomever. */
async function requests(): Promise<number> {
  const text = await (await first.ask('/metrics')).text();
  const counts = [...text.matchAll(/^service_requests_total\{([^}]*)\} (\d+)$/gm)];
  return counts
    .filter(([, labels]) => /endpoint="\/v1\/(chat\/completions|embeddings)"/.test(labels ?? ''))
    .reduce((sum, [, , count]) => sum + Number(count), 0);
}
