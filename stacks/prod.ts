import { allAddons, allModels, releasedImages, usualLimits } from './common.ts';
import { everyService } from './placement.ts';
import { region } from './regions.ts';
import { defineStack } from './schema.ts';

/** Production: two regions with different residency, each the other's fail-over. */
export const prod = defineStack({
  name: 'prod',
  regions: [region('eu-central'), region('us-east')],
  services: everyService({
    gateway: { replicas: 3 },
    core: { replicas: 3 },
    'model-gateway': { replicas: 2 },
  }),
  models: allModels,
  limits: { ...usualLimits, queue_max_waiting: 128, request_timeout_ms: 300_000 },
  features: {},
  log_level: 'info',
  kubernetes: {
    images: { ...releasedImages, platforms: ['linux/amd64', 'linux/arm64'] },
    features: allAddons,
    edge: {
      gateway_class: 'envoy',
      host: 'mcp.example.com',
      tls_secret: 'mcp-edge-tls',
      requests_per_second: 1000,
    },
    canary: { enabled: true, weight: 5 },
    dependencies: { nats: { replicas: 3, storage_gib: 50 }, collector: {} },
    database: 'external',
    // The private network in which PostgreSQL is; narrow it to the subnet of yours.
    egress: { database: [{ cidr: '10.0.0.0/8', port: 5432 }] },
  },
});
