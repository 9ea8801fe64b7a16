import { containersOf, type KubernetesObject, podOf } from '../../objects.ts';
import { type ObjectRule, PODS } from '../rule.ts';

const RESOURCES = ['cpu', 'memory'] as const;

function check(object: KubernetesObject): string[] {
  const pod = podOf(object);
  if (pod === undefined) return [];
  return containersOf(pod).flatMap(({ name, resources }) =>
    (['requests', 'limits'] as const).flatMap((which) =>
      RESOURCES.filter((resource) => resources?.[which][resource] === undefined).map(
        (resource) => `container ${name} has no ${which}.${resource}`,
      ),
    ),
  );
}

export const resourcesSet: ObjectRule = {
  scope: 'object',
  gatekeeper: 'admission',
  name: 'resources-set',
  summary: 'Every container has requests and limits for CPU and memory.',
  message: 'a container without requests and limits can starve its node; set both for cpu and memory',
  kinds: PODS,
  params: [],
  check,
};
