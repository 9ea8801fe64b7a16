import { ApiextensionsV1Api, KubeConfig } from '@kubernetes/client-node';
import type { KubernetesSettings, Region } from '@mcp/stacks';
import * as pulumi from '@pulumi/pulumi';
import type { ProgramConfig } from './config.ts';

type Feature = keyof KubernetesSettings['features'];

/** The kind that a feature needs, and what brings it. */
const NEEDS: Readonly<Partial<Record<Feature, { crd: string; install: string }>>> = {
  gateway_api: {
    crd: 'httproutes.gateway.networking.k8s.io',
    install:
      'helm install eg oci://docker.io/envoyproxy/gateway-helm -n envoy-gateway-system --create-namespace',
  },
  envoy_policies: {
    crd: 'backendtrafficpolicies.gateway.envoyproxy.io',
    install:
      'helm install eg oci://docker.io/envoyproxy/gateway-helm -n envoy-gateway-system --create-namespace',
  },
  keda: {
    crd: 'scaledobjects.keda.sh',
    install: 'helm install keda kedacore/keda -n keda --create-namespace',
  },
  gatekeeper: {
    crd: 'constrainttemplates.templates.gatekeeper.sh',
    install: 'helm install gatekeeper gatekeeper/gatekeeper -n gatekeeper-system --create-namespace',
  },
  flagger: {
    crd: 'canaries.flagger.app',
    install:
      'helm install flagger flagger/flagger -n flagger-system --create-namespace --set meshProvider=kubernetes',
  },
  service_monitor: {
    crd: 'servicemonitors.monitoring.coreos.com',
    install:
      'helm install prometheus prometheus-community/kube-prometheus-stack -n monitoring --create-namespace',
  },
  image_signatures: {
    crd: 'clusterimagepolicies.policy.sigstore.dev',
    install: 'helm install policy-controller sigstore/policy-controller -n cosign-system --create-namespace',
  },
};
/** `off`: no cluster is asked, as when the objects are only written to files. */
const SWITCH = 'MCP_PREFLIGHT';

/** Asks each cluster, before anything is planned, whether it can be reached and has what the stack's features need. */
export async function assertCluster(config: ProgramConfig): Promise<void> {
  if (process.env[SWITCH] === 'off') return;
  const faults = (await Promise.all(config.stack.regions.map((region) => faultsOf(config, region)))).flat();
  if (faults.length > 0) throw new pulumi.RunError(faults.join('\n'));
}

async function faultsOf(config: ProgramConfig, region: Region): Promise<string[]> {
  const { features } = config.stack.kubernetes;
  let present: ReadonlySet<string>;
  try {
    present = await crdsOf(await kubeConfigOf(config, region));
  } catch (error) {
    return [
      `The cluster of region ${region.name} cannot be asked (context ${region.kube_context}): ${reasonOf(error)}. Check KUBECONFIG and the context, or set the config mcp:kubeconfig-${region.name}.`,
    ];
  }
  return Object.entries(NEEDS)
    .filter(([feature, { crd }]) => features[feature as Feature] && !present.has(crd))
    .map(
      ([feature, { crd, install }]) =>
        `The feature ${feature} is on in the stack ${config.stack.name}, but the cluster of region ${region.name} has no ${crd}. Install it (${install}), or turn the feature off in stacks/${config.stack.name}.ts.`,
    );
}

async function kubeConfigOf(config: ProgramConfig, region: Region): Promise<KubeConfig> {
  const loaded = new KubeConfig();
  const given = config.kubeconfigs[region.name];
  if (given !== undefined) {
    const text = await new Promise<string>((done) => given.apply(done));
    if (text.includes('\n')) loaded.loadFromString(text);
    else loaded.loadFromFile(text);
  } else {
    loaded.loadFromDefault();
    if (region.kube_context !== 'current') {
      if (!loaded.getContexts().some(({ name }) => name === region.kube_context))
        throw new Error(
          `there is no such context, only: ${loaded
            .getContexts()
            .map(({ name }) => name)
            .join(', ')}`,
        );
      loaded.setCurrentContext(region.kube_context);
    }
  }
  return loaded;
}

async function crdsOf(kubeConfig: KubeConfig): Promise<ReadonlySet<string>> {
  const api = kubeConfig.makeApiClient(ApiextensionsV1Api);
  const { items } = await api.listCustomResourceDefinition();
  return new Set(items.flatMap(({ metadata }) => (metadata?.name === undefined ? [] : [metadata.name])));
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0]?.slice(0, 200) ?? 'no reason given';
}
