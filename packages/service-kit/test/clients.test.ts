import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CallContext, type ChatEvent, PlatformError } from '@mcp/contracts';
import { failure } from '@mcp/testkit';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ndjson, type ServiceKit, type StartedServices, startServices } from '../src/index.ts';
import { ALICE, callOf, cleanUp, env, kitFor, serviceOf } from './support.ts';

let services: StartedServices;
let kit: ServiceKit;
let seen: CallContext | undefined;
let source: (call: CallContext) => AsyncIterable<unknown> = () => events();
let aborted = 0;

async function* events(): AsyncGenerator<ChatEvent> {
  yield {
    type: 'start',
    seq: 0,
    conversation_id: randomUUID(),
    trace_id: 'a',
    mode: 'debate',
    participants: [{ id: 'modelA', model: 'a', prompt: 'base_system' }],
    models: ['a'],
    exchanges: 2,
  };
  yield {
    type: 'delta',
    seq: 1,
    message_id: randomUUID(),
    turn: 0,
    step: 's3',
    participant: 'modelA',
    text: 'zwölf 💥\n',
  };
}

beforeAll(async () => {
  const core = serviceOf('core', (app) => {
    app.post('/internal/chat', (c) => {
      seen = c.get('call');
      seen.signal.addEventListener('abort', () => aborted++);
      return ndjson(c, source(seen));
    });
    app.get('/internal/prompts', () => {
      throw new PlatformError('rate_limited', 'slow down', { retry_after_ms: 1234, param: 'p' });
    });
    app.get('/internal/conversations/:id', async (c) => {
      seen = c.get('call');
      await sleep(10_000, undefined, { signal: seen.signal });
      return c.json({});
    });
  });
  services = await startServices(core, env());
  kit = await kitFor('gateway', { MCP_CORE_URL: `http://127.0.0.1:${services.ports.get('core')}` });
});
afterEach(() => {
  source = () => events();
});
afterAll(async () => {
  await kit.close();
  await services.stop('end');
  cleanUp();
});

const chat = (call = callOf()) => kit.clients.core.chat({ message: 'hi' }, call);

test('events come over HTTP as they were sent, with the caller, the trace and the deadline', async () => {
  const call = callOf({
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    class: 'batch',
    request_id: 'mine',
  });
  const received = [];
  for await (const event of chat(call)) received.push(event);
  expect(received.map((event) => event.type)).toEqual(['start', 'delta']);
  expect(received[1]).toMatchObject({ text: 'zwölf 💥\n' });
  expect(seen).toMatchObject({
    principal: ALICE,
    class: 'batch',
    request_id: 'mine',
    deadline_ms: call.deadline_ms,
    traceparent: expect.stringMatching(new RegExp(`^00-${'a'.repeat(32)}-(?!${'b'.repeat(16)})`)),
  });
});

test('an error before the first event arrives with code, parameter and time to wait', async () => {
  const error = await failure(kit.clients.core.prompts(callOf()));
  expect(error).toMatchObject({
    code: 'rate_limited',
    message: 'slow down',
    retry_after_ms: 1234,
    param: 'p',
    retryable: true,
  });
});

test('an error in the middle arrives after what came before it', async () => {
  source = async function* () {
    yield* events();
    throw new PlatformError('overloaded', 'full', { retry_after_ms: 7 });
  };
  const received: unknown[] = [];
  const error = await failure(
    (async () => {
      for await (const event of chat()) received.push(event);
    })(),
  );
  expect(received).toHaveLength(2);
  expect(error).toMatchObject({ code: 'overloaded', retry_after_ms: 7 });
});

test('what is not ours to tell stays inside', async () => {
  source = async function* () {
    yield* events();
    throw new Error('password=hunter2');
  };
  const error = await failure(chat());
  expect(error.code).toBe('internal');
  expect(error.message).not.toContain('hunter2');
});

test("a caller that leaves fires the far side's signal", async () => {
  const before = aborted;
  source = async function* (call) {
    yield* events();
    await sleep(10_000, undefined, { signal: call.signal });
  };
  const leaving = new AbortController();
  for await (const event of chat(callOf({ signal: leaving.signal }))) {
    if (event.type !== 'delta') continue;
    leaving.abort();
    break;
  }
  await expect.poll(() => aborted).toBe(before + 1);
});

test('a passed deadline ends the call on the far side', async () => {
  const error = await failure(
    kit.clients.core.getConversation(randomUUID(), callOf({ deadline_ms: Date.now() + 100 })),
  );
  expect(error.code).toBe('deadline_exceeded');
});

test('a stream that breaks off without its end is told from a complete one', async () => {
  const broken = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.write('{"type":"delta","seq":0,"message_id":"', () => response.destroy());
  });
  await new Promise<void>((done) => broken.listen(0, '127.0.0.1', done));
  const { port } = broken.address() as AddressInfo;
  const other = await kitFor('gateway', { MCP_CORE_URL: `http://127.0.0.1:${port}` });
  expect(await failure(other.clients.core.chat({ message: 'x' }, callOf()))).toMatchObject({
    code: 'upstream_interrupted',
    retryable: true,
  });
  await other.close();
  broken.close();
});

test('a service that is just coming back is waited for; one that stays away is named', async () => {
  const late = serviceOf('core', (app) => {
    app.get('/internal/prompts', (c) => c.json([]));
  });
  const probe = await startServices(late, env());
  const port = String(probe.ports.get('core'));
  await probe.stop('restart');
  const other = await kitFor('gateway', { MCP_CORE_URL: `http://127.0.0.1:${port}` });
  const asked = other.clients.core.prompts(callOf());
  await sleep(150);
  const back = await startServices(late, env({ MCP_CORE_PORT: port }));
  expect(await asked).toEqual([]);
  await back.stop('end');
  const error = await failure(other.clients.core.prompts(callOf({ deadline_ms: Date.now() + 300 })));
  expect(error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('core') });
  await other.close();
});

test('a service that is neither here nor elsewhere is a clear mistake', async () => {
  expect(() => kit.clients.governance).toThrow(/MCP_GOVERNANCE_URL is not set/);
});

test('nobody without a token gets in', async () => {
  const url = `http://127.0.0.1:${services.ports.get('core')}/internal/prompts`;
  expect((await fetch(url)).status).toBe(401);
  expect((await fetch(url, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
});
