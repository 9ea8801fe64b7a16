import { type KubernetesObject, podOf } from '../../objects.ts';
import type { Params } from '../../params.ts';
import { type ObjectRule, PODS } from '../rule.ts';

/**
 * What a controller made (a Job of a CronJob, Flagger's primary Deployment) has the labels its controller gave it
 * and is judged by its pods alone.
 */
function check(object: KubernetesObject, { required_labels }: Params): string[] {
  const pod = podOf(object);
  if (pod === undefined) return [];
  const made = object.metadata.ownerReferences.some(({ controller }) => controller === true);
  const own =
    object.kind === 'Pod' || made ? [] : missing(object.metadata.labels, required_labels, 'the object');
  return [...own, ...missing(pod.labels, required_labels, 'the pod')];
}

function missing(
  labels: Readonly<Record<string, string>>,
  required: readonly string[],
  of: string,
): string[] {
  return required.filter((key) => (labels[key] ?? '') === '').map((key) => `${of} lacks the label ${key}`);
}

export const requiredLabels: ObjectRule = {
  scope: 'object',
  gatekeeper: 'admission',
  name: 'required-labels',
  summary: 'Workloads and pods carry the labels that name them, their region and their residency.',
  message: 'policies, routing and cost reports select by label; set it on the object and on its pod template',
  kinds: PODS,
  params: ['required_labels'],
  check,
};
