import type { types } from '@pulumi/kubernetes';
import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';

/** The built-in kinds that the platform uses, with the shapes of the API. */
interface Shapes {
  ClusterRole: types.input.rbac.v1.ClusterRole;
  ClusterRoleBinding: types.input.rbac.v1.ClusterRoleBinding;
  ConfigMap: types.input.core.v1.ConfigMap;
  CronJob: types.input.batch.v1.CronJob;
  Deployment: types.input.apps.v1.Deployment;
  HorizontalPodAutoscaler: types.input.autoscaling.v2.HorizontalPodAutoscaler;
  LimitRange: types.input.core.v1.LimitRange;
  Namespace: types.input.core.v1.Namespace;
  NetworkPolicy: types.input.networking.v1.NetworkPolicy;
  PersistentVolumeClaim: types.input.core.v1.PersistentVolumeClaim;
  PodDisruptionBudget: types.input.policy.v1.PodDisruptionBudget;
  PriorityClass: types.input.scheduling.v1.PriorityClass;
  ResourceQuota: types.input.core.v1.ResourceQuota;
  Role: types.input.rbac.v1.Role;
  RoleBinding: types.input.rbac.v1.RoleBinding;
  Secret: types.input.core.v1.Secret;
  Service: types.input.core.v1.Service;
  ServiceAccount: types.input.core.v1.ServiceAccount;
  StatefulSet: types.input.apps.v1.StatefulSet;
}

const API_VERSION: Readonly<Record<keyof Shapes, string>> = {
  ClusterRole: 'rbac.authorization.k8s.io/v1',
  ClusterRoleBinding: 'rbac.authorization.k8s.io/v1',
  ConfigMap: 'v1',
  CronJob: 'batch/v1',
  Deployment: 'apps/v1',
  HorizontalPodAutoscaler: 'autoscaling/v2',
  LimitRange: 'v1',
  Namespace: 'v1',
  NetworkPolicy: 'networking.k8s.io/v1',
  PersistentVolumeClaim: 'v1',
  PodDisruptionBudget: 'policy/v1',
  PriorityClass: 'scheduling.k8s.io/v1',
  ResourceQuota: 'v1',
  Role: 'rbac.authorization.k8s.io/v1',
  RoleBinding: 'rbac.authorization.k8s.io/v1',
  Secret: 'v1',
  Service: 'v1',
  ServiceAccount: 'v1',
  StatefulSet: 'apps/v1',
};

/** Adds an object of a built-in kind. `id` is its name in the chart, and with the chart's its name in Pulumi: keep it. */
export function add<K extends keyof Shapes>(
  scope: Construct,
  id: string,
  body: { kind: K } & Shapes[K],
): ApiObject {
  return new ApiObject(scope, id, { apiVersion: API_VERSION[body.kind], ...(body as { kind: K }) });
}

/** An object of a kind that a CRD defines. */
export interface CustomObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  readonly spec: object;
}

/** Adds an object whose kind comes from a CRD. */
export function addCustom(scope: Construct, id: string, body: CustomObject): ApiObject {
  return new ApiObject(scope, id, { ...body });
}

const FOREIGN = 'foreign-fields';

/** Says that fields of an object belong to somebody else once it is there: no preview shows them, no update touches them. */
export function leaveToOthers(object: ApiObject, ...paths: readonly string[]): void {
  object.node.addMetadata(FOREIGN, paths);
}

const FORMER = 'former-name';

/** An object's place before: its chart, and its id there. */
export interface FormerName {
  readonly chart: string;
  readonly id: string;
}

/** Says that an object was another chart's before: Pulumi keeps it, where it would make it anew and then delete it. */
export function formerly(object: ApiObject, name: FormerName): void {
  object.node.addMetadata(FORMER, name);
}

export function formerNames(object: ApiObject): FormerName[] {
  return object.node.metadata.filter(({ type }) => type === FORMER).map(({ data }) => data as FormerName);
}

export function foreignFields(object: ApiObject): string[] {
  return object.node.metadata.filter(({ type }) => type === FOREIGN).flatMap(({ data }) => data as string[]);
}
