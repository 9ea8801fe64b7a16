import { z } from 'zod';
import { PageLimit } from '../api/call.ts';
import { FinishReason, Usage } from '../models/model.ts';
import { ConversationMode } from './chat.ts';
import { Decision } from './decision.ts';

/** One record of a conversation log (blueprint 9.4 plus hash_prev, pii_tags, trace_id of phase F). */
export const LogRecord = z.object({
  seq: z.number().int().nonnegative(),
  role: z.enum(['system', 'user', 'modelA', 'modelB', 'decision']),
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
  usage: Usage.optional(),
  decision: Decision.optional(),
  /** What truncation or summary did to the context of this turn. */
  budget: z
    .object({
      input_tokens: z.number().int(),
      limit_tokens: z.number().int(),
      exact: z.boolean(),
      action: z.enum(['none', 'truncated', 'summarized']),
      dropped_messages: z.number().int(),
    })
    .optional(),
  /** SHA-256 (hex) of the previous record; of the header for the first one. */
  hash_prev: z.string().regex(/^[0-9a-f]{64}$/),
  /** SHA-256 (hex) of this record's canonical JSON (RFC 8785) without `hash`. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
export type LogRecord = z.infer<typeof LogRecord>;

export const ConversationStatus = z.enum(['running', 'completed', 'cancelled', 'interrupted', 'failed']);
export type ConversationStatus = z.infer<typeof ConversationStatus>;

/** `${MCP_DATA}/logs/conversations/<uuid>.json`. `head` is the last record's hash, `mac` HMAC-SHA256(PROV_SECRET, head). */
export const ConversationLog = z.object({
  id: z.uuid(),
  version: z.literal(1),
  created_at: z.iso.datetime(),
  owner: z.string(),
  mode: ConversationMode,
  models: z.array(z.string()).min(1).max(2),
  messages: z.array(LogRecord),
  head: z.string(),
  mac: z.string(),
});
export type ConversationLog = z.infer<typeof ConversationLog>;

export const ConversationSummary = z.object({
  id: z.uuid(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  mode: ConversationMode,
  models: z.array(z.string()),
  title: z.string(),
  status: ConversationStatus,
  turns: z.number().int().nonnegative(),
  exchanges: z.number().int(),
  trace_id: z.string(),
});
export type ConversationSummary = z.infer<typeof ConversationSummary>;

export const Conversation = ConversationSummary.extend({
  messages: z.array(LogRecord),
  decision: Decision.nullable(),
});
export type Conversation = z.infer<typeof Conversation>;

/**
 * Result of checking one log. `unconfirmed`: chain and seal hold, and whether records are missing at its end cannot be
 * said just now (it runs, or the event bus that keeps its head cannot be asked).
 */
export const ChainVerdict = z.object({
  id: z.string(),
  /** True for `ok` alone. */
  ok: z.boolean(),
  status: z.enum(['ok', 'unconfirmed', 'broken']),
  records: z.number().int().nonnegative(),
  /** seq of the first record that does not fit, when not ok. */
  broken_at: z.number().int().nullable(),
  reason: z.string().nullable(),
  head: z.string().nullable(),
});
export type ChainVerdict = z.infer<typeof ChainVerdict>;

export const ListConversationsQuery = z.strictObject({
  limit: PageLimit,
  /** `next_cursor` of the page before. */
  cursor: z.string().max(200).optional(),
});
export type ListConversationsQuery = z.infer<typeof ListConversationsQuery>;

/** Which events of a conversation: those after the one of this number (`Last-Event-ID`). */
export const EventsQuery = z.object({
  after: z.coerce.number().int().min(-1).max(Number.MAX_SAFE_INTEGER).default(-1),
});
export type EventsQuery = z.infer<typeof EventsQuery>;

/** Conversations by `updated_at`, the newest first. */
export const ConversationPage = z.object({
  conversations: z.array(ConversationSummary),
  /** Null on the last page. */
  next_cursor: z.string().nullable(),
});
export type ConversationPage = z.infer<typeof ConversationPage>;

/** One batch of the log check: where the pass stands, and what is not in order. */
export const LogCheck = z.object({
  /** Logs checked in this batch, and how many of them could not be confirmed just now. */
  checked: z.number().int().nonnegative(),
  unconfirmed: z.number().int().nonnegative(),
  /** True when the pass over all logs is complete; the next batch begins another. */
  complete: z.boolean(),
  /** Every log that does not verify, found in this batch or earlier: the first 1,000. */
  failures: z.array(ChainVerdict),
});
export type LogCheck = z.infer<typeof LogCheck>;

/** A system prompt: built in or the user's own Markdown file. */
export const PromptInfo = z.object({
  name: z.string(),
  sha256: z.string(),
  source: z.enum(['built-in', 'user']),
  description: z.string(),
});
export type PromptInfo = z.infer<typeof PromptInfo>;

/** A plain completion to be kept (`store: true`), as text. */
export const RecordCompletionRequest = z.object({
  model: z.string().min(1).max(200),
  question: z.array(z.object({ role: z.enum(['system', 'user']), content: z.string() })).max(4096),
  answer: z.string(),
  reasoning: z.string().optional(),
  finish_reason: FinishReason,
  usage: Usage,
});
export type RecordCompletionRequest = z.infer<typeof RecordCompletionRequest>;
