import { neededBy, remoteBackends, services } from '@mcp/stacks';
import type { Chart } from 'cdk8s';
import { hostOf, type RegionContext, selectorOf, type Workload, workloads } from '../../context.ts';
import { formerly } from '../../kit/objects.ts';
import { addPolicy, type Peer, type Rule } from '../../kit/peers.ts';
import * as dependency from '../dependency/network.ts';
import { running } from '../dependency/place.ts';

type OutsideKind = Workload['inside'][number]['egress'][number];

const DNS_PORT = 53;

const pod = (name: string): Peer => ({ labels: selectorOf(name) });

/** Names are looked up at the cluster's DNS and nowhere else. */
const DNS: Rule = {
  peers: [{ labels: { 'k8s-app': 'kube-dns' }, namespace: 'kube-system' }],
  tcp: [DNS_PORT],
  udp: [DNS_PORT],
};

/** Nothing is allowed that no manifest declares: default-deny, then one policy per service from its needs. */
export function networkChart(chart: Chart, context: RegionContext): void {
  addPolicy(chart, { name: 'default-deny', ingress: [], egress: [] });
  const all = workloads(context.stack);
  for (const workload of all) {
    const { name } = workload.manifest;
    addPolicy(chart, {
      name,
      selector: selectorOf(name),
      ingress: ingressOf(context, workload, all),
      egress: egressOf(context, workload),
    });
  }
  for (const one of running(context.stack)) {
    const reached = dependency.egressOf(context, one);
    const policy = addPolicy(chart, {
      name: one.name,
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

function ingressOf({ settings }: RegionContext, workload: Workload, all: readonly Workload[]): Rule[] {
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
      : [{ peers: callers.map(({ manifest }) => pod(manifest.name)), tcp: portsOf(workload) }]),
    { peers: [{ namespace: settings.monitoring_namespace }], tcp: [settings.metrics_port] },
    ...(workload.inside.some((one) => one.public)
      ? [{ peers: [{ namespace: settings.edge_namespace }], tcp: [services.gateway.port] }]
      : []),
  ];
}

function egressOf(context: RegionContext, workload: Workload): Rule[] {
  const { stack, settings } = context;
  const { inside, manifest } = workload;
  const called = new Set(inside.flatMap(({ calls }) => calls).map((name) => hostOf(stack, name)));
  called.delete(manifest.name);
  const kinds = outsideKinds(context, workload);
  return [
    DNS,
    ...[...called].map((name) => ({
      peers: [pod(name)],
      tcp: workloads(stack)
        .filter((one) => one.manifest.name === name)
        .flatMap(portsOf),
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
  if (stack.off_peak?.signal === undefined) kinds.delete('power-signal');
  if (remoteBackends(stack, placement).length > 0) kinds.add('model-backends');
  else kinds.delete('model-backends');
  return kinds;
}
