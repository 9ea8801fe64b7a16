/** What several stacks have in common; each names only what is different in it. */
import type { z } from 'zod';
import { minilm, qwenCoder, smollm2 } from './models.ts';
import type { Stack } from './schema.ts';

type Given = z.input<typeof Stack>;
type Kubernetes = NonNullable<Given['kubernetes']>;

export const allModels: Given['models'] = [smollm2, qwenCoder, minilm];

export const usualLimits: Given['limits'] = {
  max_tokens: 4096,
  max_body_bytes: 4 * 1024 * 1024,
  requests_per_minute: 600,
  max_parallel_requests: 64,
  queue_max_waiting: 64,
  request_timeout_ms: 600_000,
};

/** Images that the deploy workflow builds, pushes and signs. */
export const releasedImages: Kubernetes['images'] = {
  repository: 'ghcr.io/multi-component-platform/mcp',
  tag: '0.1.0',
  build: true,
  allowed_registries: [],
  signer: {
    issuer: 'https://token.actions.githubusercontent.com',
    subject_regexp:
      '^https://github\\.com/multi-component-platform/mcp/\\.github/workflows/deploy\\.yml@refs/heads/main$',
  },
};

/** Every addon that a cluster may have. */
export const allAddons: Kubernetes['features'] = {
  gateway_api: true,
  envoy_policies: true,
  keda: true,
  gatekeeper: true,
  flagger: true,
  service_monitor: true,
  image_signatures: true,
};
