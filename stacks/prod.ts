import { minilm, qwenCoder, smollm2 } from './models.ts';
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
  models: [smollm2, qwenCoder, minilm],
  limits: {
    max_tokens: 4096,
    max_body_bytes: 4 * 1024 * 1024,
    requests_per_minute: 600,
    max_parallel_requests: 64,
    queue_max_waiting: 128,
    request_timeout_ms: 300_000,
  },
  features: {},
  log_level: 'info',
  kubernetes: {
    images: {
      repository: 'ghcr.io/multi-component-platform/mcp',
      tag: '0.1.0',
      build: true,
      platforms: ['linux/amd64', 'linux/arm64'],
      allowed_registries: [],
      signer: {
        issuer: 'https://token.actions.githubusercontent.com',
        subject_regexp:
          '^https://github\\.com/multi-component-platform/mcp/\\.github/workflows/deploy\\.yml@refs/heads/main$',
      },
    },
    features: {
      gateway_api: true,
      envoy_policies: true,
      keda: true,
      gatekeeper: true,
      flagger: true,
      service_monitor: true,
      image_signatures: true,
    },
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
