import { neededBy, remoteBackends, services } from '@mcp/stacks';
import type { types } from '@pulumi/kubernetes';

import type { ApiObject, Chart } from 'cdk8s';
import { hostOf, type RegionContext, selectorOf, type Workload, workloads } from '../../context.ts';
import { add, formerly } from '../../kit/objects.ts';
import * as dependency from '../dependency/network.ts';
import { running } from '../dependency/place.ts';

type Ingress = types.input.networking.v1.NetworkPolicyIngressRule;
type Egress = types.input.networking.v1.NetworkPolicyEgressRule;
type OutsideKind = Workload['inside'][number]['egress'][number];
type Peer = types.input.networking.v1.NetworkPolicyPeer;

const DNS_PORT = 53;

const tcp = (...ports: number[]) => ports.map((port) => ({ protocol: 'TCP', port }));
const pod = (name: string): Peer => ({ podSelector: { matchLabels: selectorOf(name) } });
const namespaceOf = (name: string): Peer => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
});

/** Names are looked up at the cluster's DNS and nowhere else. */
const DNS: Egress = {
  to: [
    {
      ...namespaceOf('kube-system'),
      podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
    },
  ],
  ports: [
    { protocol: 'UDP', port: DNS_PORT },
    { protocol: 'TCP', port: DNS_PORT },
  ],
};

/** One policy for a set of pods; what it does not name is refused. */
function addPolicy(
  chart: Chart,
  name: string,
  rules: { selector: Record<string, string>; ingress: Ingress[]; egress: Egress[] },
): ApiObject {
  return add(chart, name, {
    kind: 'NetworkPolicy',
    metadata: { name },
    spec: {
      podSelector: { matchLabels: rules.selector },
      policyTypes: ['Ingress', 'Egress'],
      // An empty list is not kept by the API server: it would be a difference for ever.
      ...(rules.ingress.length === 0 ? {} : { ingress: rules.ingress }),
      ...(rules.egress.length === 0 ? {} : { egress: rules.egress }),
    },
  });
}

/** Nothing is allowed that no manifest declares: default-deny, then one policy per service from its needs. */
export function networkChart(chart: Chart, context: RegionContext): void {
  add(chart, 'default-deny', {
    kind: 'NetworkPolicy',
    metadata: { name: 'default-deny' },
    spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
  });
  const all = workloads(context.stack);
  for (const workload of all)
    addPolicy(chart, workload.manifest.name, {
      selector: selectorOf(workload.manifest.name),
      ingress: ingressOf(context, workload, all),
      egress: egressOf(context, workload),
    });
  for (const one of running(context.stack)) {
    const reached = dependency.egressOf(context, one);
    const policy = addPolicy(chart, one.name, {
      selector: selectorOf(one.name),
      ingress: dependency.ingressOf(context, one),
      // A name is looked up only by whom there is to reach.
      egress: reached.length === 0 ? [] : [DNS, ...reached],
    });
    if (one.name === 'collector')
      formerly(policy, { chart: `${context.region.name}-${one.name}`, id: 'network' });
  }
}

function portsOf({ inside }: Workload): number[] {
  return inside.map(({ port }) => port);
}

function ingressOf({ settings }: RegionContext, workload: Workload, all: readonly Workload[]): Ingress[] {
  const callers = all.filter(
    (other) =>
      other !== workload &&
      other.inside.some(({ calls }) =>
        calls.some((called) => workload.inside.some(({ name }) => name === called)),
      ),
  );
  return [
    ...(callers.length === 0
      ? []
      : [{ from: callers.map(({ manifest }) => pod(manifest.name)), ports: tcp(...portsOf(workload)) }]),
    { from: [namespaceOf(settings.monitoring_namespace)], ports: tcp(settings.metrics_port) },
    ...(workload.inside.some((one) => one.public)
      ? [{ from: [namespaceOf(settings.edge_namespace)], ports: tcp(services.gateway.port) }]
      : []),
  ];
}

function egressOf(context: RegionContext, workload: Workload): Egress[] {
  const { stack, settings } = context;
  const { inside, manifest } = workload;
  const called = new Set(inside.flatMap(({ calls }) => calls).map((name) => hostOf(stack, name)));
  called.delete(manifest.name);
  const kinds = outsideKinds(context, workload);
  return [
    DNS,
    ...[...called].map((name) => ({
      to: [pod(name)],
      ports: tcp(
        ...workloads(stack)
          .filter((one) => one.manifest.name === name)
          .flatMap(portsOf),
      ),
    })),
    ...neededBy(inside).flatMap((name) => dependency.egressTo(context, name)),
    ...[...kinds].flatMap((kind) => settings.egress[kind].map(dependency.outside)),
  ];
}

/**
 * What a pod must reach beyond the cluster: what its manifests declare, as far as this stack has it. The gateway asks
 * servers of models itself where there are any.
 */
function outsideKinds({ stack }: RegionContext, { inside, placement }: Workload): Set<OutsideKind> {
  const kinds = new Set<OutsideKind>(inside.flatMap((one) => one.egress));
  if (stack.identity_provider === undefined) kinds.delete('identity-provider');
  if (remoteBackends(stack, placement).length > 0) kinds.add('model-backends');
  else kinds.delete('model-backends');
  return kinds;
}
