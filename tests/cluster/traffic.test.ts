import type { ServiceName } from '@mcp/contracts';
import { services } from '@mcp/stacks';
import { expect, it } from 'vitest';
import { EU, get, inPod, show, US } from './support.ts';

interface Target {
  readonly host: string;
  readonly port: number;
}

const NATS_PORT = 4222;
const NATS_MONITOR_PORT = 8222;
/** Outside the cluster: this stack has no identity provider and no models there, so nobody may try it. */
const OUTSIDE: Target = { host: '1.1.1.1', port: 443 };
const TIMEOUT_MS = 1500;

/** Connects from inside a pod; a refusal shows that packets arrive, a time-out that they do not. */
const PROBE = (targets: Readonly<Record<string, Target>>) => `
  import net from 'node:net';
  import dns from 'node:dns/promises';
  const one = ({ host, port }) => new Promise((done) => {
    const socket = net.connect({ host, port });
    const end = (state) => { socket.destroy(); done(state); };
    socket.setTimeout(${TIMEOUT_MS}, () => end('blocked'));
    socket.on('connect', () => end('open'));
    socket.on('error', (error) => end(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH'].includes(error.code) ? 'arrives' : 'blocked'));
  });
  const out = Object.fromEntries(await Promise.all(Object.entries(${JSON.stringify(targets)}).map(async ([name, at]) => [name, await one(at)])));
  out.dns = await dns.lookup('core').then(() => 'open', () => 'blocked');
  console.log(JSON.stringify(out));`;

const addressOf = async (service: string, namespace: string) =>
  (await get<{ spec: { clusterIP: string } }>(['service', service, '--namespace', namespace])).spec.clusterIP;

async function targets(): Promise<Record<string, Target>> {
  const found: Record<string, Target> = {};
  for (const { name, port } of Object.values(services))
    found[name] = { host: await addressOf(name, US.namespace), port };
  found.nats = { host: await addressOf('nats', US.namespace), port: NATS_PORT };
  found['nats monitor'] = { host: found.nats.host, port: NATS_MONITOR_PORT };
  found['gateway of the other region'] = {
    host: await addressOf('gateway', EU.namespace),
    port: services.gateway.port,
  };
  found['API server'] = { host: await addressOf('kubernetes', 'default'), port: 443 };
  found.outside = OUTSIDE;
  return found;
}

/** What a service's manifest declares, and nothing else. */
function allowed(from: ServiceName, to: string): boolean {
  const { calls, needs } = services[from];
  if (to === 'dns') return true;
  if (to === 'nats') return needs.includes('nats');
  return (calls as readonly string[]).includes(to);
}

it('every connection is open exactly where a manifest declares it', async () => {
  const to = await targets();
  const rows: Record<string, unknown>[] = [];
  const wrong: string[] = [];
  for (const from of Object.keys(services) as ServiceName[]) {
    const seen = JSON.parse(await inPod(US.namespace, `deployment/${from}`, PROBE(to))) as Record<
      string,
      string
    >;
    rows.push({ from, ...seen });
    for (const [name, state] of Object.entries(seen)) {
      // No policy keeps a pod from itself.
      if (name === from) continue;
      const expected = allowed(from, name) ? 'open' : 'blocked';
      if (state !== expected) wrong.push(`${from} -> ${name}: ${state}, declared ${expected}`);
    }
  }
  show('Traffic', rows);
  expect(wrong).toEqual([]);
});
