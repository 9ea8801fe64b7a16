import { JOB_QUEUE } from '@mcp/contracts';
import { type Bus, createKit, type ServiceKit } from '@mcp/service-kit';
import { type NatsServer, startNats, testIdentities } from '@mcp/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BusFigures } from '../src/bus-figures.ts';
import { definition } from '../src/definition.ts';

/** The figures of the bus in a text of metrics, by name and labels. */
function figuresIn(text: string): Record<string, number> {
  return Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.startsWith('bus_'))
      .map((line) => {
        const [, name, value] = /^(.*) (\S+)$/.exec(line.replace('service="governance"', '')) ?? [];
        return [(name ?? '').replace('{,', '{').replace('{}', ''), Number(value)];
      }),
  );
}

describe('the figures of the event bus', () => {
  let server: NatsServer;
  let bus: Bus;
  let kit: ServiceKit;
  let figures: BusFigures;
  const now = async () => {
    await figures.refresh();
    return figuresIn(await kit.metrics.text());
  };
  beforeAll(async () => {
    server = await startNats({ config: 'server_name: one' });
    kit = await createKit({
      manifest: definition.manifest,
      env: {
        MCP_DATA: server.store_dir,
        ...testIdentities(),
        MCP_LOG_LEVEL: 'silent',
        MCP_NATS_URL: server.url,
      },
      local: new Map(),
      draining: () => false,
    });
    bus = await kit.bus();
    figures = new BusFigures({ kit, limit_bytes: 5_000_000 });
  });
  afterAll(async () => {
    figures.close();
    await kit.close();
    await server.close();
  });

  it('are all 0 on an empty one', async () => {
    await expect.poll(now).toEqual({
      bus_up: 1,
      'bus_storage_used_bytes{server="one"}': 0,
      'bus_storage_reserved_bytes{server="one"}': 0,
      'bus_storage_limit_bytes{server="one"}': 5_000_000,
    });
  });

  it('are those that JetStream has of streams, buckets and the consumer of jobs', async () => {
    const { stream, consumer } = JOB_QUEUE;
    await bus.stream({ name: stream, subjects: ['mcp.jobs.*.*'], discard: 'new', max_bytes: 1_000_000 });
    await bus.manager.consumers.add(stream, { durable_name: consumer, ack_policy: 'explicit' });
    await bus.stream({ name: 'MCP_TRACES', subjects: ['mcp.traces.*'], discard: 'old', max_bytes: 2000 });
    for (const at of [1, 2, 3]) await bus.jetstream.publish(`mcp.jobs.export.${at}`, '{}');
    await (await bus.jetstream.consumers.get(stream, consumer)).next();
    await (await bus.bucket('mcp_keys', { max_bytes: 3000 })).put('a', 'b');
    for (const name of ['SOMEBODYS', 'ELSES'])
      await bus.stream({ name, subjects: [`${name}.*`], storage: 'file' });
    await bus.jetstream.publish('SOMEBODYS.a', 'x');
    await bus.jetstream.publish('ELSES.a', 'y');
    const all = await now();
    const size = async (name: string) => (await bus.manager.streams.info(name)).state.bytes;
    const account = await bus.manager.getAccountInfo();
    expect(all).toEqual({
      bus_up: 1,
      'bus_stream_messages{stream="MCP_JOBS"}': 3,
      'bus_stream_messages{stream="MCP_TRACES"}': 0,
      'bus_stream_messages{stream="KV_mcp_keys"}': 1,
      'bus_stream_messages{stream="other"}': 2,
      'bus_stream_bytes{stream="MCP_JOBS"}': await size('MCP_JOBS'),
      'bus_stream_bytes{stream="MCP_TRACES"}': 0,
      'bus_stream_bytes{stream="KV_mcp_keys"}': await size('KV_mcp_keys'),
      'bus_stream_bytes{stream="other"}': (await size('SOMEBODYS')) + (await size('ELSES')),
      'bus_stream_limit_bytes{stream="MCP_JOBS",discard="new"}': 1_000_000,
      'bus_stream_limit_bytes{stream="MCP_TRACES",discard="old"}': 2000,
      'bus_stream_limit_bytes{stream="KV_mcp_keys",discard="new"}': 3000,
      'bus_consumer_pending{stream="MCP_JOBS",consumer="workers"}': 2,
      'bus_consumer_ack_pending{stream="MCP_JOBS",consumer="workers"}': 1,
      'bus_storage_used_bytes{server="one"}': account.storage,
      'bus_storage_reserved_bytes{server="one"}': account.reserved_storage,
      'bus_storage_limit_bytes{server="one"}': 5_000_000,
    });
  });

  it('are left out of what is not there any more', async () => {
    await bus.manager.streams.delete('MCP_TRACES');
    expect(Object.keys(await now()).filter((name) => name.includes('MCP_TRACES'))).toEqual([]);
    await bus.manager.consumers.delete(JOB_QUEUE.stream, JOB_QUEUE.consumer);
    expect(Object.keys(await now()).filter((name) => name.includes('bus_consumer'))).toEqual([]);
  });

  it('are of all pages that JetStream gives', async () => {
    for (let at = 0; at < 260; at++)
      await bus.manager.streams.add({ name: `PAGE_${at}`, subjects: [`page.${at}`], storage: 'memory' });
    const before = (await now())['bus_stream_messages{stream="other"}'] ?? 0;
    for (const at of [0, 259]) await bus.jetstream.publish(`page.${at}`, 'x');
    expect((await now())['bus_stream_messages{stream="other"}']).toBe(before + 2);
  });

  it('are dropped while the bus is away, and come back with it', async () => {
    await server.stop();
    await expect.poll(now).toEqual({ bus_up: 0 });
    const again = await startNats({
      port: server.port,
      store_dir: server.store_dir,
      config: 'server_name: one',
    });
    await expect.poll(async () => (await now()).bus_up).toBe(1);
    expect((await now())['bus_stream_messages{stream="MCP_JOBS"}']).toBe(3);
    await again.stop();
  });
});
