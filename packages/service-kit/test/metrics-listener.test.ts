import { afterAll, expect, test } from 'vitest';
import { commonMetrics } from '../manifest.ts';
import { together } from '../src/http/metrics-listener.ts';
import { baseApp, defineService, startServices } from '../src/index.ts';
import { Metrics } from '../src/telemetry/metrics.ts';
import { cleanUp, env, manifestOf } from './support.ts';

afterAll(cleanUp);

const service = defineService({
  manifest: manifestOf('core'),
  create: async (kit) => ({ app: baseApp({ kit, checks: {} }), api: {}, close: async () => undefined }),
});

test('a port for metrics alone serves them to everybody, and nothing else', async () => {
  const services = await startServices(service, env({ MCP_METRICS_PORT: '0' }));
  const url = `http://127.0.0.1:${services.metrics_port}`;
  await fetch(`http://127.0.0.1:${services.ports.get('core')}/healthz`);
  // As from another host, where the API's own port would ask for the service token.
  const scraped = await fetch(`${url}/metrics`, { headers: { 'x-forwarded-for': '10.0.0.1' } });
  expect(scraped.status).toBe(200);
  expect(scraped.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(await scraped.text()).toMatch(
    /^service_requests_total\{service="core",endpoint="\/healthz",.*\} 1$/m,
  );
  for (const path of ['/', '/readyz', '/healthz', '/metrics/', '/metrics?x', '//metrics'])
    expect((await fetch(`${url}${path}`)).status, path).toBe(404);
  expect((await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })).status).toBe(405);
  await expect(
    startServices(service, env({ MCP_METRICS_PORT: String(services.metrics_port) })),
  ).rejects.toThrow(`Port ${services.metrics_port} is taken. Stop what uses it, or set MCP_METRICS_PORT.`);
  await services.stop('test');
  await expect(fetch(`${url}/metrics`)).rejects.toThrow();
});

test('without one there is none', async () => {
  const services = await startServices(service, env());
  expect(services.metrics_port).toBeUndefined();
  await services.stop('test');
});

test('a process of several services is scraped as one: each metric once, with the samples of all', async () => {
  const texts = await Promise.all(
    ['core', 'governance'].map((name) => new Metrics(name, commonMetrics).text()),
  );
  const [core = ''] = texts;
  const lines = together(texts).split('\n');
  const names = lines.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ')[2]);
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBe(core.match(/^# TYPE /gm)?.length);
  for (const name of ['core', 'governance'])
    expect(lines.filter((line) => line.includes(`service="${name}"`)).length).toBeGreaterThan(20);
  let metric = '';
  for (const line of lines.filter((one) => one !== ''))
    if (line.startsWith('# ')) metric = line.split(' ')[2] ?? '';
    else expect(line.startsWith(metric), `${line} under ${metric}`).toBe(true);
  expect(together([core])).toBe(core);
});
