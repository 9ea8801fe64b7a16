import { createKit, openTraceStore, readTrace } from '@mcp/service-kit';
import { services } from '@mcp/stacks';
import { freePort, testIdentities } from '@mcp/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answers, PASSWORD, type Side, startSide } from './buses.ts';

describe('the event buses of two linked regions, as the program configures them', () => {
  let eu: Side;
  let us: Side;
  beforeAll(async () => {
    const link_port = await freePort();
    eu = await startSide('local-eu', link_port);
    us = await startSide('local-us', link_port, {
      LINK_URL_LOCAL_EU: `"nats-leaf://region-local-us:${PASSWORD}@127.0.0.1:${link_port}"`,
    });
  }, 60_000);
  afterAll(async () => {
    await Promise.all([eu.close(), us.close()]);
  });

  const KEYS = 'mcp_keys';
  const copyIn = async (side: Side, region: string) =>
    (await side.as('gateway')).copy(KEYS, region, 1_000_000);
  const keysOf = async (side: Side) => (await side.as('gateway')).bucket(KEYS, { history: 1 });

  it('keep streams of the same name apart', async () => {
    await (await keysOf(eu)).put('of-eu', '1');
    await (await keysOf(us)).put('of-us', '2');
    expect((await (await keysOf(us)).get('of-eu'))?.string()).toBeUndefined();
    expect((await (await keysOf(eu)).get('of-us'))?.string()).toBeUndefined();
  });

  it('copy to each other what is shared', async () => {
    const in_us = await copyIn(us, 'local-eu');
    const in_eu = await copyIn(eu, 'local-us');
    await expect.poll(async () => (await in_us.get('of-eu'))?.string(), { timeout: 10_000 }).toBe('1');
    await expect.poll(async () => (await in_eu.get('of-us'))?.string(), { timeout: 10_000 }).toBe('2');
    await (await keysOf(eu)).put('later', '3');
    await expect.poll(async () => (await in_us.get('later'))?.string(), { timeout: 10_000 }).toBe('3');
  });

  it('copy the entries of the transparency log, for its service and nobody else', async () => {
    const log = await eu.as('transparency-log');
    const there = await us.as('transparency-log');
    await log.manager.streams.add({ name: 'MCP_LOG_ENTRIES', subjects: ['mcp.log.entries'] });
    const copy = await there.mirror('MCP_LOG_ENTRIES', 'local-eu', 1_000_000);
    expect(await there.mirror('MCP_LOG_ENTRIES', 'local-eu', 2_000_000)).toBe(copy);
    await log.jetstream.publish('mcp.log.entries', 'some', { expect: { lastSequence: 0 } });
    const next = { seq: 1, next_by_subj: 'mcp.log.entries' };
    const first = async () => (await there.manager.direct.getMessage(copy, next))?.string();
    await expect.poll(first, { timeout: 20_000 }).toBe('some');
    expect((await there.find(copy))?.config.max_bytes).toBe(2_000_000);
    await log.manager.streams.purge('MCP_LOG_ENTRIES', { seq: 1 });
    for (const side of [eu, us])
      for (const stream of ['MCP_LOG_ENTRIES', copy])
        expect(await answers(await side.as('core'), `$JS.API.STREAM.INFO.${stream}`)).toBe(false);
    (await eu.as('core')).connection.publish('mcp.log.entries', 'not of the log');
    await (await eu.as('core')).connection.flush();
    expect((await log.find('MCP_LOG_ENTRIES'))?.state.last_seq).toBe(1);
  });

  it('let nothing else across', async () => {
    const heard: string[] = [];
    const { connection } = await us.as('spy');
    for (const subject of ['mcp.>', '$KV.>'])
      connection.subscribe(subject, {
        callback: (_error, { subject: one }) => {
          heard.push(one);
        },
      });
    await connection.flush();
    const engine = await eu.as('task-engine');
    await engine.manager.streams.add({
      name: 'MCP_JOBS',
      subjects: ['mcp.jobs.*.*'],
      retention: 'workqueue',
    });
    await engine.jetstream.publish('mcp.jobs.export.x', '{}');
    await (await keysOf(eu)).put('marker', '4');
    const copy = await copyIn(us, 'local-eu');
    await expect.poll(async () => (await copy.get('marker'))?.string(), { timeout: 10_000 }).toBe('4');
    expect(heard).toEqual([]);
    const spy = await us.as('spy');
    const names: string[] = [];
    for await (const name of spy.manager.streams.names()) names.push(name);
    expect(names.sort()).toEqual(['KV_mcp_keys', 'KV_mcp_keys_local-eu', 'MCP_LOG_ENTRIES_local-eu']);
    for (const subject of ['STREAM.NAMES', 'STREAM.INFO.MCP_JOBS', 'CONSUMER.CREATE.MCP_JOBS', 'INFO'])
      expect(await answers(spy, `$JS.local-eu.API.${subject}`), subject).toBe(false);
  });

  it('let core, and nobody else, keep the heads of logs', async () => {
    const core = await eu.as('core');
    const heads = await core.bucket('mcp_log_heads', { history: 1 });
    const revision = await heads.create('a-log', '1');
    await heads.update('a-log', '2', revision);
    expect((await heads.get('a-log'))?.string()).toBe('2');
    const next = { seq: 1, next_by_subj: '$KV.mcp_log_heads.>' };
    expect((await core.manager.direct.getMessage('KV_mcp_log_heads', next))?.subject).toBe(
      '$KV.mcp_log_heads.a-log',
    );
    const gateway = await eu.as('gateway');
    expect(await answers(gateway, '$JS.API.STREAM.INFO.KV_mcp_log_heads')).toBe(false);
    gateway.connection.publish('$KV.mcp_log_heads.a-log', '3');
    await gateway.connection.flush();
    expect((await heads.get('a-log'))?.string()).toBe('2');
  });

  it('let a service touch its own streams only', async () => {
    const gateway = await eu.as('gateway');
    expect(await answers(gateway, '$JS.API.STREAM.INFO.KV_mcp_keys')).toBe(true);
    expect(await answers(gateway, '$JS.API.STREAM.INFO.MCP_JOBS')).toBe(false);
    const engine = await eu.as('task-engine');
    expect(await answers(engine, '$JS.API.STREAM.INFO.MCP_JOBS')).toBe(true);
    expect(await answers(engine, '$JS.API.STREAM.INFO.KV_mcp_keys')).toBe(false);
  });

  it('take the spans of every service, which only the gateway can read', async () => {
    const gateway = await eu.as('gateway');
    await openTraceStore(gateway, 1_000_000);
    const trace_id = 'c'.repeat(32);
    const kits = await Promise.all(
      Object.values(services).map((manifest) =>
        createKit({
          manifest,
          env: {
            MCP_DATA: eu.server.store_dir,
            ...testIdentities(),
            MCP_LOG_LEVEL: 'silent',
            MCP_NATS_URL: `nats://${manifest.name}:${PASSWORD}@127.0.0.1:${eu.server.port}`,
            MCP_TRACE_STORE: 'true',
            PROV_SECRET: 'p'.repeat(32),
            MCP_LOG_SIGNING_SECRET: 'l'.repeat(32),
            MCP_KMS_KEY: 'k'.repeat(32),
            MODEL_BACKENDS: 'scripted',
          },
          local: new Map(),
          draining: () => false,
        }),
      ),
    );
    for (const { tracer } of kits)
      tracer.start('work', { traceparent: `00-${trace_id}-${'d'.repeat(16)}-01` }).end();
    const writers = async () => (await readTrace(gateway, trace_id)).map(({ service }) => service);
    await expect.poll(writers).toHaveLength(kits.length);
    expect((await writers()).sort()).toEqual(Object.keys(services).sort());
    await Promise.all(kits.map((kit) => kit.close()));
    const core = await eu.as('core');
    await expect(readTrace(core, trace_id)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await answers(core, '$JS.API.STREAM.INFO.MCP_TRACES')).toBe(false);
    const spy = await eu.as('spy');
    const { state } = await spy.manager.streams.info('MCP_TRACES');
    core.connection.publish('mcp.traces.x', 'not kept for ever');
    core.connection.publish('mcp.jobs.export.x', 'a job that core may not make');
    await core.connection.flush();
    await expect
      .poll(async () => (await spy.manager.streams.info('MCP_TRACES')).state.messages)
      .toBe(state.messages + 1);
    expect((await spy.manager.streams.info('MCP_JOBS')).state.messages).toBe(1);
  });

  it('let the task-engine keep results of jobs, and nobody else read them', async () => {
    const engine = await eu.as('task-engine');
    const store = await engine.objects('mcp_job_results', { max_bytes: 1_000_000 });
    await store.putBlob({ name: 'a-job' }, Buffer.from('the result'));
    expect(Buffer.from((await store.getBlob('a-job')) ?? []).toString()).toBe('the result');
    await store.delete('a-job');
    for (const name of ['gateway', 'core'])
      expect(await answers(await eu.as(name), '$JS.API.STREAM.INFO.OBJ_mcp_job_results'), name).toBe(false);
  });

  it('go on alone when the other is lost, with the copy of its keys', async () => {
    await eu.server.stop();
    const bucket = await copyIn(us, 'local-eu');
    const watched: string[] = [];
    for await (const entry of await bucket.watch()) {
      watched.push(entry.key);
      if ((entry.delta ?? 0) === 0) break;
    }
    expect(watched.sort()).toEqual(['later', 'marker', 'of-eu']);
    const own = await keysOf(us);
    for (let at = 0; at < 20; at++) {
      await own.put(`after-${at}`, '5');
      expect((await own.get(`after-${at}`))?.string()).toBe('5');
    }
  });
});
