import { freePort, type NatsServer, startNats } from '@mcp/testkit';
import { AuthorizationError, TimeoutError } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Bus, connectBus, createLogger, LOSABLE } from '../src/index.ts';
import { cleanUp, kitFor } from './support.ts';

let nats: NatsServer;
beforeAll(async () => {
  nats = await startNats();
});
afterAll(async () => {
  await nats.close();
  cleanUp();
});

async function busOf(): Promise<Bus> {
  const kit = await kitFor('core', { MCP_NATS_URL: nats.url });
  onTestFinished(() => kit.close());
  return kit.bus();
}

const sizeOf = async (bus: Bus, stream: string) => (await bus.manager.streams.info(stream)).config.max_bytes;

test('what replicas make at the same moment is made once, even of different sizes, and none of them is refused', async () => {
  const replicas = await Promise.all(Array.from({ length: 4 }, busOf));
  const all = (make: (bus: Bus, max_bytes: number) => Promise<unknown>) =>
    Promise.all(replicas.map((bus, at) => make(bus, 4000 + at)));
  for (let round = 0; round < 5; round++) {
    const name = `mcp_race${round}`;
    await all((bus, max_bytes) => bus.bucket(name, { history: 1, max_bytes }));
    await all((bus, max_bytes) => bus.objects(name, { max_bytes }));
    await all((bus, max_bytes) => bus.copy(name, 'elsewhere', max_bytes));
    await all((bus, max_bytes) => bus.stream({ name: `RACE${round}`, subjects: [name], max_bytes }));
  }
});

describe('a bucket or object store that exists', () => {
  test('gets the size that it is to have, and keeps what is in it', async () => {
    const bus = await busOf();
    const first = await bus.bucket('mcp_sized', { history: 1 });
    const { created } = (await first.status()).streamInfo;
    await first.put('a', 'x'.repeat(500));
    expect(await sizeOf(bus, 'KV_mcp_sized')).toBe(-1);
    const again = await bus.bucket('mcp_sized', { history: 1, max_bytes: 4000 });
    expect(await sizeOf(bus, 'KV_mcp_sized')).toBe(4000);
    expect((await again.status()).streamInfo.created).toBe(created);
    expect((await again.get('a'))?.string()).toHaveLength(500);
    // Smaller than what is in it: that stays, and more is refused.
    await bus.bucket('mcp_sized', { history: 1, max_bytes: 100 });
    expect((await again.get('a'))?.string()).toHaveLength(500);
    await expect(again.put('b', 'y')).rejects.toThrow(/maximum bytes/);

    await bus.objects('mcp_sized', { max_bytes: 1000 });
    await bus.objects('mcp_sized', { max_bytes: 5_000 });
    expect(await sizeOf(bus, 'OBJ_mcp_sized')).toBe(5000);
  });

  test('gets the age that it is to have, and keeps it where none is asked for', async () => {
    const bus = await busOf();
    const ageOf = async (stream: string) => (await bus.manager.streams.info(stream)).config.max_age;
    for (const hours of [1, 5]) {
      await bus.bucket('mcp_aged', { ttl: hours * 3_600_000 });
      await bus.objects('mcp_aged', { ttl: hours * 3_600_000_000_000 });
      for (const stream of ['KV_mcp_aged', 'OBJ_mcp_aged'])
        expect(await ageOf(stream)).toBe(hours * 3_600_000_000_000);
    }
    await bus.bucket('mcp_aged', {});
    expect(await ageOf('KV_mcp_aged')).toBe(5 * 3_600_000_000_000);
  });

  test('keeps its size where none is asked for', async () => {
    const bus = await busOf();
    await bus.bucket('mcp_kept', { max_bytes: 4000 });
    await bus.bucket('mcp_kept', {});
    expect(await sizeOf(bus, 'KV_mcp_kept')).toBe(4000);
  });

  test('has a size as a copy of another region too', async () => {
    const bus = await busOf();
    await bus.copy('mcp_keys', 'elsewhere', 3000);
    expect(await sizeOf(bus, 'KV_mcp_keys_elsewhere')).toBe(3000);
    await bus.copy('mcp_keys', 'elsewhere', 6000);
    expect(await sizeOf(bus, 'KV_mcp_keys_elsewhere')).toBe(6000);
  });
});

test('a stream is made, changed where it is to be another, and else not touched: all servers agree on each change', async () => {
  const bus = await busOf();
  const changes = vi.spyOn(bus.manager.streams, 'update');
  const config = {
    ...LOSABLE,
    name: 'MCP_KEPT',
    subjects: ['mcp.kept.*'],
    max_bytes: 4000,
    max_age: 3_600_000_000_000,
    max_msgs_per_subject: 1,
  };
  await bus.stream(config);
  await bus.stream(config);
  expect(changes).not.toHaveBeenCalled();
  await bus.stream({ ...config, max_bytes: 8000 });
  expect(changes).toHaveBeenCalledOnce();
  expect(await sizeOf(bus, 'MCP_KEPT')).toBe(8000);
});

test('a stream is waited for while JetStream cannot say anything', async () => {
  const bus = await busOf();
  const { add } = bus.manager.streams;
  const away = vi
    .spyOn(bus.manager.streams, 'add')
    .mockRejectedValueOnce(new TimeoutError())
    .mockImplementation((config) => add.call(bus.manager.streams, config));
  await bus.stream({ name: 'MCP_LATE', subjects: ['mcp.late'], max_bytes: 1000 });
  expect(away).toHaveBeenCalledTimes(2);
  await expect(bus.stream({ name: 'MCP_WRONG', subjects: ['mcp.late'], max_bytes: 1000 })).rejects.toThrow(
    /overlap/,
  );
});

describe('a first connection', () => {
  const optionsOf = (signal: AbortSignal) => {
    const log = createLogger('core', 'silent');
    return { service: 'core', replicas: 1, log, signal, warned: vi.spyOn(log, 'warn') };
  };

  test('is given up at once where the password is wrong: waiting makes no other of it', async () => {
    const guarded = await startNats({ config: 'authorization { user: core, password: right }' });
    onTestFinished(() => guarded.close());
    const { warned, ...options } = optionsOf(new AbortController().signal);
    const at = (password: string) => `nats://core:${password}@127.0.0.1:${guarded.port}`;
    await expect(connectBus(at('wrong'), options)).rejects.toBeInstanceOf(AuthorizationError);
    expect(warned).not.toHaveBeenCalled();
    const bus = await connectBus(at('right'), options);
    await bus.close();
  });

  test('is said to be waited for, once and without its password, until it is there', async () => {
    const port = await freePort();
    const { warned, ...options } = optionsOf(new AbortController().signal);
    const connected = connectBus(`nats://core:hidden@127.0.0.1:${port}`, options);
    await expect.poll(() => warned.mock.calls.length).toBe(1);
    const late = await startNats({ port });
    onTestFinished(() => late.close());
    const bus = await connected;
    await bus.close();
    expect(warned).toHaveBeenCalledOnce();
    expect(warned.mock.calls[0]).toEqual([
      expect.objectContaining({ address: `127.0.0.1:${port}` }),
      expect.stringContaining('waited for'),
    ]);
    expect(JSON.stringify(warned.mock.calls)).not.toContain('hidden');
  });
});
