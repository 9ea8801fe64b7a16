import { minilm, qwenCoder, smollm2 } from './models.ts';
import { region } from './regions.ts';
import { defineStack } from './schema.ts';

/** One machine: `npm start`, and a k3s, minikube or kind cluster. */
export const local = defineStack({
  name: 'local',
  regions: [region('local')],
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
    requests_per_minute: 6000,
    max_parallel_requests: 512,
    queue_max_waiting: 64,
    queue_concurrency: 2,
    request_timeout_ms: 600_000,
  },
  features: {},
  nats: { port: 4222 },
  log_level: 'info',
});
