import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceName } from '@mcp/contracts';
import { type Stack, stacks } from '@mcp/stacks';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { refuse, startProvider } from './provider.ts';
import { type Shipped, startShipped } from './shipped.ts';

const ModelList = z.object({ data: z.array(z.object({ id: z.string() })) });

/** The stack `local` with a provider beside models that run in the model-gateway; those are scripted here. */
async function start(names: readonly ServiceName[], operator: Readonly<Record<string, string>> = {}) {
  const provider = await startProvider();
  onTestFinished(() => provider.close());
  const shipped = await startShipped({
    stack: stacks.local as Stack,
    services: names,
    operator: { MODEL_BACKENDS: 'scripted,openai', OPENAI_BASE_URL: provider.url, ...operator },
    secrets: { openai_api_key: 'of-the-provider' },
  });
  onTestFinished(() => shipped.stop());
  // The models of the provider are known once its list has been read.
  await expect.poll(async () => ids(shipped)).toContain('m');
  return { provider, shipped };
}

const headers = ({ key }: Shipped) => ({
  authorization: `Bearer ${key}`,
  'content-type': 'application/json',
});

async function ids(shipped: Shipped): Promise<string[]> {
  const answer = await fetch(`${shipped.urls.gateway}/v1/models`, { headers: headers(shipped) });
  return answer.ok ? ModelList.parse(await answer.json()).data.map(({ id }) => id) : [];
}

function ask(shipped: Shipped, model: string) {
  return fetch(`${shipped.urls.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: headers(shipped),
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'How is it?' }] }),
  });
}

/** Models that a service has counted inferences of. */
async function countedBy(shipped: Shipped, service: ServiceName): Promise<string[]> {
  const text = await (await fetch(`${shipped.urls[service]}/metrics`)).text();
  const lines = text.matchAll(/^model_inferences_total\{.*model="([^"]+)".*$/gm);
  return [...new Set([...lines].map(([, model]) => model ?? ''))];
}

it('asks a server elsewhere from the gateway itself, and the model-gateway for its own models', async () => {
  const { provider, shipped } = await start(['model-gateway', 'gateway']);
  expect((await ask(shipped, 'm')).status).toBe(200);
  expect((await ask(shipped, 'scripted/alpha')).status).toBe(200);
  expect(provider.hits).toHaveLength(1);
  expect(await countedBy(shipped, 'gateway')).toEqual(['m']);
  expect(await countedBy(shipped, 'model-gateway')).toEqual(['scripted/alpha']);
  expect(await ids(shipped)).toEqual(expect.arrayContaining(['m', 'scripted/alpha', 'mcp/dual']));
});

it('goes on with servers elsewhere while the model-gateway is away', async () => {
  const { shipped } = await start(['gateway'], { MCP_CONNECT_TIMEOUT_MS: '0' });
  expect((await ask(shipped, 'm')).status).toBe(200);
  expect((await ask(shipped, 'scripted/alpha')).status).toBe(503);
});

it('lets a model of the model-gateway stand in for one elsewhere', async () => {
  const { provider, shipped } = await start(['model-gateway', 'gateway'], {
    MODEL_FALLBACKS: '{"m":["scripted/alpha"]}',
  });
  provider.answer = ({ response }) => refuse(response, 500);
  const answer = await ask(shipped, 'm');
  expect(answer.status).toBe(200);
  expect(JSON.stringify(await answer.json())).toContain('How is it?');
  expect(await countedBy(shipped, 'gateway')).toEqual([]);
});

it('hands on the limits of a provider, and ends a call when its caller leaves', async () => {
  const { provider, shipped } = await start(['model-gateway', 'gateway']);
  provider.answer = ({ response }) => refuse(response, 429, { 'retry-after': '30' });
  const refused = await ask(shipped, 'm');
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  const { provider: other, shipped: fresh } = await start(['gateway']);
  const closed = Promise.withResolvers<void>();
  other.answer = async ({ response }) => {
    response.once('close', () => closed.resolve());
    await sleep(0);
  };
  const leaving = new AbortController();
  const left = fetch(`${fresh.urls.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: headers(fresh),
    body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: 'x' }] }),
    signal: leaving.signal,
  });
  await expect.poll(() => other.hits.length).toBe(1);
  leaving.abort();
  await expect(left).rejects.toThrow();
  await closed.promise;
});
