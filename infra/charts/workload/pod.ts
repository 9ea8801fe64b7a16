import type { ServiceManifest } from '@mcp/contracts';
import type { types } from '@pulumi/kubernetes';
import { Size as Bytes, type Chart, Duration } from 'cdk8s';
import {
  Capability,
  type ContainerProps,
  type ContainerResources,
  type ContainerSecurityContextProps,
  Cpu,
  EnvValue,
  FsGroupChangePolicy,
  type IServiceAccount,
  Volume as PlusVolume,
  Secret,
  type WorkloadProps,
} from 'cdk8s-plus-28';
import { labelsOf, NODE_RESIDENCY_LABEL, type RegionContext, selectorOf } from '../../context.ts';
import type { Completion } from '../../kit/objects.ts';
import { type Priority, priorityClassOf } from '../namespace/namespace.ts';
import type { Variable } from './environment.ts';

type PodSpec = types.input.core.v1.PodSpec;
export type Container = types.input.core.v1.Container;
type Volume = types.input.core.v1.Volume;

/** The user of every image of the platform. */
const USER = 10_001;

/** Pod Security `restricted`, for a container. */
export const CONTAINER_SECURITY: types.input.core.v1.SecurityContext = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
};

/** The same, for a container of cdk8s-plus. */
export const RESTRICTED: ContainerSecurityContextProps = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: [Capability.ALL] },
  ensureNonRoot: true,
  readOnlyRootFilesystem: true,
};

export interface Pod {
  readonly name: string;
  readonly containers: ContainerProps[];
  readonly volumes: PlusVolume[];
  readonly account: IServiceAccount;
  readonly grace_s: number;
  readonly priority: Priority;
  /** Configuration files by name; a container mounts them by {@link filesOf}. */
  readonly files?: Readonly<Record<string, string>>;
  /** Port that Prometheus scrapes. */
  readonly metrics_port?: number;
  /** Labels beside those of {@link labelsOf}. */
  readonly labels?: Record<string, string>;
}

/** A pod that passes Pod Security `restricted` and every policy of the platform. {@link restOf} has what is missing. */
export function podOf(context: RegionContext, pod: Pod): WorkloadProps {
  return {
    // By labels of ours: those that cdk8s-plus makes follow from a chart's name.
    select: false,
    podMetadata: {
      labels: { ...labelsOf(context, pod.name), ...pod.labels },
      annotations: annotationsOf(pod),
    },
    serviceAccount: pod.account,
    automountServiceAccountToken: false,
    terminationGracePeriod: Duration.seconds(pod.grace_s),
    securityContext: {
      ensureNonRoot: true,
      user: USER,
      group: USER,
      fsGroup: USER,
      fsGroupChangePolicy: FsGroupChangePolicy.ON_ROOT_MISMATCH,
    },
    containers: pod.containers,
    volumes: pod.volumes,
  };
}

/** What a pod is told that cdk8s-plus has no property for. */
export function restOf(
  context: RegionContext,
  { name, priority, files = {} }: Pick<Pod, 'name' | 'priority' | 'files'>,
): NonNullable<NonNullable<Completion<'StatefulSet'>['spec']>['template']> {
  const items = Object.keys(files).map((path) => ({
    path,
    fieldRef: { fieldPath: `metadata.annotations['${annotationOf(path)}']` },
  }));
  return {
    spec: {
      enableServiceLinks: false,
      priorityClassName: priorityClassOf(context, priority),
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      nodeSelector: nodeSelectorOf(context),
      topologySpreadConstraints: spreadOf(name),
      ...(items.length === 0
        ? {}
        : { volumes: [{ name: FILES, emptyDir: undefined, downwardAPI: { items } }] }),
    },
  };
}

const FILES = 'config';

/**
 * The volume with a pod's files. They are part of the pod template, so that every revision of a workload keeps its own:
 * a change rolls the pods, a rollback brings the old files back, and no object can be missing. cdk8s-plus knows no
 * volume of the downward API: {@link restOf} makes it one.
 */
export function filesOf(chart: Chart): PlusVolume {
  return PlusVolume.fromEmptyDir(chart, 'files', FILES);
}

/** Variables of a container, in their order: values may name those before them. */
export function variablesOf(chart: Chart, all: readonly Variable[]): Record<string, EnvValue> {
  return Object.fromEntries(
    all.map((one) => [one.name, 'value' in one ? EnvValue.fromValue(one.value) : keyOf(chart, one.secret)]),
  );
}

function keyOf(
  chart: Chart,
  { object, key, optional }: { object: string; key: string; optional?: boolean },
): EnvValue {
  const id = `secret-${object}`;
  const secret =
    (chart.node.tryFindChild(id) as Secret | undefined) ?? Secret.fromSecretName(chart, id, object);
  return EnvValue.fromSecretValue({ secret, key }, optional === undefined ? {} : { optional });
}

/** What every container calls the port where it is scraped. */
export const METRICS_PORT_NAME = 'metrics';

export interface PodOptions {
  readonly name: string;
  readonly containers: Container[];
  readonly initContainers?: Container[];
  readonly volumes?: Volume[];
  readonly service_account?: string;
  /** Only for pods that call the API server. */
  readonly token?: boolean;
  readonly grace_s?: number;
  readonly priority: Priority;
  /**
   * Configuration files by name, in a volume `config`. They are part of the pod template, so that every revision of a
   * workload keeps its own: a change rolls the pods, a rollback brings the old files back, and no object can be missing.
   */
  readonly files?: Readonly<Record<string, string>>;
  /** Port that Prometheus scrapes. */
  readonly metrics_port?: number;
  /** Labels beside those of {@link labelsOf}. */
  readonly labels?: Record<string, string>;
  readonly restart?: 'Always' | 'OnFailure';
}

/** A pod that passes Pod Security `restricted` and every policy of the platform. */
export function podTemplate(
  context: RegionContext,
  options: PodOptions,
): types.input.core.v1.PodTemplateSpec & { spec: PodSpec } {
  const { name } = options;
  const volumes = [...filesVolume(options), ...(options.volumes ?? [])];
  const nodeSelector = nodeSelectorOf(context);
  const annotations = annotationsOf(options);
  return {
    metadata: {
      labels: { ...labelsOf(context, name), ...options.labels },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec: {
      ...(options.service_account === undefined ? {} : { serviceAccountName: options.service_account }),
      automountServiceAccountToken: options.token === true,
      enableServiceLinks: false,
      priorityClassName: priorityClassOf(context, options.priority),
      ...(options.restart === undefined ? {} : { restartPolicy: options.restart }),
      ...(options.grace_s === undefined ? {} : { terminationGracePeriodSeconds: options.grace_s }),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: USER,
        runAsGroup: USER,
        fsGroup: USER,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      ...(Object.keys(nodeSelector).length === 0 ? {} : { nodeSelector }),
      topologySpreadConstraints: spreadOf(name),
      ...(options.initContainers === undefined ? {} : { initContainers: options.initContainers }),
      containers: options.containers,
      ...(volumes.length === 0 ? {} : { volumes }),
    },
  };
}

function annotationsOf({
  files = {},
  metrics_port,
}: Pick<Pod, 'files' | 'metrics_port'>): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [annotationOf(name), text])),
    ...(metrics_port === undefined
      ? {}
      : {
          'prometheus.io/scrape': 'true',
          'prometheus.io/port': String(metrics_port),
          'prometheus.io/path': '/metrics',
        }),
  };
}

function annotationOf(file: string): string {
  return `config.mcp.platform/${file}`;
}

function filesVolume({ files = {} }: PodOptions): Volume[] {
  const items = Object.keys(files).map((path) => ({
    path,
    fieldRef: { fieldPath: `metadata.annotations['${annotationOf(path)}']` },
  }));
  return items.length === 0 ? [] : [{ name: 'config', downwardAPI: { items } }];
}

/** Data of a residency stays on nodes that are marked for it; a node may be marked for several. */
function nodeSelectorOf({ region }: RegionContext): Record<string, string> {
  return region.residency === 'any' ? {} : { [`${NODE_RESIDENCY_LABEL}/${region.residency}`]: 'true' };
}

function spreadOf(name: string) {
  return ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selectorOf(name) },
  }));
}

/** What a container asks for and may use, as Kubernetes' quantities. */
export type Size = Readonly<ServiceManifest['size']>;

type Quantities = Readonly<Record<'cpu' | 'memory', string>>;

/** Requests scaled to the stack's machine; limits as the manifest says. */
export function resourcesOf(
  { settings }: RegionContext,
  size: Size,
): { requests: Quantities; limits: Quantities } {
  return {
    requests: {
      cpu: scaled(size.cpu_request, settings.request_percent),
      memory: scaled(size.memory_request, settings.request_percent),
    },
    limits: { cpu: size.cpu_limit, memory: size.memory_limit },
  };
}

/** The same, for a container of cdk8s-plus, which would ask for a core and 512 MiB by itself. */
export function sizeOf(context: RegionContext, size: Size): ContainerResources {
  const { requests, limits } = resourcesOf(context, size);
  return {
    cpu: { request: cpuOf(requests.cpu), limit: cpuOf(limits.cpu) },
    memory: { request: bytesOf(requests.memory), limit: bytesOf(limits.memory) },
  };
}

function cpuOf(quantity: string): Cpu {
  return quantity.endsWith('m') ? Cpu.millis(Number(quantity.slice(0, -1))) : Cpu.units(Number(quantity));
}

/** `512Mi` or `2Gi`. */
export function bytesOf(quantity: string): Bytes {
  const amount = Number.parseInt(quantity, 10);
  return quantity.endsWith('Gi') ? Bytes.gibibytes(amount) : Bytes.mebibytes(amount);
}

/** `250m` at 20 % is `50m`, `2Gi` is `410Mi`: as the API server writes it. */
function scaled(quantity: string, percent: number): string {
  const [, digits = '0', unit = ''] = /^(\d+)(m|Mi|Gi)?$/.exec(quantity) ?? [];
  const amount = Number(digits) * (percent / 100);
  if (unit === 'Gi' || unit === 'Mi') {
    const mib = Math.ceil(unit === 'Gi' ? amount * 1024 : amount);
    return mib % 1024 === 0 ? `${mib / 1024}Gi` : `${mib}Mi`;
  }
  const milli = Math.ceil(unit === 'm' ? amount : amount * 1000);
  return milli % 1000 === 0 ? `${milli / 1000}` : `${milli}m`;
}
