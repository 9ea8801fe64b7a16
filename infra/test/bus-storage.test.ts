import type { ServiceName } from '@mcp/contracts';
import { createKit } from '@mcp/service-kit';
import {
  busStorageBytes,
  type SecretName,
  type Stack,
  serviceEnvironment,
  services,
  stacks,
} from '@mcp/stacks';
import { testIdentities } from '@mcp/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { answers, definitionOf, PASSWORD, type Side, startLone } from './buses.ts';

/** The services whose manifests have something on the bus. */
const STARTED = Object.values(services)
  .filter(({ bus }) => Object.keys(bus.streams).length + bus.buckets.length + bus.objects.length > 0)
  .map(({ name }) => name);
const SECRETS: Partial<Record<SecretName, string>> = {
  prov_secret: 'a provenance secret for these tests only',
  log_signing_secret: 'a secret of the transparency log for tests',
  kms_key: 'a key that data keys are wrapped by, for tests',
  admin_key_hash: '0'.repeat(64),
  nats_password: PASSWORD,
};

/** Starts a service as a pod of the stack runs it, but with SQLite and the one server that there is. */
async function start(stack: Stack, name: ServiceName, { server }: Side) {
  const definition = await definitionOf(name);
  const env = serviceEnvironment(
    stack,
    { service: name, in_process: [] },
    {
      region: stack.regions[0]?.name ?? '',
      host: '127.0.0.1',
      endpoints: Object.fromEntries(Object.keys(services).map((one) => [one, 'http://127.0.0.1:9'])),
      data_dir: `${server.store_dir}/${name}`,
      nats_address: `127.0.0.1:${server.port}`,
      nats_user: name,
      peer_url: () => 'http://127.0.0.1:9',
      nats_storage_bytes: busStorageBytes(stack.kubernetes),
      secret: (secret) => SECRETS[secret],
      asset: (id) => id,
      operator: { MCP_LOG_LEVEL: 'silent' },
    },
  );
  const kit = await createKit({
    manifest: definition.manifest,
    env: { ...env, ...testIdentities() },
    local: new Map(),
    draining: () => false,
  });
  const instance = await definition.create(kit as never);
  return {
    kit,
    async close() {
      await instance.close();
      await kit.close();
    },
  };
}

/** What the manifests of the stack have on the bus, and copies of what peers share. */
function streamsOf(stack: Stack): string[] {
  const [, ...others] = stack.regions;
  const all = Object.values(services).flatMap(({ bus }) => [
    ...Object.keys(bus.streams).filter((name) => others.length > 0 || !bus.shared_streams.includes(name)),
    ...bus.shared_streams.flatMap((stream) => others.map(({ name }) => `${stream}_${name}`)),
    ...bus.buckets.map((bucket) => `KV_${bucket}`),
    ...bus.objects.map((store) => `OBJ_${store}`),
    ...bus.shared.flatMap((bucket) => others.map(({ name }) => `KV_${bucket}_${name}`)),
  ]);
  // Services may share a bucket.
  return [...new Set(all)];
}

describe.each(Object.values(stacks))(
  'the event bus of the stack $name, as the program configures it',
  (stack) => {
    const open: { close(): Promise<void> }[] = [];
    afterEach(async () => {
      for (const one of open.reverse()) await one.close();
    });

    it('has room for all that the services may store, and tells governance what is in it', async () => {
      const side = await startLone(stack);
      open.push(side);
      for (const name of STARTED) open.push(await start(stack, name, side));
      const spy = await side.as('spy');
      const wanted = streamsOf(stack).sort();
      // Made once a peer has said how far its copy is, as large as copies are: none does here.
      if (wanted.includes('MCP_LOG_ENTRIES'))
        await spy.manager.streams.add({
          name: 'MCP_LOG_ENTRIES',
          subjects: ['mcp.log.entries'],
          max_bytes: services['transparency-log'].settings.MCP_LOG_COPY_STREAM_BYTES.schema.parse(undefined),
        });
      const sizes = async () => {
        const found = new Map<string, number>();
        for await (const { config } of spy.manager.streams.list()) found.set(config.name, config.max_bytes);
        return found;
      };
      await expect.poll(async () => [...(await sizes()).keys()].sort(), { timeout: 20_000 }).toEqual(wanted);
      const all = [...(await sizes())];
      expect(all.filter(([, max_bytes]) => max_bytes <= 0)).toEqual([]);
      const total = all.reduce((sum, [, max_bytes]) => sum + max_bytes, 0);
      expect(total).toBeLessThanOrEqual(busStorageBytes(stack.kubernetes));
      expect((await spy.manager.getAccountInfo()).reserved_storage).toBe(total);
      // The server, too, would have no room for more than that.
      await expect(
        spy.manager.streams.add({
          name: 'TOO_LARGE',
          subjects: ['too-large'],
          max_bytes: busStorageBytes(stack.kubernetes) - total + 1,
        }),
      ).rejects.toThrow(/insufficient storage/);

      const watch = await start(stack, 'governance', side);
      open.push(watch);
      const text = () => watch.kit.metrics.text();
      await expect.poll(text, { timeout: 10_000 }).toContain('bus_up{service="governance"} 1\n');
      const figures = await text();
      for (const [name, max_bytes] of all)
        expect(figures).toMatch(
          new RegExp(
            `bus_stream_limit_bytes{service="governance",stream="${name}",discard="\\w+"} ${max_bytes}\n`,
          ),
        );
      expect(figures).toMatch(new RegExp(`bus_storage_reserved_bytes{.*} ${total}\n`));
      expect(figures).toMatch(
        new RegExp(`bus_storage_limit_bytes{.*} ${busStorageBytes(stack.kubernetes)}\n`),
      );
      expect(figures).toContain(
        'bus_consumer_pending{service="governance",stream="MCP_JOBS",consumer="workers"} 0\n',
      );
      expect(figures).not.toContain('stream="other"');

      const governance = await side.as('governance');
      const verbs = ['INFO', 'PURGE', 'DELETE', 'UPDATE', 'CREATE', 'MSG.GET', 'SNAPSHOT'];
      const own = services.governance.bus.buckets.map((bucket) => `KV_${bucket}`);
      const others = all.filter(([name]) => !own.includes(name));
      const asked = others.flatMap(([name]) => verbs.map((verb) => `$JS.API.STREAM.${verb}.${name}`));
      const answered = await Promise.all(asked.map((subject) => answers(governance, subject, '{}')));
      expect(asked.filter((_, at) => answered[at])).toEqual([]);
      expect(await answers(governance, '$JS.API.STREAM.LIST', '{}')).toBe(true);
    }, 60_000);
  },
);
