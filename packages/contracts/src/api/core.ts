import { z } from 'zod';
import { ChatEvent, WatchedChatRequest } from '../conversation/chat.ts';
import {
  ChainVerdict,
  Conversation,
  ConversationPage,
  ConversationSummary,
  EventsQuery,
  ListConversationsQuery,
  LogCheck,
  PromptInfo,
} from '../conversation/conversation.ts';
import { Accesses, Erasure, KeyRewrap } from '../conversation/erasure.ts';
import { Feedback, FeedbackPage, FeedbackRequest, ListFeedbackQuery } from '../conversation/feedback.ts';
import { GraphInfo } from '../conversation/graph.ts';
import { Lineage, ProvDocument } from '../conversation/lineage.ts';
import { ConversationLog } from '../conversation/log.ts';
import { KeyChange, KeyChanged, PublishedKeys } from '../conversation/log-keys.ts';
import { ProofBundle } from '../conversation/proof.ts';
import {
  AnswerPage,
  ChainedAnswer,
  FindAnswersRequest,
  KeepAnswerRequest,
  ListAnswersRequest,
  ListedAnswer,
  StoredAnswer,
} from '../conversation/stored-answers.ts';
import { AuditBundleInfo, AuditBundlePage, ListAuditBundlesQuery } from '../tables/audit.ts';
import { type ApiOf, defineApi } from './endpoint.ts';
import { retentionEndpoints } from './retention.ts';

/** A log has its texts and, beside them, hashes and counts. */
const MAX_LOG_BYTES = 32 * 1024 * 1024;

/** The core's interface. A conversation belongs to the principal that began it. */
export const coreEndpoints = defineApi({
  chat: {
    method: 'POST',
    path: '/internal/chat',
    body: WatchedChatRequest,
    answers: 'events',
    event: ChatEvent,
    callers: ['gateway'],
  },
  listConversations: {
    method: 'GET',
    path: '/internal/conversations',
    query: ListConversationsQuery,
    answers: 'json',
    answer: ConversationPage,
    callers: ['gateway', 'task-engine'],
  },
  getConversation: {
    method: 'GET',
    path: '/internal/conversations/:id',
    param: 'uuid',
    answers: 'json',
    answer: Conversation,
    callers: ['gateway', 'task-engine'],
  },
  /** What was missed of the latest run, then what comes, until its end; nothing when all of it was seen. */
  events: {
    method: 'GET',
    path: '/internal/conversations/:id/events',
    param: 'uuid',
    query: EventsQuery,
    answers: 'events',
    event: ChatEvent,
    callers: ['gateway'],
  },
  /** Cancels a running conversation wherever it runs; it has ended when this returns. */
  cancelConversation: {
    method: 'POST',
    path: '/internal/conversations/:id/cancel',
    param: 'uuid',
    answers: 'json',
    answer: ConversationSummary,
    callers: ['gateway'],
  },
  /** The signed log of a conversation, as blueprint 9.4 has it; who is shown it is recorded. */
  exportLog: {
    method: 'GET',
    path: '/internal/conversations/:id/log',
    param: 'uuid',
    answers: 'json',
    answer: ConversationLog,
    callers: ['gateway'],
  },
  /** The log with the proof that it is in the transparency log. Throws `unavailable` while that cannot be given. */
  proveConversation: {
    method: 'GET',
    path: '/internal/conversations/:id/proof',
    param: 'uuid',
    answers: 'json',
    answer: ProofBundle,
    callers: ['gateway'],
  },
  /** Where each part of a conversation comes from, and what is wrong with that. */
  lineage: {
    method: 'GET',
    path: '/internal/conversations/:id/lineage',
    param: 'uuid',
    answers: 'json',
    answer: Lineage,
    callers: ['gateway'],
  },
  /** The same as W3C PROV-JSON. */
  lineageAsProv: {
    method: 'GET',
    path: '/internal/conversations/:id/lineage/prov',
    param: 'uuid',
    answers: 'json',
    answer: ProvDocument,
    callers: ['gateway'],
  },
  verifyConversation: {
    method: 'POST',
    path: '/internal/conversations/:id/verify',
    param: 'uuid',
    answers: 'json',
    answer: ChainVerdict,
    callers: ['gateway'],
    idempotent: true,
  },
  /** Checks a log or a proof bundle given from outside against its own chain, this platform's MAC and the log's keys. */
  verifyLog: {
    method: 'POST',
    path: '/internal/verify',
    body: z.unknown(),
    max_body_bytes: MAX_LOG_BYTES,
    answers: 'json',
    answer: ChainVerdict,
    callers: ['gateway'],
    idempotent: true,
  },
  /** Keeps what the owner of a conversation says of one of its decisions; given again, it takes the place of what was there. */
  giveFeedback: {
    method: 'POST',
    path: '/internal/conversations/:id/feedback',
    param: 'uuid',
    body: FeedbackRequest,
    answers: 'json',
    answer: Feedback,
    callers: ['gateway'],
    idempotent: true,
  },
  /** Feedback of everybody, without comments. For administrators. */
  listFeedback: {
    method: 'GET',
    path: '/internal/feedback',
    query: ListFeedbackQuery,
    answers: 'json',
    answer: FeedbackPage,
    callers: ['gateway'],
  },
  /** Checks the next logs of everybody, from where the last batch stopped. For administrators. */
  checkLogs: {
    method: 'POST',
    path: '/internal/logs/check',
    answers: 'json',
    answer: LogCheck,
    callers: ['governance'],
  },
  /** Checks so many conversations, and a piece of the transparency log, picked at random. For administrators. */
  sampleLogs: {
    method: 'POST',
    path: '/internal/logs/sample',
    body: z.object({ conversations: z.number().int().min(1).max(50) }),
    answers: 'json',
    answer: LogCheck,
    callers: ['governance'],
  },
  /** The keys that logs are signed with, as anybody may know them. */
  logKeys: {
    method: 'GET',
    path: '/internal/log-keys',
    answers: 'json',
    answer: PublishedKeys,
    callers: ['gateway', 'governance'],
  },
  /** Rotates them, rolls back or revokes one. For administrators. Throws `conflict` where that cannot be. */
  changeLogKeys: {
    method: 'POST',
    path: '/internal/log-keys/change',
    body: KeyChange,
    answers: 'json',
    answer: KeyChanged,
    callers: ['gateway', 'governance'],
  },
  /** Keeps the file of an audit bundle. Throws `conflict` where it does not follow the newest one. For administrators. */
  keepAuditBundle: {
    method: 'POST',
    path: '/internal/audit/bundles',
    body: z.strictObject({ file: z.string().max(MAX_LOG_BYTES) }),
    max_body_bytes: 2 * MAX_LOG_BYTES,
    answers: 'json',
    answer: AuditBundleInfo,
    status: 201,
    callers: ['governance'],
  },
  listAuditBundles: {
    method: 'GET',
    path: '/internal/audit/bundles',
    query: ListAuditBundlesQuery,
    answers: 'json',
    answer: AuditBundlePage,
    callers: ['gateway', 'governance'],
  },
  /** The file of an audit bundle. For administrators. */
  auditBundle: {
    method: 'GET',
    path: '/internal/audit/bundles/:id',
    param: 'uuid',
    answers: 'bytes',
    callers: ['gateway', 'governance'],
  },
  ...retentionEndpoints,
  prompts: {
    method: 'GET',
    path: '/internal/prompts',
    answers: 'json',
    answer: z.array(PromptInfo).readonly(),
    callers: ['gateway'],
  },
  /** The graphs of agents that there are. */
  graphs: {
    method: 'GET',
    path: '/internal/graphs',
    answers: 'json',
    answer: z.array(GraphInfo).readonly(),
    callers: ['gateway'],
  },
  /** Records an answer and keeps it for its client to ask for again; both are durable when this returns. */
  keepAnswer: {
    method: 'POST',
    path: '/internal/answers',
    body: KeepAnswerRequest,
    max_body_bytes: MAX_LOG_BYTES,
    answers: 'json',
    answer: z.object({ conversation_id: z.uuid() }),
    status: 201,
    callers: ['gateway'],
  },
  getAnswer: {
    method: 'GET',
    path: '/internal/answers/:id',
    param: 'text',
    answers: 'json',
    answer: StoredAnswer,
    callers: ['gateway'],
  },
  /** What was answered, of those of the caller's own that there are. */
  findAnswers: {
    method: 'POST',
    path: '/internal/answers/find',
    body: FindAnswersRequest,
    answers: 'json',
    answer: z.array(ListedAnswer),
    callers: ['gateway'],
    idempotent: true,
  },
  /** An answer and all that it builds on, the first one first. Throws `not_found`, `context_length_exceeded`. */
  answerChain: {
    method: 'GET',
    path: '/internal/answers/:id/chain',
    param: 'text',
    answers: 'json',
    answer: z.array(ChainedAnswer),
    callers: ['gateway'],
  },
  listAnswers: {
    method: 'POST',
    path: '/internal/answers/list',
    body: ListAnswersRequest,
    answers: 'json',
    answer: AnswerPage,
    callers: ['gateway'],
    idempotent: true,
  },
  updateAnswer: {
    method: 'POST',
    path: '/internal/answers/:id/update',
    param: 'text',
    body: StoredAnswer.pick({ metadata: true }),
    answers: 'json',
    answer: StoredAnswer,
    callers: ['gateway'],
    idempotent: true,
  },
  /** Deletes it for its client; the log it was recorded in stays. */
  deleteAnswer: {
    method: 'POST',
    path: '/internal/answers/:id/delete',
    param: 'text',
    answers: 'json',
    answer: z.object({ id: z.string() }),
    callers: ['gateway'],
  },
  /** Who read or erased a conversation, the newest first. */
  accesses: {
    method: 'GET',
    path: '/internal/conversations/:id/accesses',
    param: 'uuid',
    answers: 'json',
    answer: Accesses,
    callers: ['gateway'],
  },
  /** Destroys its data key; the chain of its hashes stays. */
  eraseConversation: {
    method: 'POST',
    path: '/internal/conversations/:id/erase',
    param: 'uuid',
    answers: 'json',
    answer: Erasure,
    callers: ['gateway'],
    idempotent: true,
  },
  /** Wraps the next data keys again that are not wrapped under the current version; asked until it is complete. */
  rewrapKeys: {
    method: 'POST',
    path: '/internal/keys/rewrap',
    answers: 'json',
    answer: KeyRewrap,
    callers: ['gateway'],
    idempotent: true,
  },
});
export type CoreApi = ApiOf<typeof coreEndpoints>;
