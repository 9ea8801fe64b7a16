import { dials, failingOverTo, linkedRegions, type Region, type Stack } from '@mcp/stacks';
import type { Chart } from 'cdk8s';
import { NATS, type RegionContext, selectorOf, workloads } from '../../context.ts';
import { add } from '../../kit/objects.ts';

export const NATS_LINK_PORT = 7422;
/** The one Service of the platform that is a load balancer: regions of other clusters come in there. */
export const NATS_LINK_SERVICE = `${NATS}-link`;
export const NATS_TLS_SECRET = 'mcp-nats-tls';
/** One password for all links of a platform; each end also proves itself by certificate. */
export const NATS_LINK_SECRET = { object: 'mcp-nats-link', key: 'password' } as const;
export const LINK_PASSWORD = 'LINK_PASSWORD';
/** The certificate of a region's servers, as nats.conf names it. */
export const TLS_FILES =
  'cert_file: "/etc/nats-tls/tls.crt", key_file: "/etc/nats-tls/tls.key", ca_file: "/etc/nats-tls/ca.crt"';
const BUCKET_STREAM = 'KV_';

/** A region at the other end of a link, and how it is reached. */
interface Link {
  readonly region: Region;
  /** True: this region dials. */
  readonly dials: boolean;
  readonly same_cluster: boolean;
  readonly host: string;
}

/** The links of a region. Each pair has one, which the less preferred region dials. */
export function linksOf({ stack, region }: Pick<RegionContext, 'stack' | 'region'>): Link[] {
  return linkedRegions(stack, region).map((other) => {
    const same_cluster = other.kube_context === region.kube_context;
    return {
      region: other,
      dials: dials(region, other),
      same_cluster,
      host: same_cluster ? nameInside(other) : nameOutside(stack, other),
    };
  });
}

function nameInside({ namespace }: Region): string {
  return `${NATS}-headless.${namespace}.svc.cluster.local`;
}

function nameOutside(stack: Stack, { name }: Region): string {
  return `${NATS}.${name}.${stack.kubernetes.edge.host}`;
}

/** Names by which the servers of a stack are reached from each other: what a certificate for all of them holds. */
export function busNames(stack: Stack): string[] {
  const names = stack.regions.flatMap((region) => [
    nameInside(region),
    `*.${nameInside(region)}`,
    nameOutside(stack, region),
  ]);
  return [...new Set(names)].sort();
}

/** The `leafnodes` block of nats.conf, or nothing where there are no links. */
export function linkLines(context: RegionContext): string[] {
  const links = linksOf(context);
  if (links.length === 0) return [];
  const dialed = links.filter((link) => link.dials);
  return [
    'leafnodes {',
    ...(dialed.length < links.length
      ? [`  port: ${NATS_LINK_PORT}`, `  tls { ${TLS_FILES}, verify: true }`]
      : []),
    ...(dialed.length === 0
      ? []
      : [
          '  remotes = [',
          ...dialed.map(({ region }) => `    { urls: [$${urlVariable(region)}], tls { ${TLS_FILES} } }`),
          '  ]',
        ]),
    '}',
  ];
}

/** A user for each region that dials this one: it may copy what is shared, in both directions, and nothing else. */
export function linkUsers(context: RegionContext): string[] {
  const ours = sharedBuckets(context.stack).map((bucket) => `${BUCKET_STREAM}${bucket}`);
  return linksOf(context)
    .filter((link) => !link.dials)
    .map(({ region }) => {
      const copying = (here: Region) =>
        ours.flatMap((stream) => [`$JS.${here.name}.API.CONSUMER.CREATE.${stream}`, `$JS.FC.${stream}.>`]);
      // What asks for a copy, what answers, and the messages of the copy.
      const answers = ['$JSC.R.>', '$JS.M.>'];
      const permissions = {
        publish: [...copying(context.region), ...answers],
        subscribe: [...copying(region), ...answers],
      };
      return `{ user: ${JSON.stringify(linkUser(region))}, password: $${LINK_PASSWORD}, permissions: ${JSON.stringify(permissions)} }`;
    });
}

/** Variables with the address of each region that is dialled; the kubelet puts the password in. */
export function linkEnvironment(context: RegionContext): { name: string; value: string }[] {
  return linksOf(context)
    .filter((link) => link.dials)
    .map(({ region, host }) => ({
      name: urlVariable(region),
      value: JSON.stringify(
        `tls://${linkUser(context.region)}:$(${LINK_PASSWORD})@${host}:${NATS_LINK_PORT}`,
      ),
    }));
}

/** Streams of copies that a service keeps of what peers share: their names carry the peer's. */
export function copiedStreams(
  { stack, region }: Pick<RegionContext, 'stack' | 'region'>,
  shared: readonly string[],
  copyOf: (bucket: string, region: string) => string,
): string[] {
  return failingOverTo(stack, region).flatMap(({ name }) =>
    shared.map((bucket) => `${BUCKET_STREAM}${copyOf(bucket, name)}`),
  );
}

/** Where a region of another cluster reaches this one's event bus. */
export function addLinkService(chart: Chart, context: RegionContext): void {
  const { region, settings } = context;
  if (!listensOutside(context)) return;
  add(chart, 'service-link', {
    kind: 'Service',
    metadata: {
      name: NATS_LINK_SERVICE,
      annotations: {
        'external-dns.alpha.kubernetes.io/hostname': `${NATS}.${region.name}.${settings.edge.host}`,
      },
    },
    spec: {
      type: 'LoadBalancer',
      allocateLoadBalancerNodePorts: false,
      selector: selectorOf(NATS),
      ports: [{ name: 'link', port: NATS_LINK_PORT, targetPort: NATS_LINK_PORT }],
    },
  });
}

/** Whether event buses of other clusters dial this one, which they can only from outside. */
export function listensOutside(context: RegionContext): boolean {
  return linksOf(context).some((link) => !link.dials && !link.same_cluster);
}

function sharedBuckets(stack: Stack): string[] {
  return workloads(stack).flatMap(({ inside }) => inside.flatMap(({ bus }) => bus.shared));
}

function linkUser({ name }: Region): string {
  return `region-${name}`;
}

function urlVariable({ name }: Region): string {
  return `LINK_URL_${name.toUpperCase().replaceAll('-', '_')}`;
}
