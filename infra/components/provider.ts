import type { Region } from '@mcp/stacks';
import { Provider } from '@pulumi/kubernetes';
import type { ProgramConfig } from '../config.ts';

/** The context of whoever runs the program. */
const CURRENT = 'current';

/**
 * A provider for regions of one cluster: with the kubeconfig that is configured for one of them, else with their context
 * of the current one.
 */
export function providerOf(
  config: ProgramConfig,
  { name, of }: { name: string; of: readonly Region[] },
): Provider {
  const [region] = of;
  if (region === undefined) throw new Error(`The provider ${name} is of no region.`);
  const kubeconfig = of.map((one) => config.kubeconfigs[one.name]).find((one) => one !== undefined);
  return new Provider(name, {
    enableServerSideApply: true,
    // Changed in place: else they are deleted and made anew, and what starts in between, or fails, has none.
    enableConfigMapMutable: true,
    enableSecretMutable: true,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(region.kube_context === CURRENT || kubeconfig !== undefined ? {} : { context: region.kube_context }),
  });
}
