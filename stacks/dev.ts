import { minilm, qwenCoder, smollm2 } from './models.ts';
import { everyService } from './placement.ts';
import { region } from './regions.ts';
import { defineStack } from './schema.ts';

/** The shared development environment: one region, small limits. */
export const dev = defineStack({
  name: 'dev',
  regions: [region('dev')],
  services: everyService(),
  models: [smollm2, qwenCoder, minilm],
  limits: {
    max_tokens: 4096,
    max_body_bytes: 4 * 1024 * 1024,
    requests_per_minute: 600,
    max_parallel_requests: 64,
    queue_max_waiting: 64,
    request_timeout_ms: 600_000,
  },
  features: {},
  log_level: 'debug',
  kubernetes: {
    images: {
      repository: 'ghcr.io/multi-component-platform/mcp',
      tag: '0.1.0',
      build: true,
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
      image_signatures: false,
    },
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
