import { defineManifest, JOB_QUEUE, TRACE_SUBJECTS } from '@mcp/contracts';

export const manifest = defineManifest({
  name: 'governance',
  summary:
    'Governance jobs on a schedule: the daily check of every conversation log; the figures of the event bus.',
  port: 8300,
  entry: 'apps/governance/src/main.ts',
  calls: ['core'],
  speaks_for: 'itself',
  needs: ['nats', 'collector'],
  bus: {
    streams: {},
    buckets: [],
    publishes: [
      TRACE_SUBJECTS,
      // The figures of the bus: what there is and how large, never what is in it.
      '$JS.API.STREAM.LIST',
      `$JS.API.CONSUMER.INFO.${JOB_QUEUE.stream}.${JOB_QUEUE.consumer}`,
    ],
  },
  egress: [],
  public: false,
  size: { cpu_request: '50m', cpu_limit: '250m', memory_request: '96Mi', memory_limit: '256Mi' },
  scaling: { on: 'fixed', replicas: 1 },
  slo: { p95_ms: 2500, error_ratio: 0.02 },
  drain_s: 10,
});
