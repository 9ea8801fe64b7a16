import type { types } from '@pulumi/kubernetes';
import type { ApiObject, Chart } from 'cdk8s';
import {
  holdsEmbeddedData,
  labelsOf,
  type RegionContext,
  replicasOf,
  selectorOf,
  type Workload,
} from '../../context.ts';
import { add, leaveToOthers } from '../../kit/objects.ts';
import { DATA_DIR, environmentOf, type PodEnvironment } from './environment.ts';
import { CONTAINER_SECURITY, type Container, METRICS_PORT_NAME, podTemplate, resourcesOf } from './pod.ts';
import { addScaling } from './scaling.ts';

type Volume = types.input.core.v1.Volume;
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

/** Everything of one service: ServiceAccount, Deployment, Service, budget, autoscaling, volume. */
export function workloadChart(chart: Chart, context: RegionContext, workload: Workload): void {
  const { manifest } = workload;
  const { name } = manifest;
  const environment = environmentOf(context, workload);
  add(chart, 'account', { kind: 'ServiceAccount', metadata: { name }, automountServiceAccountToken: false });
  const embedded = holdsEmbeddedData(workload.inside, context.settings);
  const deployment = add(chart, 'deployment', {
    kind: 'Deployment',
    metadata: { name },
    spec: {
      // An autoscaler owns the number of replicas where there is one.
      ...(isScaled(context, workload) ? {} : { replicas: replicasOf(workload, context.settings) }),
      revisionHistoryLimit: 5,
      selector: {
        matchLabels: { 'app.kubernetes.io/name': name, ...selectorOf(name), 'mcp.platform/track': 'stable' },
      },
      strategy: embedded
        ? { type: 'Recreate' }
        : { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: templateOf(context, workload, { environment, track: 'stable' }),
    },
  });
  const service = addService(chart, context, { workload, track: 'stable' });
  // Callers find core before Flagger has begun; once it has, it points this Service at the pods that it promoted.
  if (isPromoted(context, workload)) {
    leaveToOthers(service, 'spec.selector');
    leaveToOthers(deployment, 'spec.replicas');
  }
  if (embedded)
    add(chart, 'claim-data', {
      kind: 'PersistentVolumeClaim',
      metadata: { name: `${name}-data` },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: roomOf(workload) } },
        ...(context.settings.storage_class === undefined
          ? {}
          : { storageClassName: context.settings.storage_class }),
      },
    });
  if (isScaled(context, workload)) addScaling(chart, context, workload);
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
  if (workload.placement.autoscale === false || holdsEmbeddedData(workload.inside, settings)) return false;
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

/** A service's pod. `track` tells a canary from the stable one; both stand behind the same policies. */
export function templateOf(
  context: RegionContext,
  workload: Workload,
  { environment, track }: { environment: PodEnvironment; track: Track },
): types.input.core.v1.PodTemplateSpec {
  const { manifest } = workload;
  const data = dataOf(context, workload);
  return podTemplate(context, {
    name: manifest.name,
    service_account: manifest.name,
    grace_s: PRE_STOP_S + manifest.drain_s + DRAIN_MARGIN_S,
    priority: 'serving',
    metrics_port: context.settings.metrics_port,
    labels: { 'mcp.platform/track': track },
    containers: [serviceContainer(context, workload, { environment, data })],
    volumes: [{ name: 'tmp', emptyDir: { sizeLimit: SCRATCH } }, data],
  });
}

function serviceContainer(
  context: RegionContext,
  { manifest, inside }: Workload,
  { environment, data }: { environment: PodEnvironment; data: Volume },
): Container {
  const probe = (path: string) => ({ httpGet: { path, port: 'http' }, timeoutSeconds: 3 });
  return {
    name: manifest.name,
    image: context.images.service(manifest.name),
    imagePullPolicy: 'IfNotPresent',
    env: [...environment.secret, ...environment.plain],
    ports: [
      ...inside.map(({ name, port }) => ({
        name: name === manifest.name ? 'http' : name.slice(0, 15),
        containerPort: port,
      })),
      { name: METRICS_PORT_NAME, containerPort: context.settings.metrics_port },
    ],
    resources: resourcesOf(context, manifest.size),
    securityContext: CONTAINER_SECURITY,
    startupProbe: { ...probe('/healthz'), periodSeconds: 2, failureThreshold: 90 },
    readinessProbe: { ...probe('/readyz'), periodSeconds: 3, failureThreshold: 2 },
    livenessProbe: { ...probe('/healthz'), periodSeconds: 10, failureThreshold: 3 },
    lifecycle: { preStop: { exec: { command: [...PAUSE] } } },
    volumeMounts: [
      { name: 'tmp', mountPath: '/tmp' },
      { name: data.name, mountPath: DATA_DIR },
    ],
  };
}

/**
 * What must survive the pod lies on a claim; what another store keeps has only scratch space here. Each has a name of
 * its own: a volume that changes its kind under one name cannot be previewed.
 */
function dataOf(context: RegionContext, workload: Workload): Volume {
  return holdsEmbeddedData(workload.inside, context.settings)
    ? { name: 'data', persistentVolumeClaim: { claimName: `${workload.manifest.name}-data` } }
    : { name: 'data-scratch', emptyDir: { sizeLimit: roomOf(workload) } };
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
): ApiObject {
  const { manifest, inside } = workload;
  const suffix = track === 'stable' ? '' : '-canary';
  return add(chart, `service${suffix}`, {
    kind: 'Service',
    metadata: { name: `${manifest.name}${suffix}`, labels: labelsOf(context, manifest.name) },
    spec: {
      type: 'ClusterIP',
      selector: { ...selectorOf(manifest.name), 'mcp.platform/track': track },
      ports: inside.map(({ name, port }) => ({
        name: name === manifest.name ? 'http' : name,
        port,
        targetPort: port,
        appProtocol: 'http',
      })),
    },
  });
}
