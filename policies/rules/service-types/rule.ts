import { z } from 'zod';
import type { KubernetesObject } from '../../objects.ts';
import type { Params } from '../../params.ts';
import type { ObjectRule } from '../rule.ts';

const Service = z.object({
  spec: z.object({ type: z.string().nullish(), externalIPs: z.array(z.string()).nullish() }),
});

/** External addresses on a Service let it take others' traffic (CVE-2020-8554). */
function check(object: KubernetesObject, { load_balancers }: Params): string[] {
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

export const serviceTypes: ObjectRule = {
  scope: 'object',
  gatekeeper: 'admission',
  name: 'service-types',
  summary: 'No Service is a NodePort, a LoadBalancer other than the edge, or has external IPs.',
  message: 'traffic enters through the Gateway alone; use a ClusterIP Service and an HTTPRoute',
  kinds: [{ group: '', kinds: ['Service'] }],
  params: ['load_balancers'],
  check,
};
