import type { RegionRoute } from '@mcp/contracts';
import { freePort, type NatsServer, startNats } from '@mcp/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Harness, startGateway } from './harness.ts';

const row = (name: string, more: Partial<RegionRoute>): RegionRoute => ({
  name,
  residency: 'eu',
  latency_zone: 'eu',
  priority: 0,
  url: `https://${name}.example.com`,
  fails_over_here: false,
  ...more,
});
const EU = row('eu-central', {});
const US = row('us-east', { residency: 'us', priority: 1 });
const tables = {
  'eu-central': [EU, { ...US, fails_over_here: true }],
  'us-east': [US, { ...EU, fails_over_here: true }],
};

/** A gateway of a region, and its table. */
const gatewayOf = (region: keyof typeof tables, nats: NatsServer, awaitReady = true) =>
  startGateway({
    nats,
    awaitReady,
    env: { MCP_REGION: region, MCP_REGIONS: JSON.stringify(tables[region]) },
  });

describe('two regions whose event buses are linked', () => {
  let buses: { eu: NatsServer; us: NatsServer };
  let eu: Harness;
  let us: Harness;
  beforeAll(async () => {
    const link = await freePort();
    const domain = (name: string, leaf: string) => `jetstream { domain: "${name}" }\nleafnodes { ${leaf} }\n`;
    buses = {
      eu: await startNats({ config: domain('eu-central', `listen: "127.0.0.1:${link}"`) }),
      us: await startNats({
        config: domain('us-east', `remotes: [{ urls: ["nats-leaf://127.0.0.1:${link}"] }]`),
      }),
    };
    eu = await gatewayOf('eu-central', buses.eu);
    us = await gatewayOf('us-east', buses.us);
  });
  afterAll(async () => {
    for (const gateway of [eu, us]) await gateway.close();
    await buses.us.close();
    await buses.eu.close();
  });

  const statusAt = async (gateway: Harness, key: string) => (await gateway.ask('/v1/models', { key })).status;

  test('the routing table is shown to callers, and to nobody else', async () => {
    const { key } = await eu.key(['chat']);
    const answer = await eu.ask('/v1/regions', { key });
    expect(await answer.json()).toEqual({ here: 'eu-central', regions: tables['eu-central'] });
    expect((await fetch(`${eu.url}/v1/regions`)).status).toBe(401);
  });

  test('a key of one region is good in the other, and is managed where it was made', async () => {
    const { id, key } = await eu.key(['chat']);
    await expect.poll(() => statusAt(us, key)).toBe(200);
    expect(await (await us.ask('/admin/keys')).text()).not.toContain(id);
    const refused = await us.ask(`/admin/keys/${id}`, { method: 'DELETE' });
    expect(refused.status).toBe(409);
    expect(await refused.text()).toContain('was made in another region. Revoke it there');
    expect((await eu.ask(`/admin/keys/${id}`, { method: 'DELETE' })).status).toBe(200);
    await expect.poll(() => statusAt(us, key)).toBe(401);
  });

  test.each(['eu', 'any'])('data that must stay %s is worked on', async (residency) => {
    const answer = await eu.ask('/v1/models', { headers: { 'x-mcp-residency': residency } });
    expect(answer.status).toBe(200);
  });

  test('data that must stay elsewhere is refused before any of it is read', async () => {
    const answer = await us.ask('/v1/chat/completions', {
      method: 'POST',
      headers: { 'x-mcp-residency': 'eu' },
      body: '{ not even JSON',
    });
    expect(answer.status).toBe(421);
    expect(await answer.text()).toContain(
      'This is the region us-east with the residency us, and x-mcp-residency asks for eu. Nothing was processed. Ask eu-central (https://eu-central.example.com).',
    );
    const problem = await us.ask('/chat', {
      method: 'POST',
      headers: { 'x-mcp-residency': 'eu' },
      body: '{}',
    });
    expect(problem.status).toBe(421);
    expect(await problem.json()).toMatchObject({ code: 'wrong_region', status: 421 });
    const wrong = await us.ask('/v1/models', { headers: { 'x-mcp-residency': 'mars' } });
    expect(wrong.status).toBe(400);
    const socket = new WebSocket(`${us.url.replace('http', 'ws')}/ws`, {
      headers: { authorization: `Bearer ${us.admin}`, 'x-mcp-residency': 'eu' },
    });
    socket.on('error', () => undefined);
    const status = await new Promise((done) => {
      socket.once('unexpected-response', (_request, response) => done(response.statusCode));
      socket.once('open', () => done('open'));
    });
    socket.terminate();
    expect(status).toBe(421);
  });

  test('keys of a region that was lost stay good, in gateways that start then too', async () => {
    const { key } = await eu.key(['chat']);
    await expect.poll(() => statusAt(us, key)).toBe(200);
    await buses.eu.stop();
    const late = await gatewayOf('us-east', buses.us);
    try {
      expect(await statusAt(us, key)).toBe(200);
      await expect.poll(() => statusAt(late, key)).toBe(200);
    } finally {
      await late.close();
    }
  });
});

test('a platform that knows no residency refuses what asks for one', async () => {
  const gateway = await startGateway();
  const answer = await gateway.ask('/v1/models', { headers: { 'x-mcp-residency': 'eu' } });
  expect(answer.status).toBe(421);
  expect(await answer.text()).toContain('No region of this platform has it');
  await gateway.close();
});
