import { type KubernetesObject, podOf } from '../../objects.ts';
import { type ObjectRule, PODS } from '../rule.ts';

/** Data of a residency lies on nodes that are marked for it: `residency.mcp.platform/eu: "true"`. */
function check(object: KubernetesObject): string[] {
  const pod = podOf(object);
  const residency = pod?.labels['mcp.platform/residency'];
  if (pod === undefined || residency === undefined || residency === 'any') return [];
  const key = `residency.mcp.platform/${residency}`;
  return pod.spec.nodeSelector[key] === 'true'
    ? []
    : [`the pod of residency ${residency} lacks the nodeSelector ${key}: "true"`];
}

export const residencyNodes: ObjectRule = {
  scope: 'object',
  gatekeeper: 'admission',
  name: 'residency-nodes',
  summary: 'Pods of a residency run on nodes of that residency alone.',
  message: 'data of a residency stays on nodes that are marked for it; set the nodeSelector',
  kinds: PODS,
  params: [],
  check,
};
