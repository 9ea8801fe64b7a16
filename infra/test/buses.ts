import type { ServiceName } from '@mcp/contracts';
import { type Bus, connectBus, createLogger, type ServiceDefinition } from '@mcp/service-kit';
import type { Stack } from '@mcp/stacks';
import { type NatsServer, startNats } from '@mcp/testkit';
import { objectsOf, podsOf, record } from './stacks.ts';

export const PASSWORD = 'a-password-of-a-test';
const SPY = '{ user: "spy", password: "spy" }';
const closing = new AbortController();
const log = createLogger('test', 'silent');

/** One event bus, with the users that the program configures. */
export interface Side {
  readonly server: NatsServer;
  /** The bus as a user sees it, or the spy, who may do everything. */
  as(user: string): Promise<Bus>;
  close(): Promise<void>;
}

/** nats.conf of a region of a stack, as the program writes it. */
async function generated(stack: string, namespace: string): Promise<string> {
  const { resources } = await record(stack);
  const pod = podsOf(objectsOf(resources)).find(
    ({ owner: { metadata } }) => metadata.name === 'nats' && metadata.namespace === namespace,
  );
  return pod?.annotations['config.mcp.platform/nats.conf'] ?? '';
}

/** The same for one server on this machine: no cluster of three, no certificates, and a spy among the users. */
function alone(config: string, link_port: number): string {
  return config
    .replace(/cluster \{[\s\S]*?\n\}\n/, '')
    .replace(/http_port: \d+\n/, '')
    .replace(/ *store_dir: .*\n/, '')
    .replaceAll(/,? ?tls \{[^}]*\}/g, '')
    .replace(/( {2}port: )7422/, `$1${link_port}`)
    .replace('users = [', `users = [\n    ${SPY}`);
}

/** Starts the bus of a region of `multi-region`; `link_port`: where the region that others dial listens. */
export async function startSide(
  region: string,
  link_port: number,
  env: Record<string, string> = {},
): Promise<Side> {
  return startBus(alone(await generated('multi-region', `mcp-${region}`), link_port), env);
}

/** Starts the bus of the first region of a stack, on one server without links. */
export async function startLone(stack: Stack): Promise<Side> {
  const config = await generated(stack.name, stack.regions[0]?.namespace ?? '');
  return startBus(alone(config.replace(/leafnodes \{[\s\S]*?\n\}\n/, ''), 0));
}

async function startBus(config: string, env: Record<string, string> = {}): Promise<Side> {
  const passwords = Object.fromEntries(
    [...config.matchAll(/\$(\w+_PASSWORD)/g)].map(([, variable = '']) => [variable, PASSWORD]),
  );
  const server = await startNats({ config, env: { ...passwords, ...env } });
  const buses = new Map<string, Promise<Bus>>();
  return {
    server,
    as(user) {
      const password = user === 'spy' ? 'spy' : PASSWORD;
      const url = `nats://${user}:${password}@127.0.0.1:${server.port}`;
      const bus =
        buses.get(user) ?? connectBus(url, { service: user, replicas: 1, log, signal: closing.signal });
      buses.set(user, bus);
      return bus;
    },
    async close() {
      for (const bus of buses.values()) await (await bus).connection.close();
      await server.close();
    },
  };
}

/** Whether the server lets a user have an answer from a subject. */
export async function answers(bus: Bus, subject: string, body = ''): Promise<boolean> {
  try {
    await bus.connection.request(subject, body, { timeout: 1000 });
    return true;
  } catch {
    return false;
  }
}

/** How a service is put together. */
export async function definitionOf(name: ServiceName): Promise<ServiceDefinition<unknown>> {
  const module: { definition: ServiceDefinition<unknown> } = await import(
    `../../apps/${name}/src/definition.ts`
  );
  return module.definition;
}
