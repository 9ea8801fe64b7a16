/** A Helm chart that a cluster needs for a feature of a stack. */
interface Addon {
  /** What the cluster has once it is there. */
  readonly crd: string;
  readonly release: string;
  /** An OCI reference, or a chart of `repo`. */
  readonly chart: string;
  readonly repo?: string;
  /** Undefined: the newest. */
  readonly version?: string;
  readonly namespace: string;
  readonly values?: Readonly<Record<string, string>>;
}

const envoy_gateway = {
  crd: 'httproutes.gateway.networking.k8s.io',
  release: 'eg',
  chart: 'oci://docker.io/envoyproxy/gateway-helm',
  version: 'v1.9.1',
  namespace: 'envoy-gateway-system',
} as const satisfies Addon;

/** What the features of a stack need in a cluster, in the versions that the cluster tests run with. */
export const ADDONS = {
  gateway_api: envoy_gateway,
  envoy_policies: { ...envoy_gateway, crd: 'backendtrafficpolicies.gateway.envoyproxy.io' },
  keda: {
    crd: 'scaledobjects.keda.sh',
    release: 'keda',
    chart: 'keda',
    repo: 'https://kedacore.github.io/charts',
    version: '2.21.0',
    namespace: 'keda',
  },
  gatekeeper: {
    crd: 'constrainttemplates.templates.gatekeeper.sh',
    release: 'gatekeeper',
    chart: 'gatekeeper',
    repo: 'https://open-policy-agent.github.io/gatekeeper/charts',
    version: '3.23.1',
    namespace: 'gatekeeper-system',
  },
  /** It copies the pods of core by the types of Kubernetes 0.27: nothing newer may stand in them (`preStop.sleep`). */
  flagger: {
    crd: 'canaries.flagger.app',
    release: 'flagger',
    chart: 'flagger',
    repo: 'https://flagger.app',
    version: '1.36.1',
    namespace: 'flagger',
    values: { meshProvider: 'kubernetes' },
  },
  service_monitor: {
    crd: 'servicemonitors.monitoring.coreos.com',
    release: 'prometheus',
    chart: 'kube-prometheus-stack',
    repo: 'https://prometheus-community.github.io/helm-charts',
    namespace: 'monitoring',
  },
  image_signatures: {
    crd: 'clusterimagepolicies.policy.sigstore.dev',
    release: 'policy-controller',
    chart: 'policy-controller',
    repo: 'https://sigstore.github.io/helm-charts',
    namespace: 'cosign-system',
  },
} as const satisfies Record<string, Addon>;

/** The command that installs an addon, or brings it to its version. */
export function installCommand({ release, chart, repo, version, namespace, values }: Addon): string {
  const set = Object.entries(values ?? {}).map(([key, value]) => `${key}=${value}`);
  return [
    `helm upgrade --install ${release} ${chart}`,
    ...(repo === undefined ? [] : [`--repo ${repo}`]),
    ...(version === undefined ? [] : [`--version ${version}`]),
    `--namespace ${namespace} --create-namespace --wait`,
    ...(set.length === 0 ? [] : [`--set ${set.join(',')}`]),
  ].join(' ');
}
