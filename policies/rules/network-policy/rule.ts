import { z } from 'zod';
import { beside, type KubernetesObject, podOf, Selector, selects } from '../../objects.ts';
import type { Params } from '../../params.ts';
import { type DumpRule, PODS } from '../rule.ts';

const Policy = z.object({
  spec: z.object({
    podSelector: Selector.nullish(),
    policyTypes: z.array(z.string()).nullish(),
    egress: z.unknown().optional(),
  }),
});
const DIRECTIONS = ['Ingress', 'Egress'] as const;

/** Both directions count: a pod that only an ingress policy selects may send anywhere. */
function check(object: KubernetesObject, _params: Params, all: readonly KubernetesObject[]): string[] {
  const pod = podOf(object);
  if (pod === undefined) return [];
  const covered = new Set(
    beside(object, all, 'NetworkPolicy').flatMap((one) => {
      const { spec } = Policy.parse(one);
      return selects(spec.podSelector ?? Selector.parse({}), pod.labels) ? typesOf(spec) : [];
    }),
  );
  return DIRECTIONS.filter((direction) => !covered.has(direction)).map(
    (direction) => `no NetworkPolicy for ${direction} selects the pod`,
  );
}

/** As the API defaults `policyTypes`: ingress always, egress where there are egress rules. */
function typesOf(spec: z.infer<typeof Policy>['spec']): readonly string[] {
  if (spec.policyTypes !== undefined && spec.policyTypes !== null) return spec.policyTypes;
  return spec.egress === undefined || spec.egress === null ? ['Ingress'] : DIRECTIONS;
}

export const networkPolicy: DumpRule = {
  scope: 'dump',
  gatekeeper: 'audit',
  name: 'network-policy',
  summary: 'Every pod is selected by a NetworkPolicy for each direction.',
  message: 'a pod that no policy selects talks to everyone; declare its calls in its manifest.ts',
  kinds: PODS,
  params: [],
  check,
};
