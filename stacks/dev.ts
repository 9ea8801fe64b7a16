import { allAddons, allModels, releasedImages, usualLimits } from './common.ts';
import { everyService } from './placement.ts';
import { region } from './regions.ts';
import { defineStack } from './schema.ts';

/** The shared development environment: one region, small limits. */
export const dev = defineStack({
  name: 'dev',
  regions: [region('dev')],
  services: everyService(),
  models: allModels,
  limits: usualLimits,
  features: {},
  log_level: 'debug',
  kubernetes: {
    images: releasedImages,
    features: { ...allAddons, image_signatures: false },
    edge: {
      gateway_class: 'envoy',
      host: 'mcp-dev.example.com',
      tls_secret: 'mcp-edge-tls',
      requests_per_second: 100,
    },
    canary: { enabled: true, weight: 0 },
    dependencies: { nats: { storage_gib: 10 }, collector: {} },
    database: 'external',
    // The private network in which PostgreSQL is; narrow it to the subnet of yours.
    egress: { database: [{ cidr: '10.0.0.0/8', port: 5432 }] },
  },
});
