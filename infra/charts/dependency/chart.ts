import type { DependencyVariable } from '@mcp/contracts';
import { type Chart, Duration } from 'cdk8s';
import {
  type ContainerProps,
  Deployment,
  EnvFieldPaths,
  EnvValue,
  ImagePullPolicy,
  LabelSelector,
  PodManagementPolicy,
  Probe,
  Secret,
  Service,
  ServiceAccount,
  ServiceType,
  StatefulSet,
  Volume,
  type VolumeMount,
} from 'cdk8s-plus-28';
import { type RegionContext, selectorOf } from '../../context.ts';
import { add, type Completion, complete } from '../../kit/objects.ts';
import { textOf } from '../../kit/tokens.ts';
import { filesOf, type Pod, podOf, RESTRICTED, restOf, sizeOf, variablesOf } from '../workload/pod.ts';
import {
  headlessOf,
  isCertified,
  linkServiceOf,
  listensOutside,
  nameOutside,
  openPorts,
  type Port,
  type Running,
  startIn,
} from './place.ts';

type ProbeRow = Running['runs']['probes']['readiness'];

const PROBE_TIMEOUT = Duration.seconds(3);
const DATA = 'data';

/** Everything of one dependency, from its manifest: a StatefulSet where it keeps something, else a Deployment. */
export function dependencyChart(chart: Chart, context: RegionContext, one: Running): void {
  const { name, runs, here } = one;
  const account = new ServiceAccount(chart, 'account', { metadata: { name }, automountToken: false });
  const services = addServices(chart, context, one);
  const pod = podIn(chart, context, { one, account });
  const template = templateOf(context, one, pod);
  const common = { metadata: { name }, replicas: here.replicas, ...podOf(context, pod) };
  const workload =
    services.headless === undefined
      ? new Deployment(chart, 'deployment', common)
      : new StatefulSet(chart, 'statefulset', {
          service: services.headless,
          podManagementPolicy: PodManagementPolicy.PARALLEL,
          ...common,
        });
  workload.select(LabelSelector.of({ labels: selectorOf(name) }));
  if (runs.volume === undefined)
    complete(workload, { kind: 'Deployment', spec: { revisionHistoryLimit: 5, template } });
  else
    complete(workload, {
      kind: 'StatefulSet',
      spec: { template, volumeClaimTemplates: [claimOf(context, one)] },
    });
  if (here.replicas > 1)
    add(chart, 'budget', {
      kind: 'PodDisruptionBudget',
      metadata: { name },
      spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(name) } },
    });
}

/** A Service for whoever needs it; with volumes, one by which each server has an address of its own. */
function addServices(
  chart: Chart,
  context: RegionContext,
  one: Running,
): { readonly headless: Service | undefined } {
  const { name, runs } = one;
  const open = openPorts(context, one).filter(({ from }) => from.length > 0);
  serviceOf(chart, 'service', { name, of: name, ports: open });
  const headless =
    runs.volume === undefined
      ? undefined
      : serviceOf(chart, 'service-headless', {
          name: headlessOf(name),
          of: name,
          ports: open,
          headless: true,
        });
  if (listensOutside(context, name)) addLinkService(chart, context, one);
  return { headless };
}

function serviceOf(
  chart: Chart,
  id: string,
  service: { name: string; of: string; ports: readonly Port[]; headless?: boolean },
): Service {
  const { ports, headless = false } = service;
  const made = new Service(chart, id, {
    metadata: { name: service.name },
    type: ServiceType.CLUSTER_IP,
    ...(headless ? { clusterIP: 'None', publishNotReadyAddresses: true } : {}),
    ports: ports.map(({ name, number }) => ({ name, port: number, targetPort: number })),
  });
  for (const [key, value] of Object.entries(selectorOf(service.of))) made.selectLabel(key, value);
  const spoken = ports.filter(({ http }) => http);
  if (spoken.length > 0)
    complete(made, {
      kind: 'Service',
      spec: { ports: spoken.map(({ name }) => ({ name, appProtocol: 'http' })) },
    });
  return made;
}

/** The one kind of Service that is a load balancer: regions of other clusters come in there. */
function addLinkService(chart: Chart, context: RegionContext, one: Running): void {
  const { name } = one;
  const made = serviceOf(chart, 'service-link', {
    name: linkServiceOf(name),
    of: name,
    ports: openPorts(context, one).filter(({ from }) => from.includes('regions')),
  });
  made.metadata.addAnnotation(
    'external-dns.alpha.kubernetes.io/hostname',
    nameOutside(context.stack, name, context.region),
  );
  complete(made, { kind: 'Service', spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false } });
}

function podIn(
  chart: Chart,
  context: RegionContext,
  { one, account }: { one: Running; account: ServiceAccount },
): Pod {
  const { name, dependency, runs } = one;
  const { files, args, env } = startIn(context, one);
  const scraped = dependency.manifest.ports.find((port) => port.name === runs.metrics?.port);
  const mounts = [
    ...(runs.config_dir === undefined || Object.keys(files).length === 0
      ? []
      : [{ path: runs.config_dir, volume: filesOf(chart), readOnly: true }]),
    ...certificateMount(chart, context, one),
  ];
  return {
    name,
    account,
    grace_s: runs.grace_s,
    priority: 'infrastructure',
    files,
    ...(scraped === undefined ? {} : { metrics_port: scraped.number }),
    volumes: mounts.map(({ volume }) => volume),
    containers: [
      {
        ...containerOf(context, one),
        args: [...args],
        envVariables: Object.assign({}, ...env.map((variable) => variableOf(chart, variable))),
        volumeMounts: mounts,
      },
    ],
  };
}

function certificateMount(chart: Chart, context: RegionContext, one: Running): VolumeMount[] {
  const { certificate } = one.runs;
  if (certificate === undefined || !isCertified(context, one)) return [];
  const secret = Secret.fromSecretName(chart, 'certificate', certificate.object);
  const volume = Volume.fromSecret(chart, 'volume-tls', secret, { name: 'tls' });
  return [{ path: certificate.dir, volume, readOnly: true }];
}

/** What cdk8s-plus has no property for: claims that a StatefulSet makes, and a pause without a program. */
function templateOf(
  context: RegionContext,
  { name, runs }: Running,
  pod: Pod,
): NonNullable<NonNullable<Completion<'StatefulSet'>['spec']>['template']> {
  const { linger_s, volume } = runs;
  const { spec } = restOf(context, pod);
  const container = {
    name,
    ...(volume === undefined ? {} : { volumeMounts: [{ name: DATA, mountPath: volume.dir }] }),
    ...(linger_s === undefined ? {} : { lifecycle: { preStop: { sleep: { seconds: linger_s } } } }),
  };
  return { spec: { ...spec, containers: [container] } };
}

function claimOf({ settings }: RegionContext, { here }: Running) {
  return {
    metadata: { name: DATA },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: `${here.storage_gib}Gi` } },
      ...(settings.storage_class === undefined ? {} : { storageClassName: settings.storage_class }),
    },
  };
}

function containerOf(context: RegionContext, one: Running): ContainerProps {
  const { name, runs, here, dependency } = one;
  const { probes } = runs;
  const port = dependency.manifest.ports.find((each) => each.name === probes.port)?.number;
  const probe = ({ path, period_s }: ProbeRow, failureThreshold?: number) => {
    const options = {
      ...(port === undefined ? {} : { port }),
      timeoutSeconds: PROBE_TIMEOUT,
      periodSeconds: Duration.seconds(period_s),
      ...(failureThreshold === undefined ? {} : { failureThreshold }),
    };
    return path === undefined ? Probe.fromTcpSocket(options) : Probe.fromHttpGet(path, options);
  };
  return {
    name,
    image: textOf(context.images.other(here.image)),
    imagePullPolicy: ImagePullPolicy.IF_NOT_PRESENT,
    ports: openPorts(context, one).map((each) => ({ name: each.name, number: each.number })),
    resources: sizeOf(context, runs.size),
    securityContext: RESTRICTED,
    startup: probe(probes.startup, probes.startup.failures),
    readiness: probe(probes.readiness),
    liveness: probe(probes.liveness),
  };
}

function variableOf(chart: Chart, variable: DependencyVariable): Record<string, EnvValue> {
  return 'field' in variable
    ? { [variable.name]: EnvValue.fromFieldRef(EnvFieldPaths.POD_NAME) }
    : variablesOf(chart, [variable]);
}
