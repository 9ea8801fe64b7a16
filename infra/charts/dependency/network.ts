/** Who may reach a dependency and whom it reaches, as rules of network policies, from its ports and egress. */
import { dependencies, type KnownDependency } from '@mcp/dependencies';
import { type ExternalHost, placeOf } from '@mcp/stacks';
import type { types } from '@pulumi/kubernetes';
import { type RegionContext, selectorOf } from '../../context.ts';
import { type Link, linksOf, openPorts, type Port, portOf, type Running, usersOf } from './place.ts';

type Ingress = types.input.networking.v1.NetworkPolicyIngressRule;
type Egress = types.input.networking.v1.NetworkPolicyEgressRule;
type Peer = types.input.networking.v1.NetworkPolicyPeer;

const tcp = (...ports: number[]) => ports.map((port) => ({ protocol: 'TCP', port }));
const pod = (name: string): Peer => ({ podSelector: { matchLabels: selectorOf(name) } });
const namespaceOf = (name: string): Peer => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
});

/** A host beyond the cluster, by its addresses. */
export function outside(host: ExternalHost): Egress {
  return { to: [blockOf(host)], ports: tcp(host.port) };
}

function blockOf({ cidr, except }: Pick<ExternalHost, 'cidr' | 'except'>): Peer {
  return { ipBlock: { cidr, ...(except.length === 0 ? {} : { except }) } };
}

/** What a pod that needs a dependency reaches: its pods, or the addresses where somebody else runs it. */
export function egressTo({ stack }: RegionContext, name: KnownDependency): Egress[] {
  const place = placeOf(stack, name);
  if (place === undefined) return [];
  if (place.by === 'others') return place.hosts.map(outside);
  const ports = dependencies[name].manifest.ports.filter(({ from }) => from.includes('users'));
  return [{ to: [pod(name)], ports: tcp(...ports.map((port) => portOf(name, port.name))) }];
}

/** Who may come in at the ports of a dependency. */
export function ingressOf(context: RegionContext, one: Running): Ingress[] {
  return openPorts(context, one).flatMap((port) => {
    const from = port.from.flatMap((caller) => peersOf(context, one, caller));
    return from.length === 0 ? [] : [{ from, ports: tcp(port.number) }];
  });
}

function peersOf(context: RegionContext, { name }: Running, caller: Port['from'][number]): Peer[] {
  const { settings } = context;
  switch (caller) {
    case 'users':
      return usersOf(context.stack, name).map((user) => pod(user.name));
    case 'replicas':
      return [pod(name)];
    case 'monitoring':
      return [namespaceOf(settings.monitoring_namespace)];
    case 'autoscaler':
      return settings.features.keda ? [namespaceOf(settings.keda_namespace)] : [];
    case 'regions':
      return endsOf(context, name, ({ dials }) => !dials);
    default:
      return caller satisfies never;
  }
}

/** Whom a dependency reaches itself: its other servers, linked regions that it dials, addresses of the stack. */
export function egressOf(context: RegionContext, one: Running): Egress[] {
  const { name, dependency, here } = one;
  const { ports, egress } = dependency.manifest;
  const dialled = endsOf(context, name, ({ dials }) => dials);
  return [
    ...ports.flatMap(({ from, number }): Egress[] => [
      ...(from.includes('replicas') && here.replicas > 1 ? [{ to: [pod(name)], ports: tcp(number) }] : []),
      ...(from.includes('regions') && dialled.length > 0 ? [{ to: dialled, ports: tcp(number) }] : []),
    ]),
    ...egress.flatMap((kind) => context.settings.egress[kind].map(outside)),
  ];
}

/** The other ends of links: pods of the same cluster, addresses of others. */
function endsOf(context: RegionContext, name: KnownDependency, which: (link: Link) => boolean): Peer[] {
  const links = linksOf(context, name).filter(which);
  return [
    ...links
      .filter((link) => link.same_cluster)
      .map(({ region }) => ({ ...namespaceOf(region.namespace), ...pod(name) })),
    ...(links.some((link) => !link.same_cluster) ? context.settings.egress.regions.map(blockOf) : []),
  ];
}
