import { isDeepStrictEqual } from 'node:util';
import { STAYS_AS_MADE } from '../kit/bridge.ts';
import type { RecordedResource } from '../kit/record.ts';
import { type KubernetesObject, objectsOf } from './stacks.ts';

/**
 * What cannot be changed in a live object, by the API server's validation, and for which the Pulumi provider therefore
 * makes the object anew (`provider/pkg/provider/diff.go`, forceNew).
 */
const REPLACES: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec.selector'],
  StatefulSet: [
    'spec.podManagementPolicy',
    'spec.revisionHistoryLimit',
    'spec.selector',
    'spec.serviceName',
    'spec.volumeClaimTemplates',
  ],
  Service: ['spec.clusterIP'],
  ClusterRoleBinding: ['roleRef'],
  RoleBinding: ['roleRef'],
  Secret: ['type'],
  PersistentVolumeClaim: ['spec.accessModes', 'spec.selector', 'spec.storageClassName', 'spec.volumeName'],
};
/** The same, but the provider does not know it: the API server refuses the change for ever. */
const REFUSED: Readonly<Record<string, readonly string[]>> = { PriorityClass: ['value', 'preemptionPolicy'] };
/** What is lost with the object. */
const HOLDS_DATA = new Set(['PersistentVolumeClaim']);

export interface Transition {
  /** What would fail, or lose data. */
  readonly faults: readonly string[];
  /** Objects that are made anew, by kind and name. */
  readonly replaced: readonly string[];
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
}

/** What an update from one program to another does to the objects of a cluster. */
export function transition(
  before: readonly RecordedResource[],
  after: readonly RecordedResource[],
): Transition {
  const old = byIdentity(before);
  const fresh = byIdentity(after);
  const both = [...fresh].flatMap(([id, to]) => {
    const from = old.get(id);
    return from === undefined ? [] : [{ id, from, to }];
  });
  const changed = both.filter(({ from, to }) => !isDeepStrictEqual(from.object, to.object));
  const replaced = changed.filter(({ from, to }) => isReplaced(from.object, to.object));
  return {
    faults: [
      ...both
        .filter(({ from, to }) => from.urn !== to.urn)
        .map(({ id, from, to }) => `${id} is ${from.urn}, then ${to.urn}: made again, then deleted`),
      ...changed
        .filter(({ from, to }) => differs(REFUSED, from.object, to.object))
        .map(({ id }) => `${id} changes what never may`),
      ...replaced
        .filter(({ to }) => HOLDS_DATA.has(to.object.kind))
        .map(({ id }) => `${id} is replaced, and its data with it`),
      ...changed.flatMap(({ id, from, to }) =>
        changedVolumes(from.object, to.object).map((name) => `${id}: volume ${name} changes its kind`),
      ),
      ...handedOver(old, fresh),
      ...handedOver(fresh, old),
    ],
    replaced: replaced.map(({ id }) => id),
    created: [...fresh.keys()].filter((id) => !old.has(id)).length,
    updated: changed.length - replaced.length,
    deleted: [...old.keys()].filter((id) => !fresh.has(id)).length,
  };
}

/** Whether Pulumi deletes an object and makes it anew, for it cannot be changed. */
export function isReplaced(from: KubernetesObject, to: KubernetesObject): boolean {
  return differs(REPLACES, from, to);
}

/** What Pulumi writes of a changed object: fields that stay as they were made are as before. */
export function asMade(from: KubernetesObject, to: KubernetesObject): KubernetesObject {
  return (STAYS_AS_MADE[to.kind] ?? []).reduce<KubernetesObject>(
    (object, path) => withValue(object, path.split('.'), at(from, path)) as KubernetesObject,
    to,
  );
}

function withValue(object: unknown, [key = '', ...rest]: readonly string[], value: unknown): unknown {
  const { [key]: old, ...others } = object as Record<string, unknown>;
  const one = rest.length === 0 ? value : withValue(old ?? {}, rest, value);
  return one === undefined ? others : { ...others, [key]: one };
}

interface Known {
  readonly urn: string;
  readonly object: KubernetesObject;
}

function byIdentity(resources: readonly RecordedResource[]): ReadonlyMap<string, Known> {
  return new Map(
    resources.flatMap((one) =>
      objectsOf([one]).map((object) => [identityOf(object), { urn: `${one.type}::${one.name}`, object }]),
    ),
  );
}

function identityOf({ kind, metadata }: KubernetesObject): string {
  return `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
}

function differs(
  fields: Readonly<Record<string, readonly string[]>>,
  from: KubernetesObject,
  to: KubernetesObject,
): boolean {
  const left = STAYS_AS_MADE[to.kind] ?? [];
  return (fields[to.kind] ?? [])
    .filter((path) => !left.includes(path))
    .some((path) => !isDeepStrictEqual(at(from, path), at(to, path)));
}

function at(object: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], object);
}

function changedVolumes(from: KubernetesObject, to: KubernetesObject): string[] {
  const kindsOf = (object: KubernetesObject) => {
    const volumes = (at(object, 'spec.template.spec.volumes') ?? []) as readonly { readonly name: string }[];
    return new Map(volumes.map((volume) => [volume.name, Object.keys(volume).sort().join()]));
  };
  const before = kindsOf(from);
  return [...kindsOf(to)].flatMap(([name, kind]) => ((before.get(name) ?? kind) === kind ? [] : [name]));
}

/** Objects of ours that a controller would make: two owners, and one deletes what the other needs. */
function handedOver(ours: ReadonlyMap<string, Known>, theirs: ReadonlyMap<string, Known>): string[] {
  return [...theirs.values()].flatMap(({ object }) =>
    madeBy(object)
      .filter((id) => ours.has(id) && !theirs.has(id))
      .map((id) => `${id} is handed over between the program and the controller of ${identityOf(object)}`),
  );
}

function madeBy({ kind, metadata: { name, namespace = '' } }: KubernetesObject): string[] {
  if (kind === 'Canary')
    return [
      `Deployment ${namespace}/${name}-primary`,
      ...[name, `${name}-primary`, `${name}-canary`].map((service) => `Service ${namespace}/${service}`),
    ];
  return kind === 'ScaledObject' ? [`HorizontalPodAutoscaler ${namespace}/keda-hpa-${name}`] : [];
}
