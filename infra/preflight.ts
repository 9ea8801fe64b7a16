import { STATUS_CODES } from 'node:http';
import {
  ApiException,
  ApisApi,
  CustomObjectsApi,
  KubeConfig,
  Observable,
  type RequestContext,
  type ResponseContext,
} from '@kubernetes/client-node';
import { ADDONS, installCommand, type Region } from '@mcp/stacks';
import type { ProgramConfig } from './config.ts';
import { fault } from './kit/fault.ts';

/** `off`: no cluster is asked, as when the objects are only written to files. */
const SWITCH = 'MCP_PREFLIGHT';
/** A cluster that says nothing for so long is not there. */
const TIMEOUT_MS = 15_000;

/** Asks each cluster, before anything is planned, whether it can be reached and has what the stack's features need. */
export async function assertCluster(config: ProgramConfig, timeout_ms = TIMEOUT_MS): Promise<void> {
  if (process.env[SWITCH] === 'off') return;
  const faults = (
    await Promise.all(config.stack.regions.map((region) => faultsOf(config, region, timeout_ms)))
  ).flat();
  if (faults.length > 0) throw fault(faults);
}

async function faultsOf(config: ProgramConfig, region: Region, timeout_ms: number): Promise<string[]> {
  const { features } = config.stack.kubernetes;
  const needed = Object.entries(ADDONS).filter(([feature]) => features[feature as keyof typeof ADDONS]);
  let served: (crd: string) => boolean;
  try {
    served = await servedBy(
      await kubeConfigOf(config, region),
      needed.map(([, { crd }]) => crd),
      timeout_ms,
    );
  } catch (error) {
    return [
      `The cluster of region ${region.name} cannot be asked (context ${region.kube_context}): ${reasonOf(error)}. Check KUBECONFIG and the context, or set the config mcp:kubeconfig-${region.name}.`,
    ];
  }
  return needed
    .filter(([, { crd }]) => !served(crd))
    .map(
      ([feature, addon]) =>
        `The feature ${feature} is on in the stack ${config.stack.name}, but the cluster of region ${region.name} has no ${addon.crd}. Install it (${installCommand(addon)}), or turn the feature off in stacks/${config.stack.name}.ts.`,
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

/**
 * Which of these resources (`<plural>.<group>`) a cluster serves. Asked by discovery, which is open to whoever may log in:
 * the role `deploy` lists no CustomResourceDefinitions.
 */
async function servedBy(
  kubeConfig: KubeConfig,
  crds: readonly string[],
  timeout_ms: number,
): Promise<(crd: string) => boolean> {
  if (kubeConfig.getCurrentCluster() === null) throw new Error('it names no cluster');
  const options = {
    middleware: [
      {
        pre(request: RequestContext) {
          request.setSignal(AbortSignal.timeout(timeout_ms));
          return new Observable(Promise.resolve(request));
        },
        post: (response: ResponseContext) => new Observable(Promise.resolve(response)),
      },
    ],
    middlewareMergeStrategy: 'append' as const,
  };
  const { groups } = await kubeConfig.makeApiClient(ApisApi).getAPIVersions({}, options);
  const wanted = new Set(crds.map((crd) => crd.slice(crd.indexOf('.') + 1)));
  const api = kubeConfig.makeApiClient(CustomObjectsApi);
  const served = groups
    .filter(({ name }) => wanted.has(name))
    .flatMap(({ name, versions }) => versions.map(({ version }) => ({ group: name, version })))
    .map(async (at) => {
      const { resources } = await api.getAPIResources(at, options);
      return resources.map(({ name }) => `${name}.${at.group}`);
    });
  const names = new Set((await Promise.all(served)).flat());
  return (crd) => names.has(crd);
}

function reasonOf(error: unknown): string {
  if (error instanceof ApiException)
    return `it answers ${error.code} ${STATUS_CODES[error.code] ?? ''} to the question which kinds it serves`;
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'it did not answer in time';
  // What fetch throws says only that it failed; the reason is underneath.
  const cause = error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
  const text = cause instanceof Error ? cause.message || cause.name : String(cause);
  return text.split('\n')[0]?.slice(0, 200) ?? 'no reason given';
}
