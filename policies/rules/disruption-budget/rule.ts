import { z } from 'zod';
import { beside, type KubernetesObject, podOf, Selector, selects } from '../../objects.ts';
import type { Params } from '../../params.ts';
import type { DumpRule } from '../rule.ts';

const Replicas = z.object({ spec: z.object({ replicas: z.number().nullish() }) });
const Target = z.object({ kind: z.string().nullish(), name: z.string() });
const Autoscaler = z.object({
  spec: z.object({
    scaleTargetRef: Target,
    minReplicas: z.number().nullish(),
    minReplicaCount: z.number().nullish(),
  }),
});
const Budget = z.object({ spec: z.object({ selector: Selector.nullish() }) });

function check(object: KubernetesObject, _params: Params, all: readonly KubernetesObject[]): string[] {
  const pod = podOf(object);
  if (pod === undefined || (object.kind !== 'Deployment' && object.kind !== 'StatefulSet')) return [];
  const replicas = Math.max(Replicas.parse(object).spec.replicas ?? 1, scaledAtLeast(object, all));
  const held = beside(object, all, 'PodDisruptionBudget').some((one) => {
    const { selector } = Budget.parse(one).spec;
    return selector !== undefined && selector !== null && selects(selector, pod.labels);
  });
  return replicas > 1 && !held ? [`${replicas} replicas have no PodDisruptionBudget`] : [];
}

/** Replicas that an autoscaler always keeps; KEDA's ScaledObject and the HPA that it makes say the same. */
function scaledAtLeast(object: KubernetesObject, all: readonly KubernetesObject[]): number {
  const scalers = [
    ...beside(object, all, 'HorizontalPodAutoscaler'),
    ...beside(object, all, 'ScaledObject'),
  ].map((one) => Autoscaler.parse(one).spec);
  return Math.max(
    0,
    ...scalers
      .filter(
        ({ scaleTargetRef: { kind, name } }) =>
          (kind ?? 'Deployment') === object.kind && name === object.metadata.name,
      )
      .map(({ minReplicas, minReplicaCount }) => minReplicas ?? minReplicaCount ?? 0),
  );
}

export const disruptionBudget: DumpRule = {
  scope: 'dump',
  gatekeeper: 'audit',
  name: 'disruption-budget',
  summary: 'Workloads of more than one replica have a PodDisruptionBudget.',
  message: 'a node drain may take all replicas at once; add a PodDisruptionBudget that selects the pods',
  kinds: [{ group: 'apps', kinds: ['Deployment', 'StatefulSet'] }],
  params: [],
  check,
};
