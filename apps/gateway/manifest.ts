import { defineManifest, LIVE_SUBJECTS, RIGHTS_SUBJECT, TRACE_STREAM, TRACE_SUBJECTS } from '@mcp/contracts';

export const manifest = defineManifest({
  name: 'gateway',
  summary: 'API gateway: authentication, admission, the public interface and the console.',
  port: 8000,
  entry: 'apps/gateway/src/main.ts',
  calls: ['core', 'model-gateway', 'task-engine', 'governance'],
  speaks_for: 'anyone',
  needs: ['nats', 'collector'],
  bus: {
    streams: { [TRACE_STREAM]: [TRACE_SUBJECTS] },
    buckets: ['mcp_keys'],
    shared: ['mcp_keys'],
    publishes: Object.values(LIVE_SUBJECTS),
    hears: [...Object.values(LIVE_SUBJECTS), RIGHTS_SUBJECT],
  },
  egress: ['identity-provider'],
  public: true,
  size: { cpu_request: '250m', cpu_limit: '1', memory_request: '192Mi', memory_limit: '512Mi' },
  scaling: { on: 'cpu', min: 2, max: 10, target_percent: 65 },
  slo: { p95_ms: 800, error_ratio: 0.02 },
  drain_s: 20,
});
