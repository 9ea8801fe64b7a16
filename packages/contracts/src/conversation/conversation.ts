import { z } from 'zod';
import { PageLimit } from '../api/call.ts';
import { FinishReason, Usage } from '../models/model.ts';
import { ConversationMode } from './chat.ts';
import { Decision } from './decision.ts';
import { LogRecord } from './log.ts';
import { Participant } from './participant.ts';
import { PiiAction } from './pii.ts';
import { SafetyVerdict } from './safety.ts';

export const ConversationStatus = z.enum(['running', 'completed', 'cancelled', 'interrupted', 'failed']);
export type ConversationStatus = z.infer<typeof ConversationStatus>;

export const ConversationSummary = z.object({
  id: z.uuid(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  mode: ConversationMode,
  participants: z.array(Participant),
  /** The participants' models, in their order. */
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

/** Where a log stands in the transparency log. */
const Transparency = z.object({
  /** Name of the log. */
  origin: z.string(),
  /** Place of the newest proven entry, and entries of the log when that was proven. */
  index: z.number().int().nonnegative(),
  size: z.number().int().positive(),
  /** Names of the witnesses that cosigned the checkpoint; none: nobody outside has seen it. */
  witnesses: z.array(z.string()),
});

/**
 * Result of checking one log. `unconfirmed`: chain and signature hold, and whether records are missing at its end cannot be
 * said just now (it runs, or the event bus that keeps its head cannot be asked). `erased`: what was said is gone for good,
 * and the chain of its hashes and the signature hold.
 */
export const ChainVerdict = z.object({
  id: z.string(),
  /** True for `ok` and `erased`. */
  ok: z.boolean(),
  status: z.enum(['ok', 'unconfirmed', 'erased', 'broken']),
  records: z.number().int().nonnegative(),
  /** seq of the first record that does not fit, when not ok. */
  broken_at: z.number().int().nullable(),
  reason: z.string().nullable(),
  head: z.string().nullable(),
  /** Of a log that is proven to be in the transparency log. */
  transparency: Transparency.optional(),
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
  safety: SafetyVerdict.optional(),
  /** What became of personal data in it; absent: `tag`. */
  pii: PiiAction.optional(),
});
export type RecordCompletionRequest = z.infer<typeof RecordCompletionRequest>;
