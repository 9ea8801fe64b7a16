import {
  type Container,
  containersOf,
  everyContainerOf,
  type KubernetesObject,
  type PodOf,
  podOf,
} from '../objects.ts';

/** Pod Security Standard `restricted`, and a read-only root beyond it. */
export function restrictedPods(object: KubernetesObject): string[] {
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

const RESOURCES = ['cpu', 'memory'] as const;

export function resourcesSet(object: KubernetesObject): string[] {
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

export function noHostPath(object: KubernetesObject): string[] {
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

/** Data of a residency lies on nodes that are marked for it: `residency.mcp.platform/eu: "true"`. */
export function residencyNodes(object: KubernetesObject): string[] {
  const pod = podOf(object);
  const residency = pod?.labels['mcp.platform/residency'];
  if (pod === undefined || residency === undefined || residency === 'any') return [];
  const key = `residency.mcp.platform/${residency}`;
  return pod.spec.nodeSelector[key] === 'true'
    ? []
    : [`the pod of residency ${residency} lacks the nodeSelector ${key}: "true"`];
}
