import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Principal, ServiceName } from '@mcp/contracts';
import { type ServiceDefinition, type StartedServices, startServices, TokenSigner } from '@mcp/service-kit';
import {
  type DeploymentContext,
  type Stack,
  serviceEnvironment,
  services,
  signingKeyOf,
  stacks,
} from '@mcp/stacks';
import { freePort, startNats } from '@mcp/testkit';
import { newSecrets, type Secrets } from './secrets.ts';

export interface ShippedOptions {
  /** The stack `local` where none is given. */
  readonly stack?: Stack;
  /** Each on a port of its own, calling the others over HTTP; all where none are given. */
  readonly services?: readonly ServiceName[];
  /** Scripted models, in place of those of the stack. */
  readonly models?: readonly object[];
  /** What an operator sets around the platform. */
  readonly operator?: Readonly<Record<string, string>>;
  readonly secrets?: Secrets;
}

export interface Shipped {
  readonly urls: Readonly<Record<ServiceName, string>>;
  readonly data: string;
  /** Each route that the services offer: service, method, pattern of its path. */
  readonly routes: readonly ShippedRoute[];
  /** An admin key of the gateway. */
  readonly key: string;
  /** Asks the gateway with that key; with a body, it is a POST. */
  ask(path: string, body?: object): Promise<Response>;
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
  const { stack = stacks.local as Stack, models } = options;
  const names = options.services ?? [...ServiceName.options].reverse();
  const data = mkdtempSync(join(tmpdir(), 'mcp-shipped-'));
  const nats = names.some((name) => services[name].needs.includes('nats')) ? await startNats() : undefined;
  const ports = Object.fromEntries(
    await Promise.all(ServiceName.options.map(async (name) => [name, await freePort()] as const)),
  ) as Record<ServiceName, number>;
  const urls = Object.fromEntries(
    ServiceName.options.map((name) => [name, `http://127.0.0.1:${ports[name]}`]),
  ) as Record<ServiceName, string>;
  const key = `mcp_${randomBytes(32).toString('base64url')}`;
  const secrets: Secrets = { ...newSecrets(key), ...options.secrets };
  const at: DeploymentContext = {
    region: stack.regions[0]?.name ?? '',
    host: '127.0.0.1',
    endpoints: urls,
    ports,
    data_dir: data,
    nats_address: `127.0.0.1:${nats?.port ?? 0}`,
    secret: (name) => secrets[name],
    asset: (id) => join(data, 'models', id),
    operator: {
      MCP_LOG_LEVEL: 'fatal',
      ...(models && { MODEL_BACKENDS: 'scripted', MCP_SCRIPTED_MODELS: JSON.stringify(models) }),
      ...options.operator,
    },
  };
  const running: StartedServices[] = [];
  const routes: ShippedRoute[] = [];
  const stop = async () => {
    for (const one of running.reverse()) await one.stop('end of test');
    await nats?.close();
    rmSync(data, { recursive: true, force: true });
  };
  try {
    for (const service of names)
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
    new TokenSigner(from, secrets[signingKeyOf(from)] ?? '').token(to, principal);
  const ask: Shipped['ask'] = (path, body) =>
    fetch(`${urls.gateway}${path}`, {
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
  return { urls, data, routes, key, ask, token, stop };
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
