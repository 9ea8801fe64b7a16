import { setTimeout as sleep } from 'node:timers/promises';
import type { Principal, ServiceName } from '@mcp/contracts';
import { type Stack, stacks } from '@mcp/stacks';
import { describe, expect, it, onTestFinished } from 'vitest';
import { chunk, type Hit, type Provider, refuse, startProvider, well } from './provider.ts';
import { startShipped } from './shipped.ts';

const THINK_MS = 500;
const ALICE: Principal = { id: 'key:1', kind: 'key', name: 'alice', scopes: ['chat'] };
/** As a provider says it whose daily quota is used up. */
const DAY = { 'retry-after': '86400' };

/** A provider that is closed when the test is over. */
async function provider(models?: readonly string[]): Promise<Provider> {
  const one = await startProvider(models);
  onTestFinished(() => one.close());
  return one;
}

/** The model-gateway of a stack, as it ships, with providers beside its own models. */
async function modelGateway(
  stack: Stack,
  targets: Readonly<Record<string, Provider>>,
  operator: Readonly<Record<string, string>> = {},
) {
  const list = Object.entries(targets).map(([name, { url }]) => ({ name, base_url: url }));
  const names: readonly ServiceName[] = ['model-gateway'];
  const running = await startShipped({
    stack,
    services: names,
    operator: { MODEL_BACKENDS: 'openai', ...operator },
    secrets: { openai_targets: JSON.stringify(list) },
  });
  onTestFinished(() => running.stop());
  const url = running.urls['model-gateway'];
  const authorization = `Bearer ${await running.token('gateway', 'model-gateway', ALICE)}`;
  return {
    get: (path: string) => fetch(`${url}${path}`, { headers: { authorization } }),
    ask: (model: string, headers: Readonly<Record<string, string>> = {}, more: object = {}) =>
      fetch(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization,
          'content-type': 'application/json',
          ...headers,
        },
        body: JSON.stringify({ model, messages: [{ role: 'user', content: 'How is it?' }], ...more }),
      }),
  };
}

describe.each(Object.values(stacks))('the model-gateway of the stack $name', (stack) => {
  it('lets 40 requests at once through to a provider that takes them', async () => {
    const slow = await provider();
    // Answers nobody before all 40 are there: a lower limit would never let them come.
    const all = Promise.withResolvers<void>();
    slow.answer = async (hit) => {
      if (slow.hits.length === 40) all.resolve();
      await Promise.race([all.promise, sleep(10_000)]);
      await sleep(THINK_MS);
      well(hit);
    };
    const { ask } = await modelGateway(stack, { slow });
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask('m')));
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(40).fill(200));
    expect(slow.most).toBe(40);
  });
});

const prod = stacks.prod as Stack;

describe('a provider that does not tell its models', () => {
  it('is no reason for a 404: 503 with a time to come back, and an answer as soon as it does', async () => {
    const mute = await provider();
    mute.models = undefined;
    const other = await provider(['known']);
    const { ask, get } = await modelGateway(prod, { mute, other });
    expect((await ask('known')).status).toBe(200);
    const refused = await ask('m');
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ error: { code: 'unavailable' } });
    expect((await get('/internal/models/m')).status).toBe(503);
    // The others are still listed.
    expect(await (await get('/v1/models')).json()).toMatchObject({ data: [{ id: 'known' }] });
    mute.models = ['m'];
    await expect.poll(async () => (await ask('m')).status).toBe(200);
    expect((await ask('nobody')).status).toBe(404);
  });
});

describe('a provider that refuses', () => {
  it('is not asked for a minute at most, for the model that it refused, and then asked by one', async () => {
    const busy = await provider(['m', 'free']);
    busy.answer = (hit) => (hit.model === 'm' ? refuse(hit.response, 429, DAY) : well(hit));
    const { ask } = await modelGateway(prod, { busy });
    const first = await ask('m');
    expect(first.status).toBe(429);
    const hits = busy.hits.length;
    const second = await ask('m');
    expect(second.status).toBe(429);
    for (const { headers } of [first, second]) {
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60);
    }
    // Nobody asked it again, and its other model is served.
    expect(busy.hits.length).toBe(hits);
    expect((await ask('free')).status).toBe(200);
  });

  it('teaches how many it takes at once: all are answered, and the next ones are hardly refused', async () => {
    const narrow = await provider();
    let [open, refused] = [0, 0];
    const full = Promise.withResolvers<void>();
    narrow.answer = async (hit) => {
      if (open >= 8) {
        refused++;
        full.resolve();
        return refuse(hit.response, 429);
      }
      open++;
      // The first eight are kept until it was too much once.
      await full.promise;
      await sleep(100);
      open--;
      well(hit);
    };
    const { ask } = await modelGateway(prod, { narrow });
    const burst = async () => {
      const answers = await Promise.all(Array.from({ length: 40 }, () => ask('m')));
      return answers.map(({ status }) => status);
    };
    expect(await burst()).toEqual(Array<number>(40).fill(200));
    const first = refused;
    expect(await burst()).toEqual(Array<number>(40).fill(200));
    expect(refused - first).toBeLessThanOrEqual(8);
  });

  it('is waited for when it asks for a moment only, and asked by one first', async () => {
    const brief = await provider();
    let refusals = 0;
    const probing: number[] = [];
    brief.answer = async (hit) => {
      if (refusals++ === 0) return refuse(hit.response, 429, { 'retry-after-ms': '300' });
      probing.push(brief.hits.length);
      await sleep(100);
      well(hit);
    };
    const { ask } = await modelGateway(prod, { brief });
    expect((await ask('m')).status).toBe(200);
    const answers = await Promise.all([ask('m'), ask('m'), ask('m')]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(brief.hits.length).toBe(5);
  });
});

describe('an embedded model whose weights are on their way', () => {
  it('is told at once, closes nothing, and a model that stands in answers', async () => {
    const other = await provider();
    const operator = {
      MODEL_BACKENDS: 'embedded,openai',
      MODEL_FALLBACKS: '{"qwen2.5-coder-1.5b-instruct":["m"]}',
    };
    const { ask, get } = await modelGateway(stacks.local as Stack, { other }, operator);
    for (let n = 0; n < 3; n++) {
      const refused = await ask('smollm2-135m-instruct');
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
      expect(await refused.json()).toMatchObject({ error: { message: /downloading/ } });
    }
    const metrics = await (await get('/metrics')).text();
    // Asked once each time.
    expect(metrics).toMatch(/^model_inferences_total\{.*model="smollm2.*status="unavailable".*\} 3$/m);
    expect((await ask('qwen2.5-coder-1.5b-instruct')).status).toBe(200);
  });
});

describe('two servers of one model', () => {
  it('share its requests, and one alone is asked by its name', async () => {
    const [a, b] = [await provider(), await provider()];
    const { ask, get } = await modelGateway(prod, { a, b });
    // The lists of both have come: before, requests go to the server whose list came first.
    expect((await get('/v1/models')).status).toBe(200);
    const all = Promise.withResolvers<void>();
    a.answer = b.answer = async (hit) => {
      if (a.hits.length + b.hits.length === 40) all.resolve();
      await all.promise;
      well(hit);
    };
    const answers = await Promise.all(Array.from({ length: 40 }, () => ask('m')));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(a.hits.length + b.hits.length).toBe(40);
    // In use alike: each new request goes where fewer are.
    expect([a.hits.length, b.hits.length]).toEqual([20, 20]);
    const before = a.hits.length;
    expect(await (await ask('b/m')).json()).toMatchObject({ model: 'b/m' });
    expect(a.hits.length).toBe(before);
  });

  it.each([
    ['refuses', (hit: Hit) => refuse(hit.response, 429, DAY)],
    ['breaks', (hit: Hit) => refuse(hit.response, 500)],
    ['refuses our key', (hit: Hit) => refuse(hit.response, 401)],
    ['hangs up', (hit: Hit) => void hit.response.destroy()],
    [
      'hangs up before the first word',
      (hit: Hit) => void hit.response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders(),
    ],
  ])('stand in for each other: when one %s, nobody notices', async (_, answer) => {
    const [a, b] = [await provider(), await provider()];
    const { ask } = await modelGateway(prod, { a, b });
    a.answer = async (hit) => {
      await answer(hit);
      if (!hit.response.writableEnded) setTimeout(() => hit.response.destroy(), 20);
    };
    for (let n = 0; n < 8; n++) {
      const answered = await ask('m', {}, { stream: n % 2 === 0 });
      expect(answered.status).toBe(200);
      expect(await answered.text()).toContain('all is well');
    }
    expect(b.hits.length).toBe(8);
    // It was tried, and then left to the other one.
    expect(a.hits.length).toBeLessThanOrEqual(4);
  });
});

describe('retries of one request', () => {
  const whole: readonly ServiceName[] = ['gateway', 'core', 'model-gateway'];
  const start = async (targets: Readonly<Record<string, Provider>>) => {
    const list = Object.entries(targets).map(([name, { url }]) => ({ name, base_url: url }));
    const running = await startShipped({
      stack: prod,
      services: whole,
      operator: { MODEL_BACKENDS: 'openai', MODEL_FALLBACKS: '{"m":["other"]}' },
      secrets: { openai_targets: JSON.stringify(list) },
    });
    onTestFinished(() => running.stop());
    // Every server has told its models.
    expect((await running.ask('/v1/models')).status).toBe(200);
    return running.ask;
  };

  it('have one budget over gateway, core, model-gateway, servers and fallbacks', async () => {
    const [a, b] = [await provider(['m', 'other']), await provider(['m', 'other'])];
    a.answer = b.answer = (hit) => refuse(hit.response, 500);
    const post = await start({ a, b });
    const hits = () => a.hits.length + b.hits.length;
    const messages = [{ role: 'user', content: 'How is it?' }];
    expect((await post('/v1/chat/completions', { model: 'm', messages })).status).toBe(502);
    expect(hits()).toBe(4);
    const conversation = { modelA: 'm', modelB: 'm', message: 'How is it?', exchanges: 4 };
    expect((await post('/chat', conversation)).status).toBe(502);
    expect(hits()).toBe(8);
    // An answer that breaks off in the middle is asked for again by core, out of the same budget.
    a.answer = b.answer = ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chunk({ content: 'half' }), () => response.destroy());
    };
    expect((await post('/chat', conversation)).status).toBe(502);
    expect(hits()).toBe(12);
  });
});
