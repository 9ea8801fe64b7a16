import type { ServiceManifest } from '@mcp/contracts';
import type { types } from '@pulumi/kubernetes';
import { labelsOf, NODE_RESIDENCY_LABEL, type RegionContext, selectorOf } from '../../context.ts';
import { type Priority, priorityClassOf } from '../namespace/namespace.ts';

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

function annotationsOf({ files = {}, metrics_port }: PodOptions): Record<string, string> {
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

function spreadOf(name: string): types.input.core.v1.TopologySpreadConstraint[] {
  return ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selectorOf(name) },
  }));
}

/** What a container asks for and may use, as Kubernetes' quantities. */
export type Size = Readonly<ServiceManifest['size']>;

/** Requests scaled to the stack's machine; limits as the manifest says. */
export function resourcesOf(
  { settings }: RegionContext,
  size: Size,
): types.input.core.v1.ResourceRequirements {
  return {
    requests: {
      cpu: scaled(size.cpu_request, settings.request_percent),
      memory: scaled(size.memory_request, settings.request_percent),
    },
    limits: { cpu: size.cpu_limit, memory: size.memory_limit },
  };
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
