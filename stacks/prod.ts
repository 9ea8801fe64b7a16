import { minilm, qwenCoder, smollm2 } from './models.ts';
import { region } from './regions.ts';
import { defineStack } from './schema.ts';

/** Production: two regions with different residency, each the other's fail-over. */
export const prod = defineStack({
  name: 'prod',
  regions: [region('eu-central'), region('us-east')],
  services: [
    { service: 'gateway', replicas: 3 },
    { service: 'core', replicas: 3 },
    { service: 'model-gateway', replicas: 2 },
    { service: 'task-engine' },
    { service: 'governance' },
  ],
  models: [smollm2, qwenCoder, minilm],
  limits: {
    max_tokens: 4096,
    max_body_bytes: 4 * 1024 * 1024,
    requests_per_minute: 600,
    max_parallel_requests: 64,
    queue_max_waiting: 128,
    queue_concurrency: 4,
    request_timeout_ms: 300_000,
  },
  features: {},
  nats: { port: 4222 },
  log_level: 'info',
});
