import { defineManifest, LIVE_SUBJECTS, TRACE_SUBJECTS } from '@mcp/contracts';
import { BackendList, BackendName, backendSettings } from '@mcp/model-backends/registry';
import { residencySettings, servingMetrics, servingSettings } from '@mcp/model-serving/manifest';

export const manifest = defineManifest({
  name: 'model-gateway',
  summary: 'Models: backends, queues with classes, token counting, embeddings.',
  port: 9000,
  entry: 'apps/model-gateway/src/main.ts',
  calls: [],
  speaks_for: 'itself',
  needs: ['nats', 'collector'],
  bus: { streams: {}, buckets: ['mcp_model_energy'], publishes: [TRACE_SUBJECTS, LIVE_SUBJECTS.queues] },
  egress: ['model-backends'],
  weights: true,
  size: { cpu_request: '1', cpu_limit: '2', memory_request: '2Gi', memory_limit: '4Gi' },
  scaling: { on: 'cpu', min: 1, max: 6, target_percent: 75 },
  slo: { p95_ms: 1200, error_ratio: 0.02 },
  drain_s: 30,
  settings: {
    MODEL_BACKENDS: {
      schema: BackendList,
      meaning: `Backends in use, comma-separated: ${BackendName.options.join(', ')}.`,
      from: 'derived.backends',
      operator: true,
    },
    ...backendSettings(BackendName.options),
    ...servingSettings,
    ...residencySettings,
  },
  metrics: servingMetrics,
});
