import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { baseApp, defineService, parseBody, startServices, streamText, textAnswer } from '../src/index.ts';
import { cleanUp, env, manifestOf } from './support.ts';

afterAll(cleanUp);

let work = () => sleep(150);
/** Requests that have reached their handler. */
let arrived = 0;
const slow = defineService({
  manifest: manifestOf('core'),
  async create(kit) {
    const app = baseApp({
      kit,
      checks: {
        broken: async () => {
          throw new Error('the disk is full');
        },
      },
    });
    app.get('/slow', async (c) => {
      arrived++;
      await work();
      return textAnswer(c, 'x'.repeat(300_000), { content_type: 'text/plain' });
    });
    app.get('/stream', (c) =>
      streamText(
        c,
        (async function* () {
          arrived++;
          for (let i = 0; i < 20; i++) {
            yield `${i}\n`;
            await sleep(10);
          }
        })(),
        { content_type: 'text/plain', onError: () => 'failed' },
      ),
    );
    app.get('/quiet', (c) =>
      streamText(
        c,
        (async function* () {
          yield 'begin\n';
          await sleep(220);
          yield 'end\n';
        })(),
        {
          content_type: 'text/plain',
          onError: () => 'failed',
          keep_alive: { text: ': still here\n', every_ms: 100 },
        },
      ),
    );
    app.post('/echo', async (c) => c.json(await parseBody(c, z.object({ text: z.string() }))));
    return { app, api: {}, close: async () => undefined };
  },
});

const start = async () => {
  arrived = 0;
  const services = await startServices(slow, env());
  return { services, url: `http://127.0.0.1:${services.ports.get('core')}` };
};

test('requests in progress are answered in full while the service stops, new ones are not taken', async () => {
  const before = arrived;
  const { services, url } = await start();
  const whole = fetch(`${url}/slow`).then((answer) => answer.text());
  const stream = fetch(`${url}/stream`).then((answer) => answer.text());
  await expect.poll(() => arrived).toBe(before + 2);
  const stopping = services.stop('test');
  await sleep(20);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  expect((await whole).length).toBe(300_000);
  expect((await stream).split('\n')).toHaveLength(21);
  await stopping;
});

test('answers leave in full even to a client that reads slowly', async () => {
  work = () => sleep(20);
  const { services, url } = await start();
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
  socket.pause();
  const before = arrived;
  await expect.poll(() => arrived).toBe(before + 1);
  const stopping = services.stop('test');
  let size = 0;
  socket.on('data', (chunk) => {
    size += chunk.length;
  });
  const ended = once(socket, 'close');
  socket.resume();
  await Promise.all([stopping, ended]);
  expect(size).toBeGreaterThan(300_000);
});

test('an answer given while the service stops closes its connection', async () => {
  const stops = Promise.withResolvers<void>();
  work = () => stops.promise;
  const { services, url } = await start();
  const asked = fetch(`${url}/slow`);
  await expect.poll(() => arrived).toBe(1);
  const stopping = services.stop('test');
  stops.resolve();
  const answer = await asked;
  expect(answer.headers.get('connection')).toBe('close');
  expect((await answer.text()).length).toBe(300_000);
  await stopping;
});

test('a service that idles stops at once', async () => {
  const { services, url } = await start();
  await (await fetch(`${url}/healthz`)).text();
  const started_ms = performance.now();
  await services.stop('test');
  expect(performance.now() - started_ms).toBeLessThan(10_000);
});

test('a quiet stream says that it lives', async () => {
  const { services, url } = await start();
  const text = await (await fetch(`${url}/quiet`)).text();
  expect(text).toMatch(/^begin\n(: still here\n)+end\n$/);
  await services.stop('test');
});

test('HEAD of a stream ends at once and is counted as ended', async () => {
  const { services, url } = await start();
  expect((await fetch(`${url}/stream`, { method: 'HEAD' })).status).toBe(200);
  expect(await (await fetch(`${url}/metrics`)).text()).toMatch(
    /service_requests_in_flight\{service="core"\} 1\n/,
  );
  await services.stop('test');
});

test('readiness names what is missing; liveness does not depend on it', async () => {
  const { services, url } = await start();
  const ready = await fetch(`${url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toEqual({
    status: 'not_ready',
    service: 'core',
    failing: [{ name: 'broken', reason: 'the disk is full' }],
  });
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  await services.stop('test');
});

test('metrics are for the same host', async () => {
  const { services, url } = await start();
  const ask = (headers: Record<string, string>) => fetch(`${url}/metrics`, { headers });
  expect((await ask({})).status).toBe(200);
  expect((await ask({ 'x-forwarded-for': '10.0.0.1' })).status).toBe(401);
  await services.stop('test');
});

test('a UTF-8 mark before the body is passed over', async () => {
  const { services, url } = await start();
  const answer = await fetch(`${url}/echo`, {
    method: 'POST',
    body: '\ufeff{"text":"ü"}',
    headers: { 'content-type': 'application/json' },
  });
  expect(await answer.json()).toEqual({ text: 'ü' });
  await services.stop('test');
});

test('a taken port is one clear line, and nothing is left half-started', async () => {
  const { services } = await start();
  const port = String(services.ports.get('core'));
  await expect(startServices(slow, env({ MCP_CORE_PORT: port }))).rejects.toThrow(
    `Port ${port} is taken. Stop what uses it, or set MCP_CORE_PORT.`,
  );
  await services.stop('test');
});

test('an environment that does not fit is named variable by variable, without values', async () => {
  const wrong = { ...env(), MCP_SERVICE_JWKS: 'short', MCP_LOG_LEVEL: 'loud', MCP_IN_PROCESS: 'kitchen' };
  const error = await startServices(slow, wrong).then(
    () => '',
    (thrown: Error) => thrown.message,
  );
  expect(error).toMatch(/MCP_SERVICE_JWKS is set but/);
  expect(error).toMatch(/MCP_LOG_LEVEL is set but/);
  expect(error).toMatch(/MCP_IN_PROCESS is set but/);
  expect(error).not.toMatch(/short|loud/);
});
