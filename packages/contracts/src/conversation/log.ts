import { z } from 'zod';
import { FinishReason, StreamResumed, Usage } from '../models/model.ts';
import { ConversationMode } from './chat.ts';
import { Confidence } from './confidence.ts';
import { Decision } from './decision.ts';
import { MAX_GRAPH_NODES } from './graph.ts';
import { Participant, Step } from './participant.ts';
import { RiskVerdict } from './risk.ts';
import { SafetyVerdict } from './safety.ts';

/** What the records of every version have (blueprint 9.4 plus hash_prev, pii_tags, trace_id of phase F). */
const RecordBase = z.object({
  seq: z.number().int().nonnegative(),
  content: z.string(),
  at: z.iso.datetime(),
  trace_id: z.string(),
  pii_tags: z.array(z.string()),
  message_id: z.uuid(),
  model: z.string().optional(),
  prompt: z.object({ name: z.string(), sha256: z.string() }).optional(),
  /** Hidden from the answer, kept here. */
  reasoning: z.string().optional(),
  finish_reason: FinishReason.optional(),
  /** Models that broke off in this turn, and who went on. */
  resumed: z.array(StreamResumed).max(16).optional(),
  usage: Usage.optional(),
  decision: Decision.optional(),
  /** What the safety stages found, and what was done about it; absent where they found nothing. */
  safety: SafetyVerdict.optional(),
  /** The risk of the question, of a turn or of the answers together; absent where nothing is routed by it. */
  risk: RiskVerdict.optional(),
  /** What was done to the context of this turn to make it fit, and what it was expected to take. */
  budget: z
    .object({
      /** As the model is taken to see it: counted, and calibrated by what it reported before. */
      input_tokens: z.number().int(),
      limit_tokens: z.number().int(),
      /** Counted by the model's own tokenizer; false: calibrated. */
      exact: z.boolean(),
      /** Before calibration, where that makes a difference. */
      counted_tokens: z.number().int().optional(),
      /** Input and answer together. */
      forecast_tokens: z.number().int().optional(),
      /** Kept free beyond the forecast, as a share of it. */
      margin: z.number().optional(),
      /** The answer was ended before it outgrew its room. */
      answer_truncated: z.literal(true).optional(),
      action: z.enum(['none', 'truncated', 'clustered', 'summarized']),
      dropped_messages: z.number().int(),
    })
    .optional(),
  /** SHA-256 (hex) of the previous record; of the header for the first one. */
  hash_prev: z.string().regex(/^[0-9a-f]{64}$/),
  /** SHA-256 (hex) of this record's canonical JSON (RFC 8785) without `hash`. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

/** A record of version 1: a conversation of two, and no graph. */
export const LogRecordV1 = RecordBase.extend({
  role: z.enum(['system', 'user', 'modelA', 'modelB', 'decision']),
});
export type LogRecordV1 = z.infer<typeof LogRecordV1>;

/** A record of version 2: it is a step, and names those that it was made from. */
export const LogRecordV2 = RecordBase.extend({
  /** `system`, `user`, `summary`, `decision`, or the id of the participant. */
  role: z.string().min(1).max(32),
  step: Step.shape.id,
  kind: Step.shape.kind,
  parents: Step.shape.parents,
  participant: Step.shape.participant,
  /** Of a node of a graph: on this its branches depend. */
  confidence: Confidence.optional(),
});
export type LogRecordV2 = z.infer<typeof LogRecordV2>;

/** A record of version 3: its hash says nothing about its content once that is erased. */
export const LogRecordV3 = LogRecordV2.extend({
  /** 16 random bytes (base64url). */
  salt: z.string().regex(/^[\w-]{22}$/),
  /** The data key that its content is stored under. */
  key_id: z.uuid(),
});
export type LogRecordV3 = z.infer<typeof LogRecordV3>;

/** The newest version first: read as an older one, its record would lose what its hash covers. */
export const LogRecord = z.union([LogRecordV3, LogRecordV2, LogRecordV1]);
export type LogRecord = z.infer<typeof LogRecord>;

const LogBase = z.object({
  id: z.uuid(),
  created_at: z.iso.datetime(),
  owner: z.string(),
  mode: ConversationMode,
  /** Hash of the last record. */
  head: z.string(),
  /** HMAC-SHA256 of `head` under PROV_SECRET. */
  mac: z.string(),
});

export const ConversationLogV1 = LogBase.extend({
  version: z.literal(1),
  models: z.array(z.string()).min(1).max(2),
  messages: z.array(LogRecordV1),
});

export const ConversationLogV2 = LogBase.extend({
  version: z.literal(2),
  /** Nothing beside what is hashed can be slipped in. */
  participants: z.array(z.strictObject(Participant.shape)).min(1).max(MAX_GRAPH_NODES),
  /** The participants' models, in their order. */
  models: z.array(z.string()).min(1).max(MAX_GRAPH_NODES),
  messages: z.array(LogRecordV2),
});
export type ConversationLogV2 = z.infer<typeof ConversationLogV2>;

export const ConversationLogV3 = ConversationLogV2.extend({
  version: z.literal(3),
  messages: z.array(LogRecordV3),
});

/** A signed log with what was said. */
export const ConversationLog = z.discriminatedUnion('version', [
  ConversationLogV1,
  ConversationLogV2,
  ConversationLogV3,
]);
export type ConversationLog = z.infer<typeof ConversationLog>;
