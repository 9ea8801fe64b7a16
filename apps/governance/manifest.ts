import { counter, defineManifest, gauge, JOB_QUEUE, TRACE_SUBJECTS, wholeText } from '@mcp/contracts';
import { provenanceMetrics } from '@mcp/provenance/manifest';
import { z } from 'zod';

/** The latest figure of each job, whichever pod gave it. */
function ofJob(metric: string): string {
  return `max by (job, exported_job) (max_over_time(${metric}{namespace="$namespace"}[26h]))`;
}

export const manifest = defineManifest({
  name: 'governance',
  summary:
    'Governance jobs on a schedule: the hourly check of every conversation log, the rotation of log keys, retention, the audit bundle, the energy of models; the figures of the event bus.',
  port: 8300,
  entry: 'apps/governance/src/main.ts',
  calls: ['core', 'task-engine', 'transparency-log'],
  speaks_for: 'itself',
  needs: ['nats', 'collector'],
  bus: {
    streams: {},
    buckets: ['mcp_model_energy'],
    publishes: [
      TRACE_SUBJECTS,
      // The figures of the bus: what there is and how large, never what is in it.
      '$JS.API.STREAM.LIST',
      `$JS.API.CONSUMER.INFO.${JOB_QUEUE.stream}.${JOB_QUEUE.consumer}`,
    ],
  },
  size: { cpu_request: '50m', cpu_limit: '250m', memory_request: '96Mi', memory_limit: '256Mi' },
  scaling: { on: 'fixed', replicas: 1 },
  slo: { p95_ms: 2500, error_ratio: 0.02 },
  drain_s: 10,
  settings: {
    MCP_LOG_CHECK_SCHEDULE: {
      schema: z.string().default('0 * * * *'),
      meaning: 'When all conversation logs are checked (cron, in UTC).',
      operator: true,
    },
    MCP_LOG_SAMPLES_PER_MINUTE: {
      schema: wholeText(0, 300).default(60),
      meaning: 'Conversation logs picked at random that are checked in a minute, all the time; 0: none.',
      operator: true,
    },
    MCP_KEY_ROTATION_SCHEDULE: {
      schema: z.string().default('0 4 * * *'),
      meaning:
        'When the key that logs are signed with is looked after (cron, in UTC): it is replaced once it is 30 days old.',
      operator: true,
    },
    MCP_RETENTION_SCHEDULE: {
      schema: z.string().default('0 2 * * *'),
      meaning: 'When conversations and jobs whose time is over are erased (cron, in UTC).',
      operator: true,
    },
    MCP_AUDIT_BUNDLE_SCHEDULE: {
      schema: z.string().default('0 5 * * *'),
      meaning: 'When the audit bundle is made (cron, in UTC): behind the other jobs, whose reports it has.',
      operator: true,
    },
    MCP_BUS_STORAGE_BYTES: {
      schema: z.coerce.number().int().positive().optional(),
      meaning:
        'What one server of the event bus may store; unset, the metric bus_storage_limit_bytes is left out.',
      from: 'at.nats_storage_bytes',
    },
  },
  metrics: {
    ...provenanceMetrics,
    governance_runs_total: counter('governance', ['job', 'status'], {
      help: 'Runs of governance jobs.',
      panels: [{ dashboard: 'operations', title: 'Governance runs', by: ['job', 'status'] }],
    }),
    governance_last_success_timestamp_seconds: gauge('governance', ['job'], {
      unit: 's',
      help: 'Unix time of the last run of a governance job that found nothing wrong.',
      panels: [{ dashboard: 'operations', title: 'Last success of governance', by: ['job'] }],
      alerts: [
        {
          name: 'McpGovernanceRunMissing',
          group: 'governance',
          severity: 'critical',
          // Either the last success is older than the schedule allows, or there is none although governance has been there for
          // longer. A new pod knows of no run before it, so the windows look back past restarts.
          // `exported_job`: where the scraper claims `job` for itself.
          expr: `(time() - ${ofJob('governance_last_success_timestamp_seconds')} > ${ofJob('governance_run_due_seconds')}) or ((${ofJob('governance_run_due_seconds')} < on () group_left () (time() - min(min_over_time(process_start_time_seconds{namespace="$namespace",service="governance"}[26h])))) unless on (job, exported_job) ${ofJob('governance_last_success_timestamp_seconds')})`,
          for: '15m',
          summary: 'A governance job has not succeeded for longer than its schedule allows in $region.',
          description:
            'The label job names it, or exported_job. GET /admin/governance shows the last run of each job and its findings; the log of governance says more.',
        },
      ],
    }),
    governance_run_due_seconds: gauge('governance', ['job'], {
      unit: 's',
      help: 'Time within which a governance job has to succeed again: the longest pause of its schedule, and the hour that a run may take.',
      panels: [{ dashboard: 'operations', title: 'Governance runs are due within', by: ['job'] }],
    }),
    audit_bundles_total: counter('governance', [], {
      help: 'Audit bundles that were made and kept.',
      panels: [{ dashboard: 'operations', title: 'Audit bundles', by: [] }],
    }),
    audit_bundle_bytes: gauge('governance', [], {
      unit: 'bytes',
      help: 'Size of the last audit bundle.',
      panels: [{ dashboard: 'operations', title: 'Size of audit bundles', by: [] }],
    }),
    bus_up: gauge('event_bus', [], {
      help: 'Whether the event bus gave its figures when last asked: 1 or 0; after 0 the other bus metrics are left out.',
      panels: [{ dashboard: 'bus', title: 'Figures are there', by: [] }],
      alerts: [
        {
          name: 'McpBusFiguresMissing',
          group: 'event-bus',
          severity: 'warning',
          expr: 'max(bus_up{namespace="$namespace"}) < 1 or absent(bus_up{namespace="$namespace"})',
          for: '10m',
          summary: 'There are no figures of the event bus of $region.',
          description:
            'Either the bus does not answer governance, or nobody has the metrics of governance: whether the bus is full is not known. See docs/runbooks/event-bus.md.',
        },
      ],
    }),
    bus_storage_used_bytes: gauge('event_bus', ['server'], {
      unit: 'bytes',
      help: 'Bytes of all streams that a server of the event bus keeps a copy of.',
      panels: [{ dashboard: 'bus', title: 'Storage used', by: ['server'] }],
      alerts: [
        {
          name: 'McpBusStorageHigh',
          group: 'event-bus',
          severity: 'critical',
          expr: 'max by (server) (bus_storage_used_bytes{namespace="$namespace"}) / max by (server) (bus_storage_limit_bytes{namespace="$namespace"}) > 0.8',
          for: '5m',
          summary: 'The event bus of $region runs out of storage.',
          description:
            '{{ $labels.server }} has used {{ $value | humanizePercentage }} of what it may store. See docs/runbooks/event-bus.md.',
        },
      ],
    }),
    bus_storage_reserved_bytes: gauge('event_bus', ['server'], {
      unit: 'bytes',
      help: 'Sizes (max_bytes) of all streams that a server of the event bus keeps a copy of.',
      panels: [{ dashboard: 'bus', title: 'Storage reserved', by: ['server'] }],
    }),
    bus_storage_limit_bytes: gauge('event_bus', ['server'], {
      unit: 'bytes',
      help: 'What a server of the event bus may store (max_file_store).',
      panels: [{ dashboard: 'bus', title: 'Storage there is', by: ['server'] }],
    }),
    bus_stream_bytes: gauge('event_bus', ['stream'], {
      unit: 'bytes',
      help: 'Bytes in a stream, bucket or object store of the event bus, one copy of it.',
      panels: [{ dashboard: 'bus', title: 'Bytes of streams', by: ['stream'] }],
      alerts: [
        {
          name: 'McpBusStreamFull',
          group: 'event-bus',
          severity: 'critical',
          // Those that drop the oldest make room by themselves, and are full most of the time.
          expr: 'max by (stream) (bus_stream_bytes{namespace="$namespace"}) / max by (stream) (bus_stream_limit_bytes{namespace="$namespace",discard="new"}) > 0.9',
          for: '5m',
          summary: '{{ $labels.stream }} on the event bus of $region is nearly full.',
          description:
            'It has {{ $value | humanizePercentage }} of its size; when full, it refuses writes. See docs/runbooks/event-bus.md.',
        },
      ],
    }),
    bus_stream_limit_bytes: gauge('event_bus', ['stream', 'discard'], {
      unit: 'bytes',
      help: 'Size (max_bytes) of a stream, bucket or object store; when full, discard new refuses writes and old drops the oldest.',
      panels: [{ dashboard: 'bus', title: 'Sizes of streams', by: ['stream', 'discard'] }],
    }),
    bus_stream_messages: gauge('event_bus', ['stream'], {
      help: 'Messages in a stream, bucket (KV_) or object store (OBJ_) of the event bus; other: what is not of the platform.',
      panels: [{ dashboard: 'bus', title: 'Messages in streams', by: ['stream'] }],
    }),
    bus_consumer_pending: gauge('event_bus', ['stream', 'consumer'], {
      help: 'Messages that a durable consumer has not been given yet.',
      panels: [{ dashboard: 'bus', title: 'Not yet delivered', by: ['stream', 'consumer'] }],
    }),
    bus_consumer_ack_pending: gauge('event_bus', ['stream', 'consumer'], {
      help: 'Messages that a durable consumer was given and has not acknowledged.',
      panels: [{ dashboard: 'bus', title: 'Delivered, not acknowledged', by: ['stream', 'consumer'] }],
    }),
  },
});
