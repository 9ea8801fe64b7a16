import type { types } from '@pulumi/kubernetes';
import type * as pulumi from '@pulumi/pulumi';
import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';

/** The built-in kinds that cdk8s-plus has no construct for, or none that can say what we say, as the API has them. */
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
export function leaveToOthers(construct: Construct, ...paths: readonly string[]): void {
  ApiObject.of(construct).node.addMetadata(FOREIGN, paths);
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

const COMPLETION = 'completion';

/** Any part of a shape of the API, in plain values. */
type Part<T> = T extends string | number | boolean | undefined
  ? T
  : T extends Promise<unknown> | pulumi.OutputInstance<unknown>
    ? never
    : T extends readonly (infer One)[]
      ? readonly Part<One>[]
      : { readonly [K in keyof T]?: Part<T[K]> | undefined };

/** Shapes that are completed, by kind. */
export interface Completed {
  Deployment: types.input.apps.v1.Deployment;
  Service: types.input.core.v1.Service;
  StatefulSet: types.input.apps.v1.StatefulSet;
}
export type Completion<K extends keyof Completed> = Part<Completed[K]>;

/**
 * Says of a construct of cdk8s-plus what it has no property for. Merged into the finished object as `kubectl patch`
 * would: objects by key, lists of what has names by name, other lists in full; `undefined` takes a field away.
 */
export function complete<K extends keyof Completed>(
  construct: Construct,
  of: { kind: K } & Completion<K>,
): void {
  const object = ApiObject.of(construct);
  if (object.kind !== of.kind) throw new Error(`${object.node.path} is a ${object.kind}, not a ${of.kind}.`);
  object.node.addMetadata(COMPLETION, of);
}

/** The object with what {@link complete} said of it. */
export function completed(object: ApiObject, manifest: object): object {
  return object.node.metadata
    .filter(({ type }) => type === COMPLETION)
    .reduce((made, { data }) => merged(made, data) as object, manifest);
}

function merged(before: unknown, change: unknown): unknown {
  if (Array.isArray(before) && Array.isArray(change) && change.every(isNamed)) {
    const named = before.map((one: unknown) => {
      const found = isNamed(one) ? change.find(({ name }) => name === one.name) : undefined;
      return found === undefined ? one : merged(one, found);
    });
    const names = new Set(before.filter(isNamed).map(({ name }) => name));
    return [...named, ...change.filter(({ name }) => !names.has(name))];
  }
  if (!isRecord(before) || !isRecord(change)) return change;
  const all = { ...before };
  for (const [key, one] of Object.entries(change))
    if (one === undefined) delete all[key];
    else all[key] = merged(all[key], one);
  return all;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function isNamed(value: unknown): value is { readonly name: string } {
  return isRecord(value) && typeof value.name === 'string';
}
