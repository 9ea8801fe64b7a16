import type { ServiceName } from '@mcp/contracts';
import { linkedRegions, neededBy, remoteBackends, services } from '@mcp/stacks';
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

/** Linked regions of the same cluster, whose transparency logs and this region's cosign each other's checkpoints. */
function besideIn({ stack, region }: RegionContext) {
  return linkedRegions(stack, region).filter(({ kube_context }) => kube_context === region.kube_context);
}

/** Pods of a service in those regions. */
function podsBeside(context: RegionContext, name: ServiceName): Peer[] {
  return besideIn(context).map(({ namespace }) => ({ ...pod(hostOf(context.stack, name)), namespace }));
}

function ingressOf(context: RegionContext, workload: Workload, all: readonly Workload[]): Rule[] {
  const { settings } = context;
  const witnessed = podsBeside(context, 'transparency-log');
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
      ? [
          { peers: [{ namespace: settings.edge_namespace }], tcp: [services.gateway.port] },
          ...(witnessed.length === 0 ? [] : [{ peers: witnessed, tcp: [services.gateway.port] }]),
        ]
      : []),
  ];
}

function egressOf(context: RegionContext, workload: Workload): Rule[] {
  const { stack, settings } = context;
  const { inside, manifest } = workload;
  const called = new Set(inside.flatMap(({ calls }) => calls).map((name) => hostOf(stack, name)));
  called.delete(manifest.name);
  const kinds = outsideKinds(context, workload);
  const asks = inside.some(({ egress }) => egress.includes('witnesses'));
  const witnesses = asks ? podsBeside(context, 'gateway') : [];
  return [
    DNS,
    ...[...called].map((name) => ({
      peers: [pod(name)],
      tcp: workloads(stack)
        .filter((one) => one.manifest.name === name)
        .flatMap(portsOf),
    })),
    ...(witnesses.length === 0 ? [] : [{ peers: witnesses, tcp: [services.gateway.port] }]),
    ...neededBy(inside).flatMap((name) => dependency.egressTo(context, name)),
    ...[...kinds].flatMap((kind) => settings.egress[kind].map(dependency.outside)),
  ];
}

/**
 * What a pod must reach beyond the cluster: what its manifests declare, as far as this stack has it. The gateway asks
 * servers of models itself where there are any.
 */
function outsideKinds(context: RegionContext, { inside, placement }: Workload): Set<OutsideKind> {
  const { stack, region } = context;
  const kinds = new Set<OutsideKind>(inside.flatMap((one) => one.egress));
  if (stack.identity_provider === undefined) kinds.delete('identity-provider');
  if (stack.off_peak?.signal === undefined) kinds.delete('power-signal');
  if (stack.transparency.witnesses.length + linkedRegions(stack, region).length === besideIn(context).length)
    kinds.delete('witnesses');
  if (stack.transparency.anchors.every(({ kind }) => kind === 'file')) kinds.delete('anchors');
  if (remoteBackends(stack, placement).length > 0) kinds.add('model-backends');
  else kinds.delete('model-backends');
  return kinds;
}
