import {
  counter,
  defineManifest,
  gauge,
  histogram,
  JOB_QUEUE,
  jsonText,
  OffPeak,
  RIGHTS_SUBJECT,
  TRACE_SUBJECTS,
  wholeText,
} from '@mcp/contracts';
import { z } from 'zod';

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
  egress: ['power-signal'],
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
  settings: {
    MCP_JOB_MAX_ATTEMPTS: {
      schema: wholeText(1, 100).default(5),
      meaning: 'Attempts before a job is a dead letter.',
      operator: true,
    },
    MCP_JOB_ACK_WAIT_MS: {
      schema: wholeText(500, 3_600_000).default(10_000),
      meaning: 'How long a job may go without a sign of life before it is given to another worker.',
      operator: true,
    },
    MCP_JOB_CONCURRENCY: {
      schema: wholeText(1, 256).default(4),
      meaning: 'Jobs worked on at once.',
      operator: true,
    },
    MCP_OFF_PEAK: {
      schema: jsonText(
        OffPeak,
        'must be JSON such as {"tariff":[0.1,…24 prices],"max_price":0.15,"signal":{"url":"https://…","max":150},"kinds":["embed-batch"],"latest_s":86400}',
      ).optional(),
      meaning:
        'Prices of electricity by hour (UTC), or a server that tells the carbon or price of now, as JSON, and which jobs wait for cheap electricity; unset, none does.',
      from: 'derived.off_peak',
      operator: true,
    },
    MCP_JOB_RESULTS_BYTES: {
      schema: z.coerce
        .number()
        .int()
        .min(1_000_000)
        .default(512 * 1024 * 1024),
      meaning:
        'Size of the store for results of jobs on the event bus; a result that has no room fails its job.',
      operator: true,
    },
    MCP_JOB_SWEEP_MS: {
      schema: wholeText(100, 3_600_000).default(30_000),
      meaning: 'How often jobs that are in no queue are looked for and queued again.',
      operator: true,
    },
  },
  metrics: {
    job_queue_depth: gauge('queue_depth', ['phase'], {
      help: 'Jobs; phase is pending (not yet delivered), in_flight or dead.',
      panels: [{ dashboard: 'operations', title: 'Jobs waiting, in flight, dead', by: ['phase'] }],
    }),
    jobs_total: counter('queue_depth', ['kind', 'status'], {
      help: 'Jobs that came to an end, or were tried again.',
      panels: [{ dashboard: 'operations', title: 'Jobs ended', by: ['kind', 'status'] }],
    }),
    retention_jobs_total: counter('governance', ['status'], {
      help: 'Jobs that retention, or the erasure of their owner, erased with their results (erased), and kept ones that were stored again so that they do not leave the event bus by age (renewed).',
      panels: [{ dashboard: 'operations', title: 'Jobs erased and renewed', by: ['status'] }],
    }),
    job_power_signal: gauge('queue_depth', [], {
      help: 'What the power signal of off_peak said last, in its own unit; left out where there is none, or it is not known.',
      panels: [{ dashboard: 'operations', title: 'Power signal', by: [] }],
    }),
    job_duration_seconds: histogram('latency_histogram', ['kind', 'status'], {
      help: 'Time of one attempt at a job.',
      panels: [{ dashboard: 'operations', title: 'Time of a job, p95', by: ['kind'] }],
    }),
  },
});
