import type { ServiceName } from '@mcp/contracts';
import {
  type DeploymentContext,
  type ServicePlacement,
  type Stack,
  serviceEnvironment,
  services,
  servicesOf,
} from '@mcp/stacks';
import type { DataPaths } from '../paths.ts';
import { firstPort, localDependencies } from './dependency.ts';
import type { ProcessSpec } from './managed-process.ts';
import type { Ports } from './prepare.ts';
import { probeReady } from './probe.ts';

/** Preloaded into services, so that they end with the runner. */
const WATCH_PARENT = new URL('./watch-parent.ts', import.meta.url).href;

/** Where everything is on this machine. */
export function localContext(options: {
  stack: Stack;
  host: string;
  ports: Ports;
  paths: DataPaths;
  secret: DeploymentContext['secret'];
  asset: DeploymentContext['asset'];
  operator: DeploymentContext['operator'];
}): DeploymentContext {
  const { ports, paths } = options;
  const names = options.stack.services.flatMap((placement) => servicesOf(placement));
  const endpoints: Partial<Record<ServiceName, string>> = {};
  for (const name of names)
    endpoints[name] =
      `http://${name === 'gateway' ? reachable(options.host) : '127.0.0.1'}:${ports.services[name] ?? services[name].port}`;
  return {
    region: options.stack.regions[0]?.name ?? 'local',
    host: options.host,
    endpoints,
    ports: ports.services,
    data_dir: paths.dir,
    ...busOf(options),
    secret: options.secret,
    asset: options.asset,
    ...(options.operator === undefined ? {} : { operator: options.operator }),
  };
}

/** Where the event bus of this machine is. */
function busOf({
  stack,
  ports,
}: {
  stack: Stack;
  ports: Ports;
}): Pick<DeploymentContext, 'nats_address' | 'nats_storage_bytes'> {
  const bus = localDependencies(stack).find(({ name }) => name === 'nats');
  const storage_bytes = bus?.local.storage_bytes;
  const port = bus === undefined ? 0 : firstPort(bus, ports.dependencies.nats ?? {});
  return {
    nats_address: `127.0.0.1:${port}`,
    ...(storage_bytes === undefined ? {} : { nats_storage_bytes: storage_bytes }),
  };
}

/** An address by which a listener on `host` is reached from this machine. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

/** One child process per placement, with the environment its pod would get and little else. */
export function serviceSpec(
  stack: Stack,
  placement: ServicePlacement,
  options: { at: DeploymentContext; paths: DataPaths; root: string; base: Readonly<Record<string, string>> },
): ProcessSpec {
  const { at } = options;
  const names = servicesOf(placement);
  // Only a process that holds the gateway is for the outside; the others stay on this machine.
  const host = names.includes('gateway') ? at.host : '127.0.0.1';
  const urls = names.map((name) => at.endpoints[name] ?? '');
  return {
    name: placement.service,
    command: process.execPath,
    // node:sqlite works and still warns of itself at every start.
    args: [
      '--disable-warning=ExperimentalWarning',
      '--import',
      WATCH_PARENT,
      services[placement.service].entry,
    ],
    env: { ...options.base, ...serviceEnvironment(stack, placement, { ...at, host }) },
    cwd: options.root,
    url: urls[0] ?? '',
    log: `${options.paths.logs}/${placement.service}.log`,
    supervision: 'ipc',
    probe: async () => {
      const answers = await Promise.all(urls.map((url) => probeReady(url)));
      const failing = answers.flatMap((reason, at_) =>
        reason === undefined ? [] : [names.length === 1 ? reason : `${names[at_]}: ${reason}`],
      );
      return failing.length === 0 ? undefined : failing.join('; ');
    },
  };
}
