import { randomBytes, randomUUID } from 'node:crypto';
import type { Bus } from '@mcp/service-kit';
import { freePort } from '@mcp/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { answers, type Side, startSide } from './buses.ts';

/** So small that the server waits for an acknowledgement of each. */
const CHUNK_BYTES = 1024;
const Answer = z.looseObject({
  error: z.looseObject({ code: z.number(), description: z.string() }).optional(),
  config: z.looseObject({}).optional(),
  state: z.looseObject({}).optional(),
  deliver_subject: z.string().optional(),
});

interface Archive {
  readonly config: unknown;
  readonly state: unknown;
  readonly chunks: readonly Uint8Array[];
}

async function ask(bus: Bus, subject: string, body: object | Uint8Array = {}) {
  const payload = body instanceof Uint8Array ? body : JSON.stringify(body);
  const message = await bus.connection.request(subject, payload, { timeout: 3000 });
  const answer = Answer.parse(message.data.length === 0 ? {} : message.json());
  if (answer.error !== undefined) throw new Error(`${subject}: ${answer.error.description}`);
  return answer;
}

/** Saves a stream with its consumers, as `nats stream backup` does. */
async function save(bus: Bus, stream: string): Promise<Archive> {
  const deliver_subject = `_INBOX.backup.${randomUUID()}`;
  const arriving = bus.connection.subscribe(deliver_subject, { timeout: 5000 });
  const request = { deliver_subject, chunk_size: CHUNK_BYTES, window_size: CHUNK_BYTES };
  const { config, state } = await ask(bus, `$JS.API.STREAM.SNAPSHOT.${stream}`, request);
  const chunks: Uint8Array[] = [];
  for await (const message of arriving) {
    if (message.data.length === 0) {
      // Such as 408: nobody acknowledged. A whole archive of less than a chunk ends without a code.
      expect(message.headers?.code ?? 204).toBe(204);
      break;
    }
    chunks.push(message.data);
    message.respond();
  }
  return { config, state, chunks };
}

async function putBack(bus: Bus, stream: string, { config, state, chunks }: Archive): Promise<void> {
  const { deliver_subject } = await ask(bus, `$JS.API.STREAM.RESTORE.${stream}`, { config, state });
  for (const chunk of [...chunks, new Uint8Array()]) await ask(bus, deliver_subject ?? '', chunk);
}

describe('backup and restore of the event bus, as the program configures its users', () => {
  let side: Side;
  beforeAll(async () => {
    side = await startSide('local-eu', await freePort());
  }, 60_000);
  afterAll(() => side.close());

  it('bring back the keys and the jobs of a bus that lost them, consumers included', async () => {
    const [gateway, engine] = [await side.as('gateway'), await side.as('task-engine')];
    const keys = await gateway.bucket('mcp_keys', { history: 1 });
    const values = Array.from({ length: 20 }, () => randomBytes(700).toString('base64'));
    for (const [at, value] of values.entries()) await keys.put(`key-${at}`, value);
    await engine.stream({ name: 'MCP_JOBS', subjects: ['mcp.jobs.*.*'], retention: 'workqueue' });
    await engine.manager.consumers.add('MCP_JOBS', { durable_name: 'workers', ack_policy: 'explicit' });
    for (const id of ['done', 'next', 'last']) await engine.jetstream.publish(`mcp.jobs.export.${id}`, id);
    const done = await (await engine.jetstream.consumers.get('MCP_JOBS', 'workers')).next();
    await done?.ackAck();

    const [backup, restore] = [await side.as('backup'), await side.as('restore')];
    const names = [...((await ask(backup, '$JS.API.STREAM.NAMES')).streams as string[])];
    expect(names.sort()).toEqual(['KV_mcp_keys', 'MCP_JOBS']);
    const archives = new Map<string, Archive>();
    for (const name of names) archives.set(name, await save(backup, name));
    expect(archives.get('KV_mcp_keys')?.chunks.length).toBeGreaterThan(1);
    for (const name of names) await ask(restore, `$JS.API.STREAM.DELETE.${name}`);
    await expect(keys.put('key-20', 'lost')).rejects.toThrow();
    for (const [name, archive] of archives) await putBack(restore, name, archive);

    const again = await gateway.bucket('mcp_keys', { history: 1 });
    for (const [at, value] of values.entries()) expect((await again.get(`key-${at}`))?.string()).toBe(value);
    const workers = await engine.jetstream.consumers.get('MCP_JOBS', 'workers');
    for (const id of ['next', 'last']) {
      const job = await workers.next();
      expect(job?.string()).toBe(id);
      await job?.ackAck();
    }
    await engine.jetstream.publish('mcp.jobs.export.later', 'later');
    expect((await workers.next())?.string()).toBe('later');
  });

  it('are for nobody else: no service saves, deletes or puts back even a stream of its own', async () => {
    const gateway = await side.as('gateway');
    expect(await answers(gateway, '$JS.API.STREAM.INFO.KV_mcp_keys')).toBe(true);
    for (const what of ['SNAPSHOT', 'DELETE', 'RESTORE'])
      expect(await answers(gateway, `$JS.API.STREAM.${what}.KV_mcp_keys`, '{}'), what).toBe(false);
    const spy = await side.as('spy');
    const { config, state } = await spy.manager.streams.info('KV_mcp_keys');
    await spy.manager.streams.delete('KV_mcp_keys');
    const { deliver_subject = '' } = await ask(spy, '$JS.API.STREAM.RESTORE.KV_mcp_keys', { config, state });
    expect(await answers(gateway, deliver_subject)).toBe(false);
  });

  it('change nothing beside: who saves cannot delete or put back, and neither reads or writes a message', async () => {
    const spy = await side.as('spy');
    await spy.manager.streams.add({ name: 'MCP_EVENTS', subjects: ['mcp.events.*.*'] });
    const { config, state } = await spy.manager.streams.info('MCP_EVENTS');
    const [backup, restore] = [await side.as('backup'), await side.as('restore')];
    expect(await answers(backup, '$JS.API.STREAM.DELETE.MCP_EVENTS')).toBe(false);
    expect(
      await answers(backup, '$JS.API.STREAM.RESTORE.MCP_EVENTS', JSON.stringify({ config, state })),
    ).toBe(false);
    const snapshot = JSON.stringify({ deliver_subject: `_INBOX.restore.${randomUUID()}` });
    expect(await answers(restore, '$JS.API.STREAM.SNAPSHOT.MCP_EVENTS', snapshot)).toBe(false);
    for (const bus of [backup, restore]) {
      for (const what of ['PURGE', 'MSG.GET', 'UPDATE', 'CREATE'])
        expect(await answers(bus, `$JS.API.STREAM.${what}.MCP_EVENTS`, '{}'), what).toBe(false);
      expect(await answers(bus, '$JS.API.CONSUMER.CREATE.MCP_EVENTS', '{}')).toBe(false);
      bus.connection.publish('mcp.events.a.b', 'not kept');
      await bus.connection.flush();
    }
    expect((await spy.manager.streams.info('MCP_EVENTS')).state.messages).toBe(0);
  });
});
