import { type Chart, Duration } from 'cdk8s';
import {
  type ContainerProps,
  Deployment,
  DeploymentStrategy,
  Handler,
  ImagePullPolicy,
  type IServiceAccount,
  LabelSelector,
  PercentOrAbsolute,
  PersistentVolumeAccessMode,
  PersistentVolumeClaim,
  Probe,
  Service,
  ServiceAccount,
  ServiceType,
  Volume,
} from 'cdk8s-plus-28';
import {
  holdsData,
  labelsOf,
  type RegionContext,
  replicasOf,
  selectorOf,
  type Workload,
} from '../../context.ts';
import { add, complete, leaveToOthers } from '../../kit/objects.ts';
import { textOf } from '../../kit/tokens.ts';
import { anchorMounts } from './anchors.ts';
import { DATA_DIR, environmentOf, type PodEnvironment } from './environment.ts';
import {
  bytesOf,
  METRICS_PORT_NAME,
  type Pod,
  podOf,
  RESTRICTED,
  restOf,
  sizeOf,
  variablesOf,
} from './pod.ts';
import { addScaling } from './scaling.ts';

type Track = 'stable' | 'canary';

/** How long a pod still answers after it was taken out of its Service: endpoints are told with a delay. */
const PRE_STOP_S = 5;
/**
 * By node, the one program of the image: the Flagger that is pinned (`stacks/addons.ts`) carries Kubernetes 0.27's
 * types, which do not know `sleep`, and a pod that it copies without a handler is refused.
 */
const PAUSE = ['node', '--eval', `setTimeout(() => {}, ${PRE_STOP_S * 1000})`] as const;
const DRAIN_MARGIN_S = 5;
const SCRATCH = '1Gi';
const ONE_MORE_AT_A_TIME = DeploymentStrategy.rollingUpdate({
  maxSurge: PercentOrAbsolute.absolute(1),
  maxUnavailable: PercentOrAbsolute.absolute(0),
});

/** Everything of one service: ServiceAccount, Deployment, Service, budget, autoscaling, volume. */
export function workloadChart(chart: Chart, context: RegionContext, workload: Workload): void {
  const { manifest } = workload;
  const { name } = manifest;
  const environment = environmentOf(context, workload);
  const account = new ServiceAccount(chart, 'account', { metadata: { name }, automountToken: false });
  const deployment = addDeployment(chart, context, {
    workload,
    account,
    environment,
    track: 'stable',
  });
  const service = addService(chart, context, { workload, track: 'stable' });
  // Callers find core before Flagger has begun; once it has, it points this Service at the pods that it promoted.
  if (isPromoted(context, workload)) {
    leaveToOthers(service, 'spec.selector');
    leaveToOthers(deployment, 'spec.replicas');
  }
  if (isScaled(context, workload)) addScaling(chart, context, { workload, deployment });
  if (mostReplicas(context, workload) > 1)
    add(chart, 'budget', {
      kind: 'PodDisruptionBudget',
      metadata: { name },
      spec: {
        maxUnavailable: 1,
        unhealthyPodEvictionPolicy: 'AlwaysAllow',
        selector: { matchLabels: selectorOf(name) },
      },
    });
}

/** Whether an autoscaler sets the replicas: not where one volume holds the state. */
export function isScaled({ stack, settings }: RegionContext, workload: Workload): boolean {
  const { scaling } = workload.manifest;
  if (workload.placement.autoscale === false || holdsData(workload.inside, settings)) return false;
  // The queue's length is asked of our own servers; those of others may not tell it.
  const measured = settings.features.keda && stack.nats.external_url === undefined;
  return scaling.on === 'cpu' || (scaling.on === 'queue' && measured);
}

/** Replicas that there may be: the autoscaler's most, where there is one. */
export function mostReplicas(context: RegionContext, workload: Workload): number {
  const { scaling } = workload.manifest;
  if (isScaled(context, workload) && scaling.on !== 'fixed') return scaling.max;
  return replicasOf(workload, context.settings);
}

interface Deployed {
  readonly workload: Workload;
  readonly account: IServiceAccount;
  readonly environment: PodEnvironment;
  readonly track: Track;
}

/** A service's Deployment. `track` tells a canary from the stable one; both stand behind the same policies. */
export function addDeployment(chart: Chart, context: RegionContext, of: Deployed): Deployment {
  const { workload, track } = of;
  const { name } = workload.manifest;
  const canary = track === 'canary';
  const pod = podIn(chart, context, of);
  const deployment = new Deployment(chart, canary ? 'deployment-canary' : 'deployment', {
    metadata: { name: canary ? `${name}-canary` : name },
    // An autoscaler owns the number of replicas where there is one.
    ...(!canary && isScaled(context, workload)
      ? {}
      : { replicas: canary ? 1 : replicasOf(workload, context.settings) }),
    strategy: holdsData(workload.inside, context.settings)
      ? DeploymentStrategy.recreate()
      : ONE_MORE_AT_A_TIME,
    ...podOf(context, pod),
  });
  deployment.select(
    LabelSelector.of({
      labels: { 'app.kubernetes.io/name': name, ...selectorOf(name), 'mcp.platform/track': track },
    }),
  );
  complete(deployment, {
    kind: 'Deployment',
    spec: { revisionHistoryLimit: 5, template: restOf(context, pod) },
  });
  return deployment;
}

function podIn(
  chart: Chart,
  context: RegionContext,
  { workload, account, environment, track }: Deployed,
): Pod {
  const { manifest } = workload;
  const tmp = Volume.fromEmptyDir(chart, 'volume-tmp', 'tmp', { sizeLimit: bytesOf(SCRATCH) });
  const data = dataOf(chart, context, workload);
  const anchors = anchorMounts(chart, context, workload);
  return {
    name: manifest.name,
    account,
    grace_s: PRE_STOP_S + manifest.drain_s + DRAIN_MARGIN_S,
    priority: 'serving',
    metrics_port: context.settings.metrics_port,
    labels: { 'mcp.platform/track': track },
    volumes: [tmp, data, ...anchors.map(({ volume }) => volume)],
    containers: [
      {
        ...serviceContainer(context, workload),
        envVariables: variablesOf(chart, [...environment.secret, ...environment.plain]),
        volumeMounts: [{ path: '/tmp', volume: tmp }, { path: DATA_DIR, volume: data }, ...anchors],
      },
    ],
  };
}

function serviceContainer(context: RegionContext, { manifest, inside }: Workload): ContainerProps {
  const probe = (path: string, period_s: number, failureThreshold: number) =>
    Probe.fromHttpGet(path, {
      port: manifest.port,
      periodSeconds: Duration.seconds(period_s),
      timeoutSeconds: Duration.seconds(3),
      failureThreshold,
    });
  return {
    name: manifest.name,
    image: textOf(context.images.service(manifest.name)),
    imagePullPolicy: ImagePullPolicy.IF_NOT_PRESENT,
    ports: [
      ...inside.map(({ name, port }) => ({
        name: name === manifest.name ? 'http' : name.slice(0, 15),
        number: port,
      })),
      { name: METRICS_PORT_NAME, number: context.settings.metrics_port },
    ],
    resources: sizeOf(context, manifest.size),
    securityContext: RESTRICTED,
    startup: probe('/healthz', 2, 90),
    readiness: probe('/readyz', 3, 2),
    liveness: probe('/healthz', 10, 3),
    lifecycle: { preStop: Handler.fromCommand([...PAUSE]) },
  };
}

/**
 * What must survive the pod lies on a claim; what another store keeps has only scratch space here. Each has a name of
 * its own: a volume that changes its kind under one name cannot be previewed.
 */
function dataOf(chart: Chart, context: RegionContext, workload: Workload): Volume {
  const room = bytesOf(roomOf(workload));
  if (!holdsData(workload.inside, context.settings))
    return Volume.fromEmptyDir(chart, 'volume-data', 'data-scratch', { sizeLimit: room });
  const { storage_class } = context.settings;
  const claim = new PersistentVolumeClaim(chart, 'claim-data', {
    metadata: { name: `${workload.manifest.name}-data` },
    accessModes: [PersistentVolumeAccessMode.READ_WRITE_ONCE],
    storage: room,
    ...(storage_class === undefined ? {} : { storageClassName: storage_class }),
  });
  return Volume.fromPersistentVolumeClaim(chart, 'volume-data', claim, { name: 'data' });
}

function roomOf({ inside }: Workload): string {
  const size_gib = inside.find(({ volume }) => volume !== undefined)?.volume?.size_gib;
  return size_gib === undefined ? SCRATCH : `${size_gib}Gi`;
}

/** Whether new versions go through Flagger's analysis: core, where its pods share a store. */
export function isPromoted({ settings }: RegionContext, { manifest, inside }: Workload): boolean {
  return (
    settings.features.flagger &&
    manifest.name === 'core' &&
    settings.database === 'external' &&
    inside.length === 1
  );
}

export function addService(
  chart: Chart,
  context: RegionContext,
  { workload, track }: { workload: Workload; track: Track },
): Service {
  const { manifest, inside } = workload;
  const suffix = track === 'stable' ? '' : '-canary';
  return httpService(chart, `service${suffix}`, {
    metadata: { name: `${manifest.name}${suffix}`, labels: labelsOf(context, manifest.name) },
    selector: { ...selectorOf(manifest.name), 'mcp.platform/track': track },
    ports: inside.map(({ name, port }) => ({ name: name === manifest.name ? 'http' : name, port })),
  });
}

/** A Service inside the cluster, whose ports speak HTTP. */
export function httpService(
  chart: Chart,
  id: string,
  of: {
    readonly metadata: { readonly name: string; readonly labels: Record<string, string> };
    readonly selector: Readonly<Record<string, string>>;
    readonly ports: readonly { readonly name: string; readonly port: number }[];
  },
): Service {
  const service = new Service(chart, id, {
    metadata: of.metadata,
    type: ServiceType.CLUSTER_IP,
    ports: of.ports.map(({ name, port }) => ({ name, port, targetPort: port })),
  });
  for (const [key, value] of Object.entries(of.selector)) service.selectLabel(key, value);
  complete(service, {
    kind: 'Service',
    spec: { ports: of.ports.map(({ name }) => ({ name, appProtocol: 'http' })) },
  });
  return service;
}
