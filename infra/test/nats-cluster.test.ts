import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectBus, createKit, createLogger, openTraceStore } from '@mcp/service-kit';
import { freePort, type NatsServer, startNats, testIdentities } from '@mcp/testkit';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Certificates, certificatesOf } from '../kit/certificates.ts';
import { definitionOf } from './buses.ts';
import { objectsOf, podsOf, record } from './stacks.ts';

const SERVERS = 3;
const PASSWORD = 'a-password-of-a-test';
const closing = new AbortController();
const log = createLogger('test', 'silent');
const dir = mkdtempSync(join(tmpdir(), 'mcp-nats-cluster-'));
const started: NatsServer[] = [];
const certificate = (seed = 'of the region') =>
  certificatesOf(seed, { authority: 'test', subject: 'nats', names: ['localhost'] });

interface Node {
  readonly server: NatsServer;
  /** Names of the servers that it has routes to. */
  peers(): Promise<string[]>;
}

/** nats.conf of the stack prod, as the program writes it: its `cluster` block is what is tried here. */
async function generated(): Promise<string> {
  const { resources } = await record('prod');
  const bus = podsOf(objectsOf(resources)).find(({ owner }) => owner.kind === 'StatefulSet');
  return bus?.annotations['config.mcp.platform/nats.conf'] ?? '';
}

function filesOf({ ca, cert, key }: Certificates, name: string): string {
  const folder = mkdtempSync(join(dir, `${name}-`));
  const files = { 'ca.crt': ca, 'tls.crt': cert, 'tls.key': key };
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

interface Options {
  readonly certificate: Certificates;
  readonly password?: string;
  readonly port: number;
  readonly routes: readonly number[];
  /** Changes the configuration of a server that does not keep to it. */
  readonly change?: (config: string) => string;
}

/** A server of the cluster on this machine: other ports and folders, no links to other regions. */
async function start(config: string, name: string, options: Options): Promise<Node> {
  const monitor = await freePort();
  const { certificate, password = PASSWORD, port, routes, change = (text) => text } = options;
  const text = config
    .replace(/http_port: \d+/, `http_port: ${monitor}`)
    .replace(/leafnodes \{[\s\S]*?\n\}\n/, '')
    .replace(/ *store_dir: .*\n/, '')
    .replace('port: 6222', `host: "127.0.0.1"\n  advertise: "localhost:${port}"\n  port: ${port}`)
    .replaceAll('/etc/nats-tls', filesOf(certificate, name));
  const server = await startNats({
    config: change(`server_name: ${name}\n${text}`),
    env: {
      ...Object.fromEntries([...text.matchAll(/\$(\w+_PASSWORD)/g)].map(([, one = '']) => [one, PASSWORD])),
      CLUSTER_PASSWORD: password,
      CLUSTER_ROUTES: JSON.stringify(routes.map((to) => `tls://route:${password}@localhost:${to}`)),
    },
  });
  started.push(server);
  return {
    server,
    async peers() {
      const answer = await fetch(`http://127.0.0.1:${monitor}/routez`);
      const { routes: seen = [] } = (await answer.json()) as { routes?: { remote_name: string }[] };
      return [...new Set(seen.map(({ remote_name }) => remote_name))].sort();
    },
  };
}

describe('the servers of one region, as the program configures them', () => {
  let config: string;
  let ports: number[];
  let nodes: Node[];
  beforeAll(async () => {
    config = await generated();
    ports = await Promise.all(Array.from({ length: SERVERS }, freePort));
    nodes = await Promise.all(
      ports.map((port, at) =>
        start(config, `nats-${at}`, { certificate: certificate(), port, routes: ports }),
      ),
    );
  }, 60_000);
  afterAll(async () => {
    closing.abort();
    await Promise.all(started.map((server) => server.close()));
    rmSync(dir, { recursive: true, force: true });
  });

  const names = () => Promise.all(nodes.map((node) => node.peers()));
  const WHOLE = [
    ['nats-1', 'nats-2'],
    ['nats-0', 'nats-2'],
    ['nats-0', 'nats-1'],
  ];

  const busAt = (user: string, node: Node | undefined) =>
    connectBus(`nats://${user}:${PASSWORD}@127.0.0.1:${node?.server.port}`, {
      service: user,
      replicas: SERVERS,
      log,
      signal: closing.signal,
    });
  const bucketAt = async (node: Node | undefined) => {
    const bus = await busAt('gateway', node);
    return { bus, bucket: await bus.bucket('mcp_keys', { history: 1, max_bytes: 3_000_000 }) };
  };
  // A new cluster has agreed on a leader first.
  const whole = (node: Node | undefined) => vi.waitFor(() => bucketAt(node), { timeout: 20_000 });

  /** Runs governance until its figures of the bus say so. */
  async function figuresAt(node: Node | undefined, so: RegExp): Promise<string> {
    const definition = await definitionOf('governance');
    const kit = await createKit({
      manifest: definition.manifest,
      env: {
        MCP_DATA: dir,
        ...testIdentities(),
        MCP_LOG_LEVEL: 'silent',
        MCP_NATS_URL: `nats://governance:${PASSWORD}@127.0.0.1:${node?.server.port}`,
      },
      local: new Map(),
      draining: () => false,
    });
    const governance = await definition.create(kit as never);
    // It asks every 15 seconds, and a new leader may have no answer for the first of them.
    await expect.poll(() => kit.metrics.text(), { timeout: 50_000 }).toMatch(so);
    const text = await kit.metrics.text();
    await governance.close();
    await kit.close();
    return text;
  }

  it('say what each of them stores', async () => {
    await expect.poll(names, { timeout: 15_000 }).toEqual(WHOLE);
    const { bus } = await whole(nodes[0]);
    await vi.waitFor(() => openTraceStore(bus, 1_000_000), { timeout: 20_000 });
    await bus.connection.close();
    const figures = await figuresAt(nodes[1], /^bus_stream_limit_bytes{.*stream="KV_mcp_keys"/m);
    const reserved = [...figures.matchAll(/bus_storage_reserved_bytes{.*server="(.*)"} (\d+)/g)];
    expect(reserved.map(([, server]) => server).sort()).toEqual(['nats-0', 'nats-1', 'nats-2']);
    // The bucket is on all of them, the traces are on one.
    expect(reserved.map(([, , bytes]) => bytes).sort()).toEqual(['3000000', '3000000', '4000000']);
  }, 60_000);

  it('are one cluster that keeps three copies of what a service stores', async () => {
    const [first, second] = [await whole(nodes[0]), await whole(nodes[1])];
    await first.bucket.put('a', '1');
    await nodes[0]?.server.stop();
    const copy = () =>
      second.bucket
        .get('a')
        .then((entry) => entry?.string())
        .catch(() => 'no leader yet');
    await expect.poll(copy, { timeout: 20_000 }).toBe('1');
    await Promise.all([first, second].map(({ bus }) => bus.connection.close()));
  }, 60_000);

  it('say what the others store when one is lost', async () => {
    const figures = await figuresAt(nodes[1], /^bus_stream_limit_bytes{.*stream="KV_mcp_keys".*} 3000000$/m);
    expect(figures).toMatch(/^bus_up{.*} 1$/m);
  }, 90_000);

  const without = (config_text: string) => config_text.replace(/^ {2}tls \{.*\n/m, '');
  it.each<[string, () => Pick<Options, 'certificate'> & Partial<Options>]>([
    ['the wrong password', () => ({ certificate: certificate(), password: 'wrong' })],
    ['the certificate of another authority', () => ({ certificate: certificate('of somebody else') })],
    ['no TLS', () => ({ certificate: certificate(), change: without })],
  ])('let none in with %s', async (what, options) => {
    const to = ports.slice(1);
    const intruder = await start(config, 'intruder', { port: await freePort(), routes: to, ...options() });
    const seen: string[][] = [];
    for (let at = 0; at < 6; at++) {
      await new Promise((done) => setTimeout(done, 300));
      seen.push(await intruder.peers(), ...(await Promise.all(nodes.slice(1).map((node) => node.peers()))));
    }
    expect(
      seen.flat().filter((name) => name === 'intruder'),
      what,
    ).toEqual([]);
  });
});
