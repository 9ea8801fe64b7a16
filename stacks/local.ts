import { allAddons, allModels, usualLimits } from './common.ts';
import { everyService } from './placement.ts';
import { region } from './regions.ts';
import { defineStack } from './schema.ts';

/** One machine: `npm start`, and a k3s, minikube or kind cluster. */
export const local = defineStack({
  name: 'local',
  regions: [region('local')],
  services: everyService({
    // A second copy on one machine shares the same cores: nothing is faster, and each takes its memory.
    'model-gateway': { autoscale: false },
  }),
  models: allModels,
  limits: { ...usualLimits, requests_per_minute: 6000, max_parallel_requests: 512 },
  features: {},
  log_level: 'info',
  kubernetes: {
    images: {
      repository: 'docker.io/mcp',
      tag: '0.1.0',
      build: false,
      allowed_registries: ['docker.io/mcp/', 'docker.io/library/'],
    },
    features: { ...allAddons, service_monitor: false, image_signatures: false },
    edge: { gateway_class: 'envoy', host: 'mcp.localhost', requests_per_second: 500 },
    canary: { enabled: true, weight: 10 },
    dependencies: { nats: { storage_gib: 2 } },
    database: 'embedded',
    egress: {},
    request_percent: 20,
  },
});
