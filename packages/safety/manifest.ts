/** What whoever looks at texts reads of its environment and records: the gateway at what is asked and answered, the core at turns. */
import { counter, defineMetrics, defineSettings, histogram, jsonText, Residency } from '@mcp/contracts';
import { z } from 'zod';
import { CATEGORY_NAMES, type SafetyCategory } from './src/categories.ts';
import { PiiPolicy } from './src/pii/policy.ts';
import { DEFAULT_THRESHOLDS } from './src/routing/risk.ts';

export { PiiPolicy };

const Allow = z.strictObject({
  categories: z.array(z.enum(CATEGORY_NAMES as [SafetyCategory, ...SafetyCategory[]])).default([]),
  texts: z.array(z.string().min(1).max(1000)).max(1000).default([]),
});

export const safetySettings = defineSettings({
  MCP_SAFETY: {
    schema: z.enum(['off', 'flag', 'enforce']).default('enforce'),
    meaning:
      'What becomes of texts that break the safety policy: enforce (severe ones are blocked), flag (all are told, none is stopped) or off.',
    from: 'stack.safety.mode',
    operator: true,
  },
  MCP_SAFETY_MODERATE: {
    schema: z.enum(['flag', 'redact']).default('flag'),
    meaning: 'What enforce does to moderate findings in answers: flag, or redact.',
    from: 'stack.safety.moderate',
    operator: true,
  },
  MCP_SAFETY_CLASSIFIER: {
    schema: z.enum(['flag', 'block']).default('flag'),
    meaning:
      'What enforce does where the classifier finds harm: flag (nobody waits for it), or block what it is surest of, questions before a model is asked and answers in pieces.',
    from: 'stack.safety.classifier',
    operator: true,
  },
  MCP_SAFETY_ALLOW: {
    schema: jsonText(
      Allow,
      'must be JSON such as {"categories":["violence"],"texts":["school shooting"]}',
    ).prefault('{}'),
    meaning:
      'What the safety policy lets pass, as JSON: categories that are not looked for, and texts whose rules are off.',
    from: 'derived.safety_allow',
    operator: true,
  },
  MCP_MODERATION_URL: {
    schema: z.url('must be the base URL of a server, such as https://api.openai.com/v1').optional(),
    meaning:
      "Base URL of a server with OpenAI's moderation, which is asked about questions and answers; unset, none is.",
    from: 'stack.safety.moderation.url',
    operator: true,
  },
  MCP_MODERATION_MODEL: {
    schema: z.string().min(1).max(200).default('omni-moderation-latest'),
    meaning: 'Model that moderates there.',
    from: 'stack.safety.moderation.model',
    operator: true,
  },
  MCP_MODERATION_ON_FAILURE: {
    schema: z.enum(['closed', 'open']).default('closed'),
    meaning:
      'What happens while it does not answer: closed (nothing goes on) or open (texts pass without it).',
    from: 'stack.safety.moderation.on_failure',
    operator: true,
  },
  MCP_MODERATION_RESIDENCY: {
    schema: Residency.optional(),
    meaning: 'Where it processes texts; unset, nothing that must stay somewhere is sent to it.',
    from: 'stack.safety.moderation.residency',
    operator: true,
  },
  MCP_MODERATION_KEY: {
    schema: z.string().min(1).optional(),
    meaning: 'Key for MCP_MODERATION_URL.',
    secret: { object: 'mcp-moderation', key: 'key', made: { by: 'operator' } },
  },
});

/** What the gateway and the core read of personal data. */
export const piiSettings = defineSettings({
  MCP_PII: {
    schema: jsonText(
      PiiPolicy,
      'must be JSON such as {"action":"tag","third_party":"redact","routes":{"/v1/embeddings":"block"}}',
    ).prefault('{}'),
    meaning:
      'What becomes of personal data, as JSON: off, tag, tokenize, redact or block, for all, by route, and for models of others (docs/personal-data.md).',
    from: 'derived.pii',
    operator: true,
  },
});

/** The embedding model that the weights of `src/embeddings` are for. */
export const INJECTION_EMBEDDER = 'all-minilm-l6-v2';

/** What the gateway reads, where results of tools come in. */
export const outlierSettings = defineSettings({
  MCP_SAFETY_EMBEDDINGS: {
    schema: z.enum(['on', 'off']).default('off'),
    meaning: `Whether sentences in results of tools are looked at by their embeddings as well, where ${INJECTION_EMBEDDER} is served.`,
    from: 'derived.safety_embeddings',
    operator: true,
  },
});

const Threshold = z.number().min(0).max(1);
const Thresholds = z
  .strictObject({
    baseline: Threshold.default(DEFAULT_THRESHOLDS.baseline),
    critic: Threshold.default(DEFAULT_THRESHOLDS.critic),
    sandbox: Threshold.default(DEFAULT_THRESHOLDS.sandbox),
    refuse: Threshold.default(DEFAULT_THRESHOLDS.refuse),
  })
  .refine(
    ({ baseline, critic, sandbox, refuse }) => baseline <= critic && critic <= sandbox && sandbox <= refuse,
    'must ascend: baseline, critic, sandbox, refuse',
  );

/** What the gateway reads where it routes by risk. */
export const riskSettings = defineSettings({
  MCP_RISK_THRESHOLDS: {
    schema: jsonText(
      z.strictObject({
        default: Thresholds.prefault({}),
        callers: z.record(z.string().max(200), Thresholds).default({}),
      }),
      'must be JSON such as {"default":{"baseline":0.3},"callers":{"key:1":{"refuse":0.8}}}',
    ).prefault('{}'),
    meaning:
      'Risk from which a request takes each route, as JSON: for all, and for callers by their id (docs/risk.md).',
    from: 'derived.risk_thresholds',
    operator: true,
  },
  MCP_RISK_BASELINE_MODEL: {
    schema: z.string().min(1).max(200).optional(),
    meaning:
      'Model that answers doubtful requests instead of the one asked; unset, a second model checks the answer.',
    from: 'stack.risk.baseline_model',
    operator: true,
  },
});

export const riskMetrics = defineMetrics({
  request_risk: {
    type: 'histogram',
    category: 'conversation',
    unit: 'ratio',
    labels: ['phase'],
    help: 'Risk of completions that are routed by it; phase is the route.',
    buckets: [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1],
    panels: [{ dashboard: 'models', title: 'Risk of requests by route, p95', by: ['phase'] }],
  },
});

export const piiMetrics = defineMetrics({
  pii_found_total: counter('conversation', ['kind', 'phase', 'status'], {
    help: 'Personal data found where it is not only tagged: phase is asked or answered, status what was done (tokenize, redact, block).',
    panels: [{ dashboard: 'models', title: 'Personal data by kind', by: ['kind', 'status'] }],
  }),
});

export const safetyMetrics = defineMetrics({
  safety_findings_total: {
    type: 'counter',
    category: 'conversation',
    unit: '1',
    labels: ['kind', 'phase', 'status'],
    help: 'What the safety stages found, once for each request or turn: kind is the category, phase the tier, status the severity.',
    panels: [{ dashboard: 'models', title: 'Safety findings', by: ['kind', 'status'] }],
  },
  safety_actions_total: {
    type: 'counter',
    category: 'conversation',
    unit: '1',
    labels: ['status'],
    help: 'Requests and turns with safety findings, by the worst that was done about them.',
    panels: [{ dashboard: 'models', title: 'Safety actions', by: ['status'] }],
    alerts: [
      {
        name: 'McpSafetyBlocks',
        group: 'conversations',
        severity: 'warning',
        expr: 'sum by (service) (rate(safety_actions_total{namespace="$namespace",status="blocked"}[15m])) > 0.2',
        for: '15m',
        summary: 'The safety policy blocks many texts in $region.',
        description:
          '{{ $value | humanize }} texts a second are blocked by {{ $labels.service }}: look for a client that attacks, or a rule that is too strict (docs/safety.md).',
      },
    ],
  },
});

export const outlierMetrics = defineMetrics({
  safety_embedding_duration_seconds: histogram('conversation', ['status'], {
    help: 'Time that embeddings of sentences in results of tools took; status unavailable: they were done without.',
    panels: [{ dashboard: 'models', title: 'Embeddings of results of tools, p95', by: ['status'] }],
    alerts: [
      {
        name: 'McpSafetyEmbeddingsMissing',
        group: 'conversations',
        severity: 'warning',
        expr: 'sum by (service) (rate(safety_embedding_duration_seconds_count{namespace="$namespace",status="unavailable"}[15m])) > 0.01',
        for: '15m',
        summary: 'Results of tools are read without embeddings in $region.',
        description:
          '{{ $labels.service }} gets no embeddings for the safety policy: instructions in other words than the classifier knows pass. Look at the embedding model (docs/safety.md).',
      },
    ],
  }),
});
