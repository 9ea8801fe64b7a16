import { everyContainerOf, type KubernetesObject, podOf } from '../../objects.ts';
import { type ObjectRule, PODS } from '../rule.ts';

function check(object: KubernetesObject): string[] {
  const pod = podOf(object);
  if (pod === undefined) return [];
  const volumes = pod.spec.volumes
    .filter(({ hostPath }) => hostPath !== undefined && hostPath !== null)
    .map(({ name }) => `volume ${name} is a hostPath`);
  const ports = everyContainerOf(pod)
    .filter(({ ports }) => ports.some(({ hostPort }) => (hostPort ?? 0) !== 0))
    .map(({ name }) => `container ${name} has a hostPort`);
  return [...volumes, ...ports];
}

export const noHostPath: ObjectRule = {
  scope: 'object',
  gatekeeper: 'admission',
  name: 'no-host-path',
  summary: 'No pod mounts a path or takes a port of its node.',
  message: 'pods keep off their node; use a volume claim or an emptyDir, and a Service for the port',
  kinds: PODS,
  params: [],
  check,
};
