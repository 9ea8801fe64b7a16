import {
  ArbitrationTerms,
  counter,
  defineManifest,
  Graphs,
  gauge,
  histogram,
  jsonText,
  Retention,
  TRACE_SUBJECTS,
  wholeText,
} from '@mcp/contracts';
import { budgetMetrics } from '@mcp/conversation/manifest';
import { kmsMetrics, kmsSettings } from '@mcp/kms/manifest';
import { residencySettings } from '@mcp/model-serving/manifest';
import { BucketUrl } from '@mcp/object-storage/manifest';
import { provenanceMetrics } from '@mcp/provenance/manifest';
import { piiMetrics, piiSettings, safetyMetrics, safetySettings } from '@mcp/safety/manifest';
import { z } from 'zod';

export const manifest = defineManifest({
  name: 'core',
  summary: 'Conversations: the order of steps, the durable store and the provenance log.',
  port: 8100,
  entry: 'apps/core/src/main.ts',
  calls: ['model-gateway', 'transparency-log'],
  speaks_for: 'anyone',
  needs: ['nats', 'postgres', 'collector'],
  bus: {
    streams: { MCP_EVENTS: ['mcp.events.*.*'], MCP_ALERTS: ['mcp.alerts.tamper'] },
    buckets: ['mcp_log_heads'],
    // Of the gateways' vault of personal data it may remove entries, and nothing else.
    publishes: [TRACE_SUBJECTS, 'mcp.conversations.cancel', '$JS.API.STREAM.PURGE.KV_mcp_pii'],
    subscribes: ['mcp.conversations.cancel'],
  },
  egress: ['log-archive', 'kms', 'moderation'],
  volume: { size_gib: 10, where: 'embedded-database' },
  size: { cpu_request: '250m', cpu_limit: '1', memory_request: '192Mi', memory_limit: '512Mi' },
  scaling: { on: 'cpu', min: 2, max: 10, target_percent: 65 },
  slo: { p95_ms: 1200, error_ratio: 0.02 },
  drain_s: 30,
  settings: {
    ...safetySettings,
    ...piiSettings,
    ...residencySettings,
    ...kmsSettings,
    MAX_TOKENS: {
      schema: wholeText(256, 1_000_000).default(4096),
      meaning: 'Tokens of input and output together that one model call may have (blueprint 9.3).',
      from: 'stack.limits.max_tokens',
      operator: true,
    },
    MCP_BUDGET_TURNS: {
      schema: wholeText(1, 64).default(8),
      meaning: 'Turns of a model in a conversation by which its next one is forecast (n).',
      operator: true,
    },
    MCP_BUDGET_ALPHA: {
      schema: z.coerce.number().min(0.5).max(2).default(1),
      meaning: 'Weight of the input in the forecast of a turn (α).',
      operator: true,
    },
    MCP_BUDGET_BETA: {
      schema: z.coerce.number().min(0.5).max(4).default(1),
      meaning: 'Weight of the expected answer in the forecast of a turn (β).',
      operator: true,
    },
    MCP_BUDGET_MARGIN_MIN: {
      schema: z.coerce.number().min(0).max(1).default(0.1),
      meaning: 'Least share that is kept free beyond the forecast of a turn.',
      operator: true,
    },
    MCP_BUDGET_MARGIN_MAX: {
      schema: z.coerce.number().min(0).max(1).default(0.2),
      meaning: 'Greatest share that is kept free beyond the forecast of a turn, and the first one.',
      operator: true,
    },
    MCP_ARBITRATION: {
      schema: jsonText(ArbitrationTerms).optional(),
      meaning:
        'Weights, thresholds and bounds of the arbitration with their version, as JSON; what is left out has its default.',
      from: 'derived.arbitration',
      operator: true,
    },
    PROV_SECRET: {
      schema: z.string().min(32),
      meaning: 'Signs conversation logs (HMAC-SHA256 over the head of the hash chain).',
      secret: {
        object: 'mcp-provenance',
        key: 'secret',
        made: { by: 'random', name: 'provenance', given: 'external-database' },
      },
    },
    PROV_SECRETS_ACCEPTED: {
      schema: z
        .string()
        .transform((text) => text.split(/[\n,]/).flatMap((one) => one.trim() || []))
        .pipe(z.array(z.string().min(32)).max(20))
        .optional(),
      meaning:
        'Secrets from before PROV_SECRET, or to come, separated by commas or line breaks: logs signed with them are accepted.',
      secret: {
        object: 'mcp-provenance-accepted',
        key: 'secrets',
        made: { by: 'operator' },
      },
    },
    DATABASE_URL: {
      schema: z.string().startsWith('postgres').optional(),
      meaning: 'PostgreSQL of the conversations; unset, SQLite in the data directory.',
      secret: {
        object: 'mcp-database',
        key: 'url',
        made: { by: 'operator', required: 'external-database' },
      },
    },
    MCP_DATABASE_CONNECTIONS: {
      schema: wholeText(2, 1000).default(16),
      meaning: 'Connections to PostgreSQL that one replica may have.',
      from: 'derived.database_connections',
      operator: true,
    },
    MCP_LOG_ARCHIVE_URL: {
      schema: BucketUrl.optional(),
      meaning:
        'Object storage (S3) that logs are also kept in: s3://key:secret@bucket/prefix?endpoint=…&region=…; unset, files beside SQLite.',
      secret: { object: 'mcp-log-archive', key: 'url', made: { by: 'operator' } },
    },
    MCP_RETENTION: {
      schema: jsonText(Retention).prefault('{}'),
      meaning:
        'Days that conversations, answers, feedback and jobs are kept, and owners that have other ones, as JSON; without conversation_days, conversations are kept for good.',
      from: 'derived.retention',
      operator: true,
    },
    MCP_PROMPTS_DIR: {
      schema: z.string().min(1).optional(),
      meaning: 'Directory of your own prompts (Markdown files).',
      from: 'derived.prompts_dir',
      operator: true,
    },
    MCP_GRAPHS: {
      schema: jsonText(Graphs).prefault('[]'),
      meaning: 'Graphs of agents of your own, as JSON; one with the name of a built-in graph replaces it.',
      from: 'derived.graphs',
      operator: true,
    },
    MCP_EVENT_LOG_BYTES: {
      schema: z.coerce
        .number()
        .int()
        .min(1_000_000)
        .default(128 * 1024 * 1024),
      meaning: 'Size of the log on the event bus from which running conversations are followed.',
      operator: true,
    },
    MCP_LOG_CHECK_PER_SECOND: {
      schema: wholeText(1, 100_000).default(500),
      meaning: 'Logs that the check of all logs looks at in a second, at most.',
      operator: true,
    },
    MCP_LOG_HEADS_BYTES: {
      schema: z.coerce
        .number()
        .int()
        .min(1_000_000)
        .default(256 * 1024 * 1024),
      meaning: 'Size of the bucket on the event bus with the head of every conversation log.',
      operator: true,
    },
  },
  flags: {
    MODEL_ARBITRATION_ENABLED: {
      default: true,
      description: 'Score both models of a conversation, choose an answer and record why.',
    },
    ARBITRATION_CRITIQUE_ENABLED: {
      default: true,
      description:
        'When the answers diverge or contradict each other, take one extra critique turn, or quote the other side.',
    },
    ARBITRATION_JUDGE_ENABLED: {
      default: false,
      description:
        'Let a model judge contradictions and soundness of the answers, by the probability of one word.',
    },
    ARBITRATION_LEARNER_ENABLED: {
      default: false,
      description: 'Let feedback move the weights of the arbitration, within bounds.',
    },
    ARBITRATION_LEARNER_SHADOW: {
      default: false,
      description: 'Learn weights and record which would decide; the declared ones do.',
    },
    MODEL_ARBITRATION_SHADOW: {
      default: false,
      description: 'Arbitrate and record what would be decided, without applying it.',
    },
    MODEL_ARBITRATION_DEBUG: {
      default: false,
      description: 'Write every component of each arbitration to the log of core.',
    },
    TOKEN_BUDGET_SUMMARY_ENABLED: {
      default: true,
      description:
        'Summarise what is far too long for the token budget; off, sentences that stand for it are kept.',
    },
    TOKEN_BUDGET_FORECAST_ENABLED: {
      default: true,
      description:
        'Keep as much room for an answer as the model is expected to need; off, for the longest one.',
    },
    TRANSPARENCY_LOG_ENABLED: {
      default: true,
      description: 'Enter every record in the transparency log, and verify conversations by it.',
    },
    PII_TAGGING_ENABLED: { default: true, description: 'Tag personal data in conversation logs.' },
  },
  metrics: {
    ...provenanceMetrics,
    ...kmsMetrics,
    ...safetyMetrics,
    ...piiMetrics,
    ...budgetMetrics,
    conversation_turns_total: counter('conversation', ['model', 'status'], {
      help: 'Turns of conversations, by how they ended.',
      panels: [{ dashboard: 'models', title: 'Turns', by: ['model', 'status'] }],
    }),
    graph_nodes_total: counter('conversation', ['graph', 'status'], {
      help: 'Nodes of graphs of agents; status is finished, skipped or failed.',
      panels: [{ dashboard: 'models', title: 'Nodes of graphs', by: ['graph', 'status'] }],
      alerts: [
        {
          name: 'McpGraphNodesFail',
          group: 'conversations',
          severity: 'warning',
          expr: 'sum by (graph) (rate(graph_nodes_total{namespace="$namespace",status="failed"}[30m])) / sum by (graph) (rate(graph_nodes_total{namespace="$namespace"}[30m])) > 0.1',
          for: '30m',
          summary: 'Nodes of {{ $labels.graph }} fail in $region.',
          description:
            '{{ $value | humanizePercentage }} of its nodes fail: answers come without them, or not at all. The log of the core says why; docs/agents.md has timeout_ms, retries and optional.',
        },
      ],
    }),
    token_budget_answers_ended_total: counter('conversation', ['model'], {
      help: 'Answers that were ended at a sentence, before they outgrew the token budget.',
      panels: [{ dashboard: 'models', title: 'Answers ended by the token budget', by: ['model'] }],
    }),
    token_budget_forecast_error_ratio: histogram('conversation', ['model'], {
      unit: 'ratio',
      help: 'How far the tokens of a turn were from their forecast, as a share of it.',
      buckets: [0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2],
      panels: [{ dashboard: 'models', title: 'Error of token forecasts, p95', by: ['model'] }],
    }),
    model_arbitration_total: counter('conversation', ['status'], {
      help: 'Arbitrations between two models, by method.',
      panels: [{ dashboard: 'models', title: 'Arbitrations by method', by: ['status'] }],
    }),
    model_arbitration_divergence: histogram('conversation', [], {
      unit: 'ratio',
      help: 'Divergence D = 1 - cosine of the two candidates.',
      buckets: [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 2],
      panels: [{ dashboard: 'models', title: 'Divergence of candidates, p95', by: [] }],
    }),
    model_arbitration_duration_seconds: histogram('conversation', [], {
      help: 'Time the arbitration added to a conversation.',
      panels: [{ dashboard: 'models', title: 'Time of arbitration, p95', by: [] }],
    }),
    model_arbitration_contradictions_total: counter('conversation', ['kind'], {
      help: 'Contradictions between claims, by what shows them.',
      panels: [{ dashboard: 'models', title: 'Contradictions by kind', by: ['kind'] }],
    }),
    model_arbitration_extra_turns_total: counter('conversation', ['reason'], {
      help: 'Turns beyond those asked for, by why they were taken.',
      panels: [{ dashboard: 'models', title: 'Extra turns', by: ['reason'] }],
    }),
    log_key_changes_total: counter('conversation', ['kind', 'status'], {
      help: 'Changes of the keys that logs are signed with; kind is rotate, roll_back or revoke.',
      panels: [{ dashboard: 'operations', title: 'Changes of log keys', by: ['kind', 'status'] }],
    }),
    log_key_active_since_timestamp_seconds: gauge('conversation', [], {
      unit: 's',
      help: 'Unix time since which the active key signs logs.',
      panels: [{ dashboard: 'operations', title: 'Active log key since', by: [] }],
      alerts: [
        {
          name: 'McpLogKeyOld',
          group: 'governance',
          severity: 'warning',
          expr: 'time() - max(log_key_active_since_timestamp_seconds{namespace="$namespace"}) > 3888000',
          for: '1h',
          summary: 'The key that logs are signed with in $region is older than 45 days.',
          description:
            'The governance job key-rotation should have replaced it after 30. GET /admin/governance says why not; npx mcp keys rotate does it now (docs/prov-secret-rotation.md).',
        },
      ],
    }),
    model_arbitration_feedback_total: counter('conversation', ['kind'], {
      help: 'Feedback on decisions: a score, or the better answer.',
      panels: [{ dashboard: 'models', title: 'Feedback on decisions', by: ['kind'] }],
    }),
    model_arbitration_learner_total: counter('conversation', ['arm'], {
      help: 'Decisions of the learner, by the weights that were drawn.',
      panels: [{ dashboard: 'models', title: 'Weights drawn by the learner', by: ['arm'] }],
    }),
    provenance_tamper_alerts_total: counter('conversation', [], {
      help: 'Logs that do not verify, of which the event bus was told.',
      panels: [{ dashboard: 'operations', title: 'Tamper alerts', by: [] }],
    }),
    retention_conversations_total: counter('governance', ['status'], {
      help: 'Conversations whose time is over; status is erased, held or kept.',
      panels: [{ dashboard: 'operations', title: 'Conversations whose time is over', by: ['status'] }],
      alerts: [
        {
          name: 'McpRetentionFails',
          group: 'governance',
          severity: 'warning',
          expr: 'sum(increase(retention_conversations_total{namespace="$namespace",status="kept"}[1d])) > 10',
          for: '1h',
          summary: 'Conversations whose time is over cannot be erased in $region.',
          description: 'The log of the core says which and why. See docs/retention.md.',
        },
      ],
    }),
    conversation_log_writes_total: counter('conversation', ['status'], {
      help: 'Logs written to files or object storage; status is ok or failed.',
      panels: [{ dashboard: 'operations', title: 'Conversation logs written', by: ['status'] }],
    }),
  },
});
