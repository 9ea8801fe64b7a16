import type { Stack } from '@mcp/stacks';

const FREE = {
  cost_input_per_mtok_usd: 0,
  cost_output_per_mtok_usd: 0,
  max_context: 8192,
  background: false,
};

const namespaceOf = (region: string) => `mcp-prod-${region}`;

/**
 * The stack prod in one cluster: each region in a namespace of its own, models that answer by script, images of the
 * node, little requested, short analyses. What the cluster of the tests lacks is off: signatures, the Prometheus
 * Operator and the collector. Everything else is prod's.
 */
export function trialOf(prod: Stack, images: Stack['kubernetes']['images']): Stack {
  const { kubernetes } = prod;
  const off = { image_signatures: false, service_monitor: false };
  const { collector: _, ...dependencies } = kubernetes.dependencies;
  return {
    ...prod,
    regions: prod.regions.map((region) => ({
      ...region,
      kube_context: 'current',
      namespace: namespaceOf(region.name),
    })),
    // So little is requested that every small load would add pods until the node is full.
    services: prod.services.map((placement) => ({ ...placement, autoscale: false })),
    models: [
      { id: 'scripted/alpha', kind: 'chat', backend: 'scripted', ...FREE },
      { id: 'scripted/beta', kind: 'chat', backend: 'scripted', ...FREE },
      { id: 'scripted/embed', kind: 'embedding', backend: 'scripted', ...FREE },
    ],
    kubernetes: {
      ...kubernetes,
      images,
      features: { ...kubernetes.features, ...off },
      dependencies,
      promotion: { interval_s: 5, iterations: 3, threshold: 3 },
      request_percent: 5,
    },
  };
}
