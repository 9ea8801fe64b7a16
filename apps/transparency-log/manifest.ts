import { anchorSettings } from '@mcp/anchors/manifest';
import {
  counter,
  defineManifest,
  gauge,
  histogram,
  jsonText,
  TRACE_SUBJECTS,
  wholeText,
} from '@mcp/contracts';
import { z } from 'zod';

/** Entries on their way to the copies in other regions, in order: it is there where a peer keeps one. */
export const ENTRIES_STREAM = 'MCP_LOG_ENTRIES';
export const ENTRIES_SUBJECT = 'mcp.log.entries';

const LogPeer = z.strictObject({
  origin: z.string().min(1).max(200),
  /** Prefix of its witness. */
  url: z.url(),
  /** Its JetStream domain. */
  region: z.string().min(1).max(100).optional(),
  /** True: it keeps a copy of this log. */
  keeps_ours: z.boolean().default(false),
  /** True: a copy of its log is kept here. */
  kept_here: z.boolean().default(false),
});
export type LogPeer = z.infer<typeof LogPeer>;

export const manifest = defineManifest({
  name: 'transparency-log',
  summary:
    'The transparency log of the region: entries that nobody can change unseen, with proofs for outsiders.',
  port: 8400,
  entry: 'apps/transparency-log/src/main.ts',
  calls: [],
  speaks_for: 'itself',
  needs: ['nats', 'collector'],
  bus: {
    streams: { [ENTRIES_STREAM]: [ENTRIES_SUBJECT] },
    buckets: ['mcp_log_checkpoints'],
    shared_streams: [ENTRIES_STREAM],
    publishes: [TRACE_SUBJECTS],
  },
  egress: ['witnesses', 'anchors'],
  volume: { size_gib: 20, where: 'always' },
  size: { cpu_request: '100m', cpu_limit: '1', memory_request: '128Mi', memory_limit: '384Mi' },
  scaling: { on: 'fixed', replicas: 1 },
  slo: { p95_ms: 250, error_ratio: 0.02 },
  drain_s: 10,
  settings: {
    ...anchorSettings,
    MCP_LOG_ORIGIN: {
      schema: z
        .string()
        .max(200)
        .regex(
          /^[^\s+]+$/,
          'must be a name without white space and plus signs, such as mcp.example.com/eu-central',
        )
        .default('mcp.localhost/local'),
      meaning:
        'Name of the transparency log, the first line of its checkpoints; each log has its own, for ever.',
      from: 'derived.log_origin',
      operator: true,
    },
    MCP_LOG_SELF_CHECK_MS: {
      schema: wholeText(0, 86_400_000).default(3_600_000),
      meaning: 'How often the transparency log reads all of its files over; 0: never.',
      operator: true,
    },
    MCP_LOG_PEERS: {
      schema: jsonText(z.array(LogPeer).max(20)).prefault('[]'),
      meaning:
        'Logs of linked regions and where their witnesses answer, as JSON: each has its checkpoints cosigned by the others, and says where copies of entries go.',
      from: 'derived.log_peers',
      operator: true,
    },
    MCP_LOG_WITNESSES: {
      schema: jsonText(
        z.array(z.strictObject({ url: z.url(), key: z.string().min(1).max(1000) })).max(20),
      ).prefault('[]'),
      meaning:
        'Witnesses outside the platform that cosign checkpoints, as JSON: the prefix of their URL and their verifier key.',
      from: 'derived.log_witnesses',
      operator: true,
    },
    MCP_LOG_WITNESSED: {
      schema: jsonText(z.array(z.string().min(1).max(1000)).max(100)).prefault('[]'),
      meaning: 'Verifier keys of logs outside the platform whose checkpoints are cosigned here, as JSON.',
      from: 'derived.log_witnessed',
      operator: true,
    },
    MCP_LOG_COPY_STREAM_BYTES: {
      schema: wholeText(1_200_000, 4 * 1024 ** 3).default(64 * 1024 * 1024),
      meaning:
        'What the streams may hold by which entries come to copies in other regions, each: those that a copy does not have yet, and some that it has.',
      operator: true,
    },
    MCP_LOG_SIGNING_SECRET: {
      schema: z.string().min(32),
      meaning: 'What the Ed25519 key is made from that signs checkpoints of the transparency log.',
      secret: {
        object: 'mcp-transparency-log',
        key: 'signing_secret',
        made: { by: 'random', name: 'transparency-log', given: 'may' },
      },
    },
  },
  metrics: {
    transparency_log_entries: gauge('governance', [], {
      help: 'Entries of the transparency log that are on its disk.',
      panels: [{ dashboard: 'operations', title: 'Entries of the transparency log', by: [] }],
    }),
    transparency_log_entries_total: counter('governance', ['status'], {
      help: 'Entries that the transparency log was given; status is durable, overloaded or unavailable.',
      panels: [{ dashboard: 'operations', title: 'Entries for the transparency log', by: ['status'] }],
      alerts: [
        {
          name: 'McpTransparencyLogRefuses',
          group: 'governance',
          severity: 'critical',
          expr: 'sum(increase(transparency_log_entries_total{namespace="$namespace",status="unavailable"}[5m])) > 0',
          for: '5m',
          summary: 'The transparency log of $region takes no entries.',
          description:
            'Its disk fails or is full, or the log is read-only: the log of the service says which. See docs/runbooks/transparency-log.md.',
        },
      ],
    }),
    transparency_log_append_duration_seconds: histogram('governance', [], {
      help: 'Time until entries were durable, of one call.',
      panels: [{ dashboard: 'operations', title: 'Time to durable entries, p95', by: [] }],
    }),
    transparency_log_checkpoint_duration_seconds: histogram('governance', [], {
      help: 'Time from durable entries to the signed checkpoint over them.',
      panels: [{ dashboard: 'operations', title: 'Time to a signed checkpoint, p95', by: [] }],
    }),
    transparency_log_checks_total: counter('governance', ['status'], {
      help: 'Times that the transparency log read its files over; status is ok, broken or failed.',
      panels: [{ dashboard: 'operations', title: 'Checks of the transparency log', by: ['status'] }],
    }),
    transparency_log_witness_requests_total: counter('governance', ['status'], {
      help: 'Checkpoints that witnesses were asked to cosign; status is cosigned, refused or unreachable.',
      panels: [{ dashboard: 'operations', title: 'Cosignatures of witnesses', by: ['status'] }],
    }),
    transparency_log_witness_answers_total: counter('governance', ['status'], {
      help: 'Checkpoints of other logs that this one was asked to cosign; status is that of HTTP.',
      panels: [{ dashboard: 'operations', title: 'Asked as a witness', by: ['status'] }],
    }),
    transparency_log_witnessed_two_histories: gauge('governance', [], {
      help: '1 once a log that is witnessed here has signed two trees of one size.',
      panels: [{ dashboard: 'operations', title: 'Witnessed log has two histories', by: [] }],
      alerts: [
        {
          name: 'McpWitnessSawTwoHistories',
          group: 'governance',
          severity: 'critical',
          expr: 'max(transparency_log_witnessed_two_histories{namespace="$namespace"}) > 0',
          for: '0m',
          summary: 'A log that is witnessed in $region has signed two histories.',
          description:
            'It was rewritten and signed by its own key: the log of the service has what was submitted. See docs/runbooks/transparency-log.md.',
        },
      ],
    }),
    transparency_log_not_witnessed_seconds: gauge('governance', [], {
      help: 'Since when there are entries that no witness has seen; 0 where there are none, or no witness is asked.',
      panels: [{ dashboard: 'operations', title: 'Entries that no witness has seen', by: [] }],
      alerts: [
        {
          name: 'McpTransparencyLogNotWitnessed',
          group: 'governance',
          severity: 'warning',
          expr: 'max(transparency_log_not_witnessed_seconds{namespace="$namespace"}) > 900',
          for: '5m',
          summary: 'No witness has cosigned the transparency log of $region for a quarter of an hour.',
          description:
            'The log goes on; what it has since is proven without a witness. See whether the other region can be reached. See docs/runbooks/transparency-log.md.',
        },
      ],
    }),
    transparency_log_anchor_requests_total: counter('governance', ['anchor', 'status'], {
      help: 'Checkpoints that anchors were given to keep; status is kept or failed.',
      panels: [{ dashboard: 'operations', title: 'Checkpoints anchored', by: ['anchor', 'status'] }],
    }),
    transparency_log_anchor_checks_total: counter('governance', ['anchor', 'status'], {
      help: 'Times that the transparency log was compared with an anchor; status is ok, contradicted, foreign (there is something that the log has not signed), missing (what was anchored is gone) or failed.',
      panels: [{ dashboard: 'operations', title: 'Compared with anchors', by: ['anchor', 'status'] }],
      alerts: [
        {
          name: 'McpAnchoredCheckpointMissing',
          group: 'governance',
          severity: 'critical',
          expr: 'sum by (anchor) (increase(transparency_log_anchor_checks_total{namespace="$namespace",status=~"missing|foreign"}[2h])) > 0',
          for: '0m',
          summary: 'The anchor {{ $labels.anchor }} of the transparency log of $region was changed.',
          description:
            'A checkpoint that was anchored there is gone, or something stands there that the log has not signed. See docs/runbooks/transparency-log.md.',
        },
      ],
    }),
    transparency_log_not_anchored_seconds: gauge('governance', ['anchor'], {
      help: 'Since when a checkpoint is to be at an anchor and is not; 0 where it is, or is not due yet.',
      panels: [{ dashboard: 'operations', title: 'Anchor is overdue', by: ['anchor'] }],
      alerts: [
        {
          name: 'McpTransparencyLogNotAnchored',
          group: 'governance',
          severity: 'warning',
          expr: 'max by (anchor) (transparency_log_not_anchored_seconds{namespace="$namespace"}) > 900',
          for: '5m',
          summary:
            'The transparency log of $region has not been anchored at {{ $labels.anchor }} for a quarter of an hour.',
          description:
            'The log goes on; what it has since is not protected by that anchor. The log of the service says why. See docs/runbooks/transparency-log.md.',
        },
      ],
    }),
    transparency_log_copy_lag_entries: gauge('governance', ['peer'], {
      help: 'Entries of the log that the copy in another region does not have yet.',
      panels: [{ dashboard: 'operations', title: 'Entries that a copy lacks', by: ['peer'] }],
    }),
    transparency_log_not_copied_seconds: gauge('governance', ['peer'], {
      help: 'For how long a copy in another region has lacked entries that it was to have; 0 where it lacks none.',
      panels: [{ dashboard: 'operations', title: 'Time that a copy is behind', by: ['peer'] }],
      alerts: [
        {
          name: 'McpTransparencyLogNotCopied',
          group: 'governance',
          severity: 'warning',
          expr: 'max by (peer) (transparency_log_not_copied_seconds{namespace="$namespace"}) > 900',
          for: '5m',
          summary:
            'The copy of the transparency log of $region at {{ $labels.peer }} is behind for a quarter of an hour.',
          description:
            'The log goes on; what it has since is in this region only. See whether the other region can be reached. See docs/runbooks/transparency-log.md.',
        },
      ],
    }),
    transparency_log_copied_entries: gauge('governance', ['peer'], {
      help: 'Entries of the log of another region that are kept here, each verified.',
      panels: [{ dashboard: 'operations', title: 'Entries of other logs kept here', by: ['peer'] }],
    }),
    transparency_log_copy_messages_total: counter('governance', ['peer', 'status'], {
      help: 'Messages of entries of another log; status is taken, known, gap, other_log, broken or two_histories.',
      panels: [{ dashboard: 'operations', title: 'Entries that came from other regions', by: ['status'] }],
      alerts: [
        {
          name: 'McpTransparencyLogCopyBroken',
          group: 'governance',
          severity: 'critical',
          expr: 'sum(increase(transparency_log_copy_messages_total{namespace="$namespace",status=~"broken|two_histories"}[15m])) > 0',
          for: '0m',
          summary:
            'Entries came to $region that another log has not signed, or that differ from those before.',
          description:
            'Somebody changed them on their way, changed the copy, or has rewritten that log: the log of the service says which. The copy took none of them. See docs/runbooks/transparency-log.md.',
        },
      ],
    }),
    transparency_log_read_only: gauge('governance', [], {
      help: '1 while the transparency log takes no entries because what it has is not what it had signed.',
      panels: [{ dashboard: 'operations', title: 'Transparency log is read-only', by: [] }],
      alerts: [
        {
          name: 'McpTransparencyLogTampered',
          group: 'governance',
          severity: 'critical',
          expr: 'max(transparency_log_read_only{namespace="$namespace"}) > 0',
          for: '0m',
          summary: 'The transparency log of $region was changed, cut or rolled back.',
          description:
            'Its files are not what its checkpoints were signed over; it takes no entries until somebody has looked. See docs/runbooks/transparency-log.md.',
        },
      ],
    }),
  },
});
