import * as pulumi from '@pulumi/pulumi';
import { collectorWarning } from './charts/dependency/collector.ts';
import { platformSecrets } from './charts/namespace/secrets.ts';
import { clusterName, PlatformCluster } from './components/cluster.ts';
import { PlatformImages } from './components/images.ts';
import { providerOf } from './components/provider.ts';
import { PlatformRegion } from './components/region.ts';
import { readConfig } from './config.ts';
import { assertCluster } from './preflight.ts';

const config = readConfig();
const { stack } = config;
await assertCluster(config);
const warning = collectorWarning(stack);
if (warning !== undefined) await pulumi.log.warn(warning);

const platform_images = new PlatformImages('images', { stack });
const secrets = platformSecrets(config);

// Regions that share a cluster share its admission policies.
const contexts = [...new Set(stack.regions.map(({ kube_context }) => kube_context))];
const clusters = new Map(
  contexts.map((context) => {
    const regions = stack.regions.filter(({ kube_context }) => kube_context === context);
    const provider = providerOf(config, { name: clusterName(context), of: regions });
    return [context, new PlatformCluster(clusterName(context), { stack, regions }, { provider })];
  }),
);

const regions = stack.regions.map((region) => {
  const cluster = clusters.get(region.kube_context);
  return new PlatformRegion(
    region.name,
    { stack, region, images: platform_images, secrets },
    {
      provider: providerOf(config, { name: region.name, of: [region] }),
      ...(cluster === undefined ? {} : { dependsOn: [cluster] }),
    },
  );
});
const by_region = <T>(pick: (region: PlatformRegion) => T) =>
  Object.fromEntries(stack.regions.map(({ name }, at) => [name, pick(regions[at] as PlatformRegion)]));

/** Base URL for OpenAI clients, of the region that is preferred. */
export const gateway_url = regions[0]?.endpoints.gateway;
export const console_url = regions[0]?.endpoints.console;
/** Gateway, console and event bus of every region. */
export const endpoints = by_region((region) => region.endpoints);
/** References of all images: digests where the stack builds. */
export const images = platform_images.references;
/** Commands that show the first admin key; the key is in no output. */
export const admin_key_command = by_region((region) => region.admin_key_command);
