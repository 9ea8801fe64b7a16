import { local } from './local.ts';
import { minilm, smollm2 } from './models.ts';
import { region } from './regions.ts';
import { defineStack } from './schema.ts';

/** Two regions in two namespaces of the current cluster: what `npm run test:cluster` deploys, in namespaces of its own. */
export const multiRegion = defineStack({
  ...local,
  name: 'multi-region',
  regions: [region('local-eu'), region('local-us')],
  models: [smollm2, minilm],
  kubernetes: {
    ...local.kubernetes,
    edge: { ...local.kubernetes.edge, host: 'multi-region.mcp.localhost' },
    // What is tried is told apart from what is not.
    canary: { ...local.kubernetes.canary, limits: { max_body_bytes: 1024 * 1024 } },
    dependencies: { nats: { replicas: 3, storage_gib: 2 } },
    request_percent: 10,
  },
});
