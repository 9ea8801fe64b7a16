import { defineManifest, TRACE_SUBJECTS } from '@mcp/contracts';

export const manifest = defineManifest({
  name: 'core',
  summary: 'Conversations: the order of steps, the durable store and the provenance log.',
  port: 8100,
  entry: 'apps/core/src/main.ts',
  calls: ['model-gateway'],
  speaks_for: 'anyone',
  needs: ['nats', 'postgres', 'collector'],
  bus: {
    streams: { MCP_EVENTS: ['mcp.events.*.*'] },
    buckets: ['mcp_log_heads'],
    publishes: [TRACE_SUBJECTS, 'mcp.conversations.cancel'],
    hears: ['mcp.conversations.cancel'],
  },
  egress: ['log-archive'],
  volume: { size_gib: 10 },
  public: false,
  size: { cpu_request: '250m', cpu_limit: '1', memory_request: '192Mi', memory_limit: '512Mi' },
  scaling: { on: 'cpu', min: 2, max: 10, target_percent: 65 },
  slo: { p95_ms: 1200, error_ratio: 0.02 },
  drain_s: 30,
});
