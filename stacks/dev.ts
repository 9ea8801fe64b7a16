import { minilm, qwenCoder, smollm2 } from './models.ts';
import { region } from './regions.ts';
import { defineStack } from './schema.ts';

/** The shared development environment: one region, small limits. */
export const dev = defineStack({
  name: 'dev',
  regions: [region('dev')],
  services: [
    { service: 'gateway' },
    { service: 'core' },
    { service: 'model-gateway' },
    { service: 'task-engine' },
    { service: 'governance' },
  ],
  models: [smollm2, qwenCoder, minilm],
  limits: {
    max_tokens: 4096,
    max_body_bytes: 4 * 1024 * 1024,
    requests_per_minute: 600,
    max_parallel_requests: 64,
    queue_max_waiting: 64,
    queue_concurrency: 2,
    request_timeout_ms: 600_000,
  },
  features: {},
  nats: { port: 4222 },
  log_level: 'debug',
});
