import { z } from 'zod';
import { type KubernetesObject, podOf } from '../objects.ts';
import type { Params } from '../params.ts';

/**
 * What a controller made (a Job of a CronJob, Flagger's primary Deployment) has the labels its controller gave it
 * and is judged by its pods alone.
 */
export function requiredLabels(object: KubernetesObject, { required_labels }: Params): string[] {
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

const Service = z.object({
  spec: z.object({ type: z.string().nullish(), externalIPs: z.array(z.string()).nullish() }),
});

/** External addresses on a Service let it take others' traffic (CVE-2020-8554). */
export function serviceTypes(object: KubernetesObject, { load_balancers }: Params): string[] {
  if (object.kind !== 'Service') return [];
  const { type, externalIPs } = Service.parse(object).spec;
  const name = object.metadata.name ?? '';
  const problems: string[] = [];
  if (type === 'NodePort') problems.push(`Service ${name} is a NodePort`);
  if (type === 'LoadBalancer' && !load_balancers.includes(name))
    problems.push(`Service ${name} is a LoadBalancer`);
  if ((externalIPs ?? []).length > 0) problems.push(`Service ${name} has externalIPs`);
  return problems;
}
