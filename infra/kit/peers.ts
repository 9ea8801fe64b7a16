/** Network policies as rules of plain data: who, at which ports. What they do not name is refused. */
import { isIP } from 'node:net';
import type { Chart } from 'cdk8s';
import {
  type INetworkPolicyPeer,
  Namespaces,
  NetworkPolicy,
  NetworkPolicyIpBlock,
  NetworkPolicyPort,
  NetworkPolicyTrafficDefault,
  Pods,
} from 'cdk8s-plus-28';

/** Pods by their labels, in a namespace where they are in another; or addresses beyond the cluster. */
export type Peer =
  | { readonly labels?: Readonly<Record<string, string>>; readonly namespace?: string }
  | { readonly cidr: string; readonly except: readonly string[] };

export interface Rule {
  readonly peers: readonly Peer[];
  readonly tcp: readonly number[];
  readonly udp?: readonly number[];
}

interface Policy {
  readonly name: string;
  /** Whom it protects; all pods of the namespace where it is not said. */
  readonly selector?: Record<string, string>;
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
}

export function addPolicy(chart: Chart, { name, selector, ingress, egress }: Policy): NetworkPolicy {
  const policy = new NetworkPolicy(chart, name, {
    metadata: { name },
    ...(selector === undefined ? {} : { selector: Pods.select(chart, `pods-${name}`, { labels: selector }) }),
    ingress: { default: NetworkPolicyTrafficDefault.DENY },
    egress: { default: NetworkPolicyTrafficDefault.DENY },
  });
  const each = (
    rules: readonly Rule[],
    allow: (peer: Peer, at: string, ports: NetworkPolicyPort[]) => void,
  ) => {
    for (const [at, { peers, tcp, udp = [] }] of rules.entries())
      for (const [nth, peer] of peers.entries())
        allow(peer, `${at}-${nth}`, [
          ...udp.map((port) => NetworkPolicyPort.udp(port)),
          ...tcp.map((port) => NetworkPolicyPort.tcp(port)),
        ]);
  };
  each(ingress, (peer, at, ports) => policy.addIngressRule(peerOf(policy, `from-${at}`, peer), ports));
  each(egress, (peer, at, ports) => policy.addEgressRule(peerOf(policy, `to-${at}`, peer), ports));
  return policy;
}

function peerOf(scope: NetworkPolicy, id: string, peer: Peer): INetworkPolicyPeer {
  if ('cidr' in peer) {
    const except = peer.except.length === 0 ? undefined : [...peer.except];
    return isIP(peer.cidr.split('/')[0] ?? '') === 6
      ? NetworkPolicyIpBlock.ipv6(scope, id, peer.cidr, except)
      : NetworkPolicyIpBlock.ipv4(scope, id, peer.cidr, except);
  }
  const { labels, namespace } = peer;
  return Pods.select(scope, id, {
    ...(labels === undefined ? {} : { labels: { ...labels } }),
    ...(namespace === undefined
      ? {}
      : {
          namespaces: Namespaces.select(scope, `${id}-namespace`, {
            labels: { 'kubernetes.io/metadata.name': namespace },
          }),
        }),
  });
}
