import { BatchTerms, Residency } from '@mcp/contracts';
import { z } from 'zod';

/** Overrides of feature flags (`flags` of the manifests). */
export const Features = z.record(z.string().regex(/^[A-Z][A-Z0-9_]+$/), z.boolean());

/** What the safety policy does (docs/safety.md); what is left out, the platform's defaults decide. */
export const Safety = z.strictObject({
  mode: z.enum(['off', 'flag', 'enforce']).optional(),
  /** What becomes of moderate findings in answers. */
  moderate: z.enum(['flag', 'redact']).optional(),
  /** What becomes of harm that the classifier is surest of: `block` makes it severe, and answers come in pieces. */
  classifier: z.enum(['flag', 'block']).optional(),
  /** A server with OpenAI's moderation that is asked as well; its addresses are `kubernetes.egress.moderation`. */
  moderation: z
    .strictObject({
      url: z.url(),
      model: z.string().min(1).optional(),
      on_failure: z.enum(['closed', 'open']).optional(),
      /** Where it processes texts; undefined: nothing that must stay somewhere is sent to it. */
      residency: Residency.optional(),
    })
    .optional(),
  /** Whether sentences in results of tools are embedded; unset: where the model for it is served. */
  embeddings: z.boolean().optional(),
  /** Categories that are not looked for, and texts whose rules are off. */
  allow: z
    .strictObject({ categories: z.array(z.string()), texts: z.array(z.string()) })
    .partial()
    .optional(),
});

const Threshold = z.number().min(0).max(1).optional();
const Thresholds = z.strictObject({
  baseline: Threshold,
  critic: Threshold,
  sandbox: Threshold,
  refuse: Threshold,
});

/** How requests are routed by risk where RISK_ROUTING_ENABLED is on (docs/risk.md). */
export const RiskRouting = z.strictObject({
  thresholds: z
    .strictObject({ default: Thresholds, callers: z.record(z.string(), Thresholds) })
    .partial()
    .optional(),
  baseline_model: z.string().min(1).max(200).optional(),
});

export const Limits = z.object({
  /** Tokens of input and output together that one model call may have (blueprint 9.3). */
  max_tokens: z.number().int().min(256).max(1_000_000),
  max_body_bytes: z.number().int().min(1024),
  /** Requests one caller may send per minute, and have open at once. */
  requests_per_minute: z.number().int().min(1),
  max_parallel_requests: z.number().int().min(1),
  /** Inferences that may wait per model before the gateway answers 429. */
  queue_max_waiting: z.number().int().min(1),
  /** Shares of a model's tokens by the caller's id while more wait than it can answer; who is not named has 1. */
  queue_weights: z.record(z.string().min(1).max(128), z.number().min(0.01).max(100)).optional(),
  /** What batch work gets of each model, and leaves free; undefined: a twentieth of the tokens, and a tenth of the places. */
  queue_batch: BatchTerms.optional(),
  /** Requests under way in one process of the gateway beyond which streams send fewer, larger pieces; undefined: 1000. */
  stream_high_watermark: z.number().int().min(1).max(100_000).optional(),
  request_timeout_ms: z.number().int().min(1000),
});
