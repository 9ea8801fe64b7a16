import { type Container, everyContainerOf, type KubernetesObject, type PodOf, podOf } from '../../objects.ts';
import { type ObjectRule, PODS } from '../rule.ts';

/** Pod Security Standard `restricted`, and a read-only root beyond it. */
function check(object: KubernetesObject): string[] {
  const pod = podOf(object);
  if (pod === undefined) return [];
  return [...ofHost(pod), ...everyContainerOf(pod).flatMap((one) => ofContainer(one, pod))];
}

function ofHost({ spec }: PodOf): string[] {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => spec[name] === true);
  const root = spec.securityContext?.runAsUser === 0 ? ['the pod has runAsUser 0'] : [];
  return [...shared.map((name) => `the pod has ${name}`), ...root];
}

function ofContainer({ name, securityContext: own }: Container, { spec }: PodOf): string[] {
  const shared = spec.securityContext;
  const problems: string[] = [];
  const refuse = (condition: boolean, text: string) => {
    if (condition) problems.push(`container ${name} ${text}`);
  };
  refuse((own?.runAsNonRoot ?? shared?.runAsNonRoot) !== true, 'lacks runAsNonRoot: true');
  refuse(own?.runAsUser === 0, 'has runAsUser 0');
  refuse(own?.privileged === true, 'is privileged');
  refuse(own?.allowPrivilegeEscalation !== false, 'lacks allowPrivilegeEscalation: false');
  refuse(own?.readOnlyRootFilesystem !== true, 'lacks readOnlyRootFilesystem: true');
  refuse(own?.capabilities?.drop.includes('ALL') !== true, 'does not drop ALL capabilities');
  for (const added of own?.capabilities?.add ?? [])
    refuse(added !== 'NET_BIND_SERVICE', `adds the capability ${added}`);
  const seccomp = (own?.seccompProfile ?? shared?.seccompProfile)?.type;
  refuse(seccomp !== 'RuntimeDefault' && seccomp !== 'Localhost', 'lacks the seccomp profile RuntimeDefault');
  refuse((own?.procMount ?? 'Default') !== 'Default', 'has a procMount that is not Default');
  return problems;
}

export const restrictedPods: ObjectRule = {
  scope: 'object',
  gatekeeper: 'admission',
  name: 'restricted-pods',
  summary: 'Pods meet Pod Security `restricted` and have a read-only root.',
  message: 'pods run restricted; take the security context of the platform (infra/charts/workload/pod.ts)',
  kinds: PODS,
  params: [],
  check,
};
