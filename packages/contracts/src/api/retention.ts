/** The part of the core's interface that is about retention, legal holds and everything of one owner. */
import {
  DueJobs,
  DueJobsRequest,
  ErasedConversations,
  ExportSubjectQuery,
  LegalHold,
  LegalHoldPage,
  ListLegalHoldsQuery,
  RetentionBatch,
  RetentionReport,
  RetentionReportQuery,
  SetLegalHold,
  SubjectConversations,
} from '../tables/retention.ts';
import { defineApi } from './endpoint.ts';

export const retentionEndpoints = defineApi({
  /** Erases the next conversations whose time is over. For administrators. */
  prune: {
    method: 'POST',
    path: '/internal/retention/prune',
    answers: 'json',
    answer: RetentionBatch,
    callers: ['governance'],
    idempotent: true,
  },
  /** Which of some jobs are to be erased: their time is over, and no hold keeps them. For administrators. */
  dueJobs: {
    method: 'POST',
    path: '/internal/retention/jobs',
    body: DueJobsRequest,
    answers: 'json',
    answer: DueJobs,
    callers: ['governance'],
    idempotent: true,
  },
  /** For administrators, as all that follows about holds. */
  retentionReport: {
    method: 'GET',
    path: '/internal/retention',
    query: RetentionReportQuery,
    answers: 'json',
    answer: RetentionReport,
    callers: ['gateway', 'governance'],
  },
  setLegalHold: {
    method: 'POST',
    path: '/internal/legal-holds',
    body: SetLegalHold,
    answers: 'json',
    answer: LegalHold,
    status: 201,
    callers: ['gateway'],
  },
  liftLegalHold: {
    method: 'POST',
    path: '/internal/legal-holds/:id/lift',
    param: 'uuid',
    answers: 'json',
    answer: LegalHold,
    callers: ['gateway'],
  },
  listLegalHolds: {
    method: 'GET',
    path: '/internal/legal-holds',
    query: ListLegalHoldsQuery,
    answers: 'json',
    answer: LegalHoldPage,
    callers: ['gateway'],
  },
  /** Part of the conversations of one owner, none behind the last of them; that it was given is recorded. For them and for administrators. */
  exportSubject: {
    method: 'GET',
    path: '/internal/subjects/:id/export',
    param: 'text',
    query: ExportSubjectQuery,
    answers: 'json',
    answer: SubjectConversations,
    callers: ['gateway'],
  },
  /** Erases the next conversations of one owner: asked until it is complete. Throws `conflict` where a hold keeps one. */
  eraseSubject: {
    method: 'POST',
    path: '/internal/subjects/:id/erase',
    param: 'text',
    answers: 'json',
    answer: ErasedConversations,
    callers: ['gateway'],
    idempotent: true,
  },
});
