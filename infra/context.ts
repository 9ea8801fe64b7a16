import type { ServiceManifest, ServiceName } from '@mcp/contracts';
import {
  type KubernetesSettings,
  type Region,
  type ServicePlacement,
  type Stack,
  services,
  servicesOf,
  startReplicas,
} from '@mcp/stacks';
import type { Input } from '@pulumi/pulumi';

/** Label keys of ours; the others are Kubernetes' recommended ones (`app.kubernetes.io/*`). */
const REGION_LABEL = 'mcp.platform/region';
const RESIDENCY_LABEL = 'mcp.platform/residency';
/** Nodes that may hold data of a residency carry `residency.mcp.platform/<residency>: "true"`. */
export const NODE_RESIDENCY_LABEL = 'residency.mcp.platform';

/** What an image of the stack is called: a fixed tag, or a digest once it is built. */
export interface Images {
  service(name: ServiceName): Input<string>;
  /** An image of others, or its mirror. */
  other(image: string): Input<string>;
}

/** Everything that the charts of one region look at. */
export interface RegionContext {
  readonly stack: Stack;
  readonly region: Region;
  readonly settings: KubernetesSettings;
  readonly images: Images;
  /** Names of the Secrets that exist in this region: the database's only where one is configured. */
  readonly secrets: ReadonlySet<string>;
}

/**
 * What selectors use: never changes while the service lives. Not the name, which Flagger changes in the pods that it
 * promotes (`core-primary`), and they must stay behind the same policies.
 */
export function selectorOf(name: string): Record<string, string> {
  return { 'app.kubernetes.io/component': name, 'app.kubernetes.io/part-of': 'mcp' };
}

/** The labels of what a cluster has once: of no region. */
export function clusterLabelsOf(stack: Stack, name: string): Record<string, string> {
  return {
    'app.kubernetes.io/name': name,
    ...selectorOf(name),
    'app.kubernetes.io/instance': stack.name,
    'app.kubernetes.io/version': stack.kubernetes.images.tag,
    'app.kubernetes.io/managed-by': 'pulumi',
  };
}

/** The labels that every object of a region carries (policy `required-labels`). */
export function labelsOf(
  { stack, region }: Pick<RegionContext, 'stack' | 'region'>,
  name: string,
): Record<string, string> {
  return {
    ...clusterLabelsOf(stack, name),
    'app.kubernetes.io/instance': `${stack.name}-${region.name}`,
    [REGION_LABEL]: region.name,
    [RESIDENCY_LABEL]: region.residency,
  };
}

/** A placed service with what is in the same pod. */
export interface Workload {
  readonly placement: ServicePlacement;
  readonly manifest: ServiceManifest;
  /** Manifests of everything in the pod, the placed one first. */
  readonly inside: readonly ServiceManifest[];
}

export function workloads(stack: Stack): Workload[] {
  return stack.services.map((placement) => ({
    placement,
    manifest: services[placement.service],
    inside: servicesOf(placement).map((name) => services[name]),
  }));
}

/** The pod in which a service lives. */
export function hostOf(stack: Stack, name: ServiceName): ServiceName {
  const placement = stack.services.find((one) => servicesOf(one).includes(name));
  if (placement === undefined) throw new Error(`The stack ${stack.name} does not place ${name}.`);
  return placement.service;
}

/** Replicas a workload has before any autoscaler acts. A store on one volume can have one writer only. */
export function replicasOf({ placement, inside }: Workload, settings: KubernetesSettings): number {
  if (holdsData(inside, settings)) return 1;
  return startReplicas(placement);
}

/** Whether the pod's state lies on a volume of its own, so that there can be one replica. */
export function holdsData(inside: readonly ServiceManifest[], { database }: KubernetesSettings): boolean {
  return inside.some(
    ({ volume }) => volume !== undefined && (volume.where === 'always' || database === 'embedded'),
  );
}
