import { type Example, fails, passes, selector } from '../../test/example.ts';
import { autoscalerOf, budgetOf, deployment } from '../../test/objects.ts';

export const examples: readonly Example[] = [
  passes('one replica', deployment({ replicas: 1 })),
  passes('a budget', deployment({ replicas: 3 }), {
    all: [budgetOf({ matchLabels: { 'mcp.platform/region': 'eu-central' } })],
  }),
  passes('an autoscaler of another', deployment(), { all: [autoscalerOf('gateway', 2)] }),
  fails(deployment({ replicas: 3 }), '3 replicas have no PodDisruptionBudget'),
  fails(deployment(), '2 replicas have no PodDisruptionBudget', { all: [autoscalerOf('core', 2)] }),
  fails(deployment({ replicas: 2 }), '2 replicas have no PodDisruptionBudget', {
    all: [budgetOf(selector('DoesNotExist')), budgetOf({}, { namespace: 'other' })],
  }),
];
