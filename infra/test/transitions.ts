import { isDeepStrictEqual } from 'node:util';
import { STAYS_AS_MADE } from '../kit/bridge.ts';
import type { KubernetesObject } from './stacks.ts';

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
  RoleBinding: ['roleRef'],
  Secret: ['type'],
  PersistentVolumeClaim: ['spec.accessModes', 'spec.selector', 'spec.storageClassName', 'spec.volumeName'],
};
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
