import { type Chart, Duration } from 'cdk8s';
import {
  type ContainerProps,
  Deployment,
  DeploymentStrategy,
  ImagePullPolicy,
  type IServiceAccount,
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
  portOf,
  type Running,
  startIn,
} from './place.ts';

type Template = NonNullable<NonNullable<Completion<'StatefulSet'>['spec']>['template']>;
type Claim = NonNullable<NonNullable<Completion<'StatefulSet'>['spec']>['volumeClaimTemplates']>[number];

type Probed = Running['runs']['probes']['readiness'];

const PROBE_TIMEOUT_S = 3;
const FAILURES = 3;

/** Everything of one dependency, from its manifest: a StatefulSet where it keeps something, else a Deployment. */
export function dependencyChart(chart: Chart, context: RegionContext, one: Running): void {
  const { name, here } = one;
  const account = new ServiceAccount(chart, 'account', { metadata: { name }, automountToken: false });
  const headless = addServices(chart, context, one);
  const pod = podIn(chart, context, { one, account });
  const selector = LabelSelector.of({ labels: selectorOf(name) });
  const common = { metadata: { name }, replicas: here.replicas, ...podOf(context, pod) };
  const template = completionOf(context, one, pod);
  if (headless === undefined) {
    const deployment = new Deployment(chart, 'deployment', {
      ...common,
      strategy: DeploymentStrategy.rollingUpdate(),
    });
    deployment.select(selector);
    complete(deployment, { kind: 'Deployment', spec: { revisionHistoryLimit: 5, template } });
  } else {
    const set = new StatefulSet(chart, 'statefulset', {
      ...common,
      service: headless,
      podManagementPolicy: PodManagementPolicy.PARALLEL,
    });
    set.select(selector);
    complete(set, {
      kind: 'StatefulSet',
      spec: { template, volumeClaimTemplates: [claimOf(context, one)] },
    });
  }
  if (here.replicas > 1)
    add(chart, 'budget', {
      kind: 'PodDisruptionBudget',
      metadata: { name },
      spec: { maxUnavailable: 1, selector: { matchLabels: selectorOf(name) } },
    });
}

/** The Service of a dependency, and where its servers have addresses of their own that one, too, which it returns. */
function addServices(chart: Chart, context: RegionContext, one: Running): Service | undefined {
  const { name, runs } = one;
  const ports = openPorts(context, one).filter(({ from }) => from.length > 0);
  addService(chart, 'service', { name, ports, of: name });
  if (listensOutside(context, name)) addLinkService(chart, context, one);
  if (runs.volume === undefined) return undefined;
  const headless = { clusterIP: 'None', publishNotReadyAddresses: true };
  return addService(chart, 'service-headless', { name: headlessOf(name), ports, of: name, headless });
}

/** The one kind of Service that is a load balancer: regions of other clusters come in there. */
function addLinkService(chart: Chart, context: RegionContext, one: Running): void {
  const { stack, region } = context;
  const service = new Service(chart, 'service-link', {
    metadata: {
      name: linkServiceOf(one.name),
      annotations: {
        'external-dns.alpha.kubernetes.io/hostname': nameOutside(stack, one.name, region),
      },
    },
    type: ServiceType.LOAD_BALANCER,
    ports: openPorts(context, one)
      .filter(({ from }) => from.includes('regions'))
      .map(servicePort),
  });
  select(service, one.name);
  complete(service, { kind: 'Service', spec: { allocateLoadBalancerNodePorts: false } });
}

function addService(
  chart: Chart,
  id: string,
  { name, ports, of, headless = {} }: { name: string; ports: Port[]; of: string; headless?: object },
): Service {
  const service = new Service(chart, id, {
    metadata: { name },
    type: ServiceType.CLUSTER_IP,
    ports: ports.map(servicePort),
    ...headless,
  });
  select(service, of);
  const spoken = ports.flatMap(({ name: port, http }) => (http ? [{ name: port, appProtocol: 'http' }] : []));
  complete(service, { kind: 'Service', spec: { ports: spoken } });
  return service;
}

function servicePort({ name, number }: Port): { name: string; port: number; targetPort: number } {
  return { name, port: number, targetPort: number };
}

function select(service: Service, name: string): void {
  for (const [key, value] of Object.entries(selectorOf(name))) service.selectLabel(key, value);
}

function claimOf({ settings }: RegionContext, { here }: Running): Claim {
  return {
    metadata: { name: 'data' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: `${here.storage_gib}Gi` } },
      ...(settings.storage_class === undefined ? {} : { storageClassName: settings.storage_class }),
    },
  };
}

function podIn(
  chart: Chart,
  context: RegionContext,
  { one, account }: { one: Running; account: IServiceAccount },
): Pod {
  const { name, dependency, runs } = one;
  const { files, args, env } = startIn(context, one);
  const scraped = dependency.manifest.ports.find((port) => port.name === runs.metrics?.port);
  const mounts = mountsOf(chart, context, { one, configured: Object.keys(files).length > 0 });
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
        envVariables: variablesOf(chart, env),
        volumeMounts: mounts,
      },
    ],
  };
}

function mountsOf(
  chart: Chart,
  context: RegionContext,
  { one, configured }: { one: Running; configured: boolean },
): (VolumeMount & { volume: Volume })[] {
  const { config_dir, certificate } = one.runs;
  const certified = certificate !== undefined && isCertified(context, one);
  return [
    ...(configured && config_dir !== undefined
      ? [{ path: config_dir, volume: filesOf(chart), readOnly: true }]
      : []),
    ...(certified
      ? [
          {
            path: certificate.dir,
            volume: Volume.fromSecret(
              chart,
              'volume-tls',
              Secret.fromSecretName(chart, 'certificate', certificate.object),
              { name: 'tls' },
            ),
            readOnly: true,
          },
        ]
      : []),
  ];
}

function containerOf(context: RegionContext, one: Running): ContainerProps {
  const { name, runs, here } = one;
  const { probes } = runs;
  const port = portOf(name, probes.port);
  const probe = ({ path, period_s }: Probed, failureThreshold: number) => {
    const options = {
      port,
      periodSeconds: Duration.seconds(period_s),
      timeoutSeconds: Duration.seconds(PROBE_TIMEOUT_S),
      failureThreshold,
    };
    return path === undefined ? Probe.fromTcpSocket(options) : Probe.fromHttpGet(path, options);
  };
  return {
    name,
    image: textOf(context.images.other(here.image)),
    imagePullPolicy: ImagePullPolicy.IF_NOT_PRESENT,
    ports: openPorts(context, one).map(({ name: open, number }) => ({ name: open, number })),
    resources: sizeOf(context, runs.size),
    securityContext: RESTRICTED,
    startup: probe(probes.startup, probes.startup.failures),
    readiness: probe(probes.readiness, FAILURES),
    liveness: probe(probes.liveness, FAILURES),
  };
}

/** What cdk8s-plus cannot say of the pod: where its claim is mounted, and a pause before it ends. */
function completionOf(context: RegionContext, { name, runs }: Running, pod: Pod): Template {
  const { volume, linger_s } = runs;
  const rest = restOf(context, pod);
  return {
    ...rest,
    spec: {
      ...rest.spec,
      containers: [
        {
          name,
          ...(volume === undefined ? {} : { volumeMounts: [{ name: 'data', mountPath: volume.dir }] }),
          ...(linger_s === undefined ? {} : { lifecycle: { preStop: { sleep: { seconds: linger_s } } } }),
        },
      ],
    },
  };
}
