import type { Region } from '@mcp/stacks';
import { Provider } from '@pulumi/kubernetes';
import type { ProgramConfig } from '../config.ts';

/** The context of whoever runs the program. */
const CURRENT = 'current';
const providers = new Map<string, Provider>();

/** One provider per region: its own kubeconfig where one is configured, else its context of the current one. */
export function providerOf(config: ProgramConfig, region: Region | undefined): Provider {
  if (region === undefined) throw new Error('A stack has at least one region.');
  const known = providers.get(region.name);
  if (known !== undefined) return known;
  const kubeconfig = config.kubeconfigs[region.name];
  const provider = new Provider(region.name, {
    enableServerSideApply: true,
    // Changed in place: else they are deleted and made anew, and what starts in between, or fails, has none.
    enableConfigMapMutable: true,
    enableSecretMutable: true,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(region.kube_context === CURRENT || kubeconfig !== undefined ? {} : { context: region.kube_context }),
  });
  providers.set(region.name, provider);
  return provider;
}
