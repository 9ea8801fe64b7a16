import { NATS, type RegionContext } from '../../context.ts';
import { TLS_FILES } from './nats-links.ts';

export const NATS_CLUSTER_PORT = 6222;
/** The password with which the servers of one region know each other; each also proves itself by certificate. */
export const NATS_CLUSTER_SECRET = { object: 'mcp-nats-cluster', key: 'password' } as const;
export const CLUSTER_PASSWORD = 'CLUSTER_PASSWORD';
const ROUTES = 'CLUSTER_ROUTES';
const USER = 'route';

/** Whether a region's event bus is several servers, which speak to each other. */
export function isClustered({ stack }: Pick<RegionContext, 'stack'>): boolean {
  return stack.nats.external_url === undefined && stack.kubernetes.nats.replicas > 1;
}

/** The `cluster` block of nats.conf, or nothing where there is one server. */
export function clusterLines(context: RegionContext): string[] {
  if (!isClustered(context)) return [];
  return [
    'cluster {',
    `  name: ${JSON.stringify(context.region.name)}`,
    `  port: ${NATS_CLUSTER_PORT}`,
    `  authorization { user: ${JSON.stringify(USER)}, password: $${CLUSTER_PASSWORD}, timeout: 5 }`,
    // Both ends of a route: who dials checks the name, who is dialled the certificate.
    `  tls { ${TLS_FILES}, verify: true, timeout: 5 }`,
    `  routes: $${ROUTES}`,
    '}',
  ];
}

/** The variable with the addresses of all servers; the kubelet puts the password in. */
export function clusterEnvironment(context: RegionContext): { name: string; value: string }[] {
  if (!isClustered(context)) return [];
  const servers = Array.from({ length: context.settings.nats.replicas }, (_, at) => `${NATS}-${at}`);
  const urls = servers.map((name) => `tls://${USER}:$(${CLUSTER_PASSWORD})@${addressOf(context, name)}`);
  return [{ name: ROUTES, value: JSON.stringify(urls) }];
}

/** Servers tell each other where they are by the name that is in their certificate, not by the address of a pod. */
export function clusterArguments(context: RegionContext): string[] {
  return isClustered(context) ? ['--cluster_advertise', addressOf(context, '$(POD_NAME)')] : [];
}

function addressOf({ region }: RegionContext, server: string): string {
  return `${server}.${NATS}-headless.${region.namespace}.svc.cluster.local:${NATS_CLUSTER_PORT}`;
}
