import { defineManifest, JOB_QUEUE, RIGHTS_SUBJECT, TRACE_SUBJECTS } from '@mcp/contracts';

export const manifest = defineManifest({
  name: 'task-engine',
  summary: 'Jobs: a durable work queue for long tasks, with progress, retries and dead letters.',
  port: 8200,
  entry: 'apps/task-engine/src/main.ts',
  calls: ['core', 'model-gateway'],
  speaks_for: 'granted',
  needs: ['nats', 'collector'],
  bus: {
    streams: { [JOB_QUEUE.stream]: ['mcp.jobs.*.*'], MCP_JOBS_DEAD: ['mcp.dead-jobs.*.*'] },
    objects: ['mcp_job_results'],
    buckets: ['mcp_jobs'],
    publishes: [TRACE_SUBJECTS, RIGHTS_SUBJECT],
  },
  egress: [],
  public: false,
  size: { cpu_request: '100m', cpu_limit: '500m', memory_request: '128Mi', memory_limit: '384Mi' },
  scaling: {
    on: 'queue',
    min: 1,
    max: 20,
    target_messages: 20,
    ...JOB_QUEUE,
  },
  slo: { p95_ms: 2500, error_ratio: 0.02 },
  drain_s: 30,
});
