import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Principal, QueueStatus } from '@mcp/contracts';
import { startServices } from '@mcp/service-kit';
import { callerHeaders, testIdentities } from '@mcp/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { definition } from '../src/definition.ts';

const ALICE: Principal = { id: 'key:1', kind: 'key', name: 'alice', scopes: ['chat'] };
const MODELS = [
  { id: 'calm', rules: [{ reply: 'all is well' }] },
  { id: 'slow', max_concurrency: 1, rules: [{ reply: 'word '.repeat(2000).trim(), token_delay_ms: 5 }] },
  { id: 'broken', rules: [{ error: 'unavailable' }] },
  { id: 'halfway', rules: [{ reply: 'one two three', error: 'unavailable', fail_after_tokens: 2 }] },
  { id: 'refuses', rules: [{ error: 'invalid_request' }] },
  { id: 'vectors', kind: 'embedding' },
];

/** The service on a port of its own, as core and gateway call it. */
async function start(env: Readonly<Record<string, string>> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'mcp-model-gateway-'));
  const services = await startServices(definition, {
    MCP_DATA: dir,
    ...testIdentities(),
    MCP_LOG_LEVEL: 'silent',
    MCP_MODEL_GATEWAY_PORT: '0',
    MODEL_BACKENDS: 'scripted',
    MCP_SCRIPTED_MODELS: JSON.stringify(MODELS),
    ...env,
  });
  onTestFinished(async () => {
    await services.stop('end of test');
    rmSync(dir, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${services.ports.get('model-gateway')}`;
  const caller = await callerHeaders('gateway', 'model-gateway', ALICE);
  const ask = (path: string, init: RequestInit = {}, headers: Readonly<Record<string, string>> = {}) =>
    fetch(`${url}${path}`, {
      ...init,
      headers: {
        ...caller,
        'content-type': 'application/json',
        ...headers,
      },
    });
  const chat = (model: string, more: object = {}, init: RequestInit = {}) =>
    ask('/v1/chat/completions', {
      method: 'POST',
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'How is it?' }], ...more }),
      ...init,
    });
  const queue = async (model: string) =>
    z
      .array(QueueStatus)
      .parse(await (await ask('/internal/queues')).json())
      .find((one) => one.model === model);
  return { url, ask, chat, queue };
}

const Answer = z.object({
  model: z.string(),
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })),
});
const Refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

const until = (holds: () => Promise<boolean>) => expect.poll(holds, { interval: 20 }).toBe(true);

describe('the model gateway over HTTP', () => {
  it('answers other services only', async () => {
    const { ask } = await start();
    expect((await ask('/v1/models', {}, { authorization: 'Bearer no' })).status).toBe(401);
    expect((await ask('/readyz', {}, { authorization: '' })).status).toBe(200);
  });

  it('answers, counts the tokens and puts the request into one trace', async () => {
    const { ask, chat } = await start();
    const answer = Answer.parse(await (await chat('calm')).json());
    expect(answer).toMatchObject({ model: 'calm', choices: [{ message: { content: 'all is well' } }] });
    const metrics = await (await ask('/metrics')).text();
    expect(metrics).toMatch(/^model_tokens_total\{.*model="calm".*direction="out".*\} 3$/m);
    expect(metrics).toMatch(/^model_inferences_total\{.*model="calm",status="stop",phase="chat".*\} 1$/m);
  });

  it('says which models there are when one is unknown or of another kind', async () => {
    const { chat } = await start();
    const unknown = await chat('nobody');
    expect(unknown.status).toBe(404);
    const { error } = Refusal.parse(await unknown.json());
    expect(error.code).toBe('model_not_found');
    expect(error.message).toContain('calm');
    expect((await chat('vectors')).status).toBe(400);
  });

  it('asks the next model while nothing has been said, and no other once something has', async () => {
    const { chat } = await start({
      MODEL_FALLBACKS: JSON.stringify({ broken: ['broken', 'calm'], halfway: ['calm'], refuses: ['calm'] }),
    });
    expect(Answer.parse(await (await chat('broken')).json()).model).toBe('calm');
    const halfway = await (await chat('halfway', { stream: true })).text();
    expect(halfway).toContain('"content":"one"');
    expect(halfway).not.toContain('all');
    expect(halfway).toContain('"error"');
    // Asking another model would not make what is refused allowed.
    expect((await chat('refuses')).ok).toBe(false);
  });

  it('frees the place of a caller that hangs up, and lets the next one in', async () => {
    const { chat, queue } = await start();
    const stop = new AbortController();
    const talking = await chat('slow', { stream: true }, { signal: stop.signal });
    await until(async () => (await queue('slow'))?.running === 1);
    const waiting = chat('slow', { max_tokens: 2 });
    await until(async () => (await queue('slow'))?.waiting_interactive === 1);
    stop.abort();
    await expect(talking.text()).rejects.toThrow();
    expect(Answer.parse(await (await waiting).json()).choices[0]?.message.content).toBe('word word');
    await until(async () => (await queue('slow'))?.running === 0);
  });

  it('refuses with 429 and a time to wait when the queue is full', async () => {
    const { chat, queue } = await start({ MCP_QUEUE_MAX_WAITING: '1' });
    const stop = new AbortController();
    const callers = [chat('slow', {}, { signal: stop.signal }), chat('slow', {}, { signal: stop.signal })];
    await until(async () => (await queue('slow'))?.waiting_interactive === 1);
    const refused = await chat('slow');
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await chat('calm')).status).toBe(200);
    stop.abort();
    await Promise.allSettled(callers);
  });

  it('does not start with settings that mean nothing', async () => {
    await expect(start({ MODEL_FALLBACKS: '[1]' })).rejects.toThrow(/MODEL_FALLBACKS/);
    await expect(start({ MODEL_BACKENDS: 'oracle' })).rejects.toThrow(/MODEL_BACKENDS/);
  });
});
