/** Who may reach a dependency and whom it reaches, as rules of network policies, from its ports and egress. */
import { dependencies, type KnownDependency } from '@mcp/dependencies';
import { type ExternalHost, placeOf } from '@mcp/stacks';
import { type RegionContext, selectorOf } from '../../context.ts';
import type { Peer, Rule } from '../../kit/peers.ts';
import { type Link, linksOf, openPorts, type Port, portOf, type Running, usersOf } from './place.ts';

const pod = (name: string): Peer => ({ labels: selectorOf(name) });

/** A host beyond the cluster, by its addresses. */
export function outside({ cidr, except, port }: ExternalHost): Rule {
  return { peers: [{ cidr, except }], tcp: [port] };
}

/** What a pod that needs a dependency reaches: its pods, or the addresses where somebody else runs it. */
export function egressTo({ stack }: RegionContext, name: KnownDependency): Rule[] {
  const place = placeOf(stack, name);
  if (place === undefined) return [];
  if (place.by === 'others') return place.hosts.map(outside);
  const ports = dependencies[name].manifest.ports.filter(({ from }) => from.includes('users'));
  return [{ peers: [pod(name)], tcp: ports.map((port) => portOf(name, port.name)) }];
}

/** Who may come in at the ports of a dependency. */
export function ingressOf(context: RegionContext, one: Running): Rule[] {
  return openPorts(context, one).flatMap((port) => {
    const peers = port.from.flatMap((caller) => peersOf(context, one, caller));
    return peers.length === 0 ? [] : [{ peers, tcp: [port.number] }];
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
      return [{ namespace: settings.monitoring_namespace }];
    case 'autoscaler':
      return settings.features.keda ? [{ namespace: settings.keda_namespace }] : [];
    case 'regions':
      return endsOf(context, name, ({ dials }) => !dials);
    default:
      return caller satisfies never;
  }
}

/** Whom a dependency reaches itself: its other servers, linked regions that it dials, addresses of the stack. */
export function egressOf(context: RegionContext, one: Running): Rule[] {
  const { name, dependency, here } = one;
  const { ports, egress } = dependency.manifest;
  const dialled = endsOf(context, name, ({ dials }) => dials);
  return [
    ...ports.flatMap(({ from, number }): Rule[] => [
      ...(from.includes('replicas') && here.replicas > 1 ? [{ peers: [pod(name)], tcp: [number] }] : []),
      ...(from.includes('regions') && dialled.length > 0 ? [{ peers: dialled, tcp: [number] }] : []),
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
      .map(({ region }) => ({ ...pod(name), namespace: region.namespace })),
    ...(links.some((link) => !link.same_cluster)
      ? context.settings.egress.regions.map(({ cidr, except }) => ({ cidr, except }))
      : []),
  ];
}
