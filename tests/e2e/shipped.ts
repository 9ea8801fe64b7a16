import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Principal, ServiceName } from '@mcp/contracts';
import {
  keySetOf,
  type ServiceDefinition,
  type StartedServices,
  startServices,
  TokenSigner,
} from '@mcp/service-kit';
import {
  type DeploymentContext,
  identitiesOf,
  type SecretName,
  type Stack,
  serviceEnvironment,
  services,
  signingKeyOf,
  signingServices,
} from '@mcp/stacks';
import { freePort, startNats } from '@mcp/testkit';

export interface ShippedOptions {
  readonly stack: Stack;
  /** Each on a port of its own, calling the others over HTTP. */
  readonly services: readonly ServiceName[];
  /** What an operator sets around the platform. */
  readonly operator?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Partial<Record<SecretName, string>>>;
}

export interface Shipped {
  readonly urls: Readonly<Record<ServiceName, string>>;
  readonly data: string;
  /** Each route that the services offer: service, method, pattern of its path. */
  readonly routes: readonly ShippedRoute[];
  /** An admin key of the gateway. */
  readonly key: string;
  /** The token of a call between services. */
  token(from: ServiceName, to: ServiceName, principal: Principal): Promise<string>;
  stop(): Promise<void>;
}

interface ShippedRoute {
  readonly service: ServiceName;
  readonly method: string;
  readonly path: string;
}

/** Services of a stack as it ships them: the environment that their pods would get, a real event bus, real sockets. */
export async function startShipped(options: ShippedOptions): Promise<Shipped> {
  const { stack } = options;
  const data = mkdtempSync(join(tmpdir(), 'mcp-shipped-'));
  const nats = options.services.some((name) => services[name].needs.includes('nats'))
    ? await startNats()
    : undefined;
  const ports = Object.fromEntries(
    await Promise.all(ServiceName.options.map(async (name) => [name, await freePort()] as const)),
  ) as Record<ServiceName, number>;
  const urls = Object.fromEntries(
    ServiceName.options.map((name) => [name, `http://127.0.0.1:${ports[name]}`]),
  ) as Record<ServiceName, string>;
  const key = `mcp_${randomBytes(32).toString('base64url')}`;
  const signing: Partial<Record<SecretName, string>> = Object.fromEntries(
    signingServices.map((name) => [signingKeyOf(name), randomBytes(32).toString('hex')]),
  );
  const secrets: Partial<Record<SecretName, string>> = {
    ...signing,
    service_jwks: JSON.stringify(keySetOf(identitiesOf((name) => [signing[signingKeyOf(name)] ?? '']))),
    prov_secret: randomBytes(32).toString('base64url'),
    admin_key_hash: createHash('sha256').update(key).digest('hex'),
    ...options.secrets,
  };
  const at: DeploymentContext = {
    region: stack.regions[0]?.name ?? '',
    host: '127.0.0.1',
    endpoints: urls,
    ports,
    data_dir: data,
    nats_address: `127.0.0.1:${nats?.port ?? 0}`,
    secret: (name) => secrets[name],
    asset: (id) => join(data, 'models', id),
    operator: { MCP_LOG_LEVEL: 'fatal', ...options.operator },
  };
  const running: StartedServices[] = [];
  const routes: ShippedRoute[] = [];
  const stop = async () => {
    for (const one of running.reverse()) await one.stop('end of test');
    await nats?.close();
    rmSync(data, { recursive: true, force: true });
  };
  try {
    for (const service of options.services)
      running.push(
        await startServices(
          telling(await definitionOf(service), (all) =>
            routes.push(...all.map((route) => ({ service, ...route }))),
          ),
          serviceEnvironment(stack, { service, in_process: [] }, at),
        ),
      );
  } catch (error) {
    await stop();
    throw error;
  }
  const token = async (from: ServiceName, to: ServiceName, principal: Principal) =>
    new TokenSigner(from, signing[signingKeyOf(from)] ?? '').token(to, principal);
  return { urls, data, routes, key, token, stop };
}

/** A definition that says which routes its app has, once it is made. */
function telling(
  definition: ServiceDefinition<unknown>,
  tell: (routes: readonly { method: string; path: string }[]) => void,
): ServiceDefinition<unknown> {
  return {
    ...definition,
    async create(kit) {
      const instance = await definition.create(kit);
      tell(instance.app.routes.filter(({ method }) => method !== 'ALL'));
      return instance;
    },
  };
}

async function definitionOf(name: ServiceName): Promise<ServiceDefinition<unknown>> {
  const module: { definition: ServiceDefinition<unknown> } = await import(
    `../../apps/${name}/src/definition.ts`
  );
  return module.definition;
}
