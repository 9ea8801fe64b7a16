import { z } from 'zod';
import { CreateJobRequest, Job, ListJobsQuery } from '../tables/jobs.ts';
import {
  EndedJobPage,
  EndedJobsQuery,
  ErasedJobs,
  SettledJobs,
  SettleJobsRequest,
  SubjectJobs,
} from '../tables/retention.ts';
import { type ApiOf, defineApi } from './endpoint.ts';

/** The task-engine's interface. */
export const taskEngineEndpoints = defineApi({
  create: {
    method: 'POST',
    path: '/internal/jobs',
    body: CreateJobRequest,
    answers: 'json',
    answer: Job,
    status: 202,
    callers: ['gateway'],
  },
  list: {
    method: 'GET',
    path: '/internal/jobs',
    query: ListJobsQuery,
    answers: 'json',
    answer: z.array(Job).readonly(),
    callers: ['gateway'],
  },
  get: {
    method: 'GET',
    path: '/internal/jobs/:id',
    param: 'uuid',
    answers: 'json',
    answer: Job,
    callers: ['gateway'],
  },
  /** The job now and after each change, until a final status. */
  watch: {
    method: 'GET',
    path: '/internal/jobs/:id/watch',
    param: 'uuid',
    answers: 'events',
    event: Job,
    callers: ['gateway'],
  },
  /** The content of a result that is a {@link JobFile}. */
  result: {
    method: 'GET',
    path: '/internal/jobs/:id/result',
    param: 'uuid',
    answers: 'bytes',
    callers: ['gateway'],
  },
  /** Sends a dead job again. */
  retry: {
    method: 'POST',
    path: '/internal/jobs/:id/retry',
    param: 'uuid',
    answers: 'json',
    answer: Job,
    status: 202,
    callers: ['gateway'],
  },
  cancel: {
    method: 'POST',
    path: '/internal/jobs/:id/cancel',
    param: 'uuid',
    answers: 'json',
    answer: Job,
    callers: ['gateway'],
  },
  /** Some of the jobs that have ended, in the order in which they did. For administrators. */
  ended: {
    method: 'GET',
    path: '/internal/retention/jobs',
    query: EndedJobsQuery,
    answers: 'json',
    answer: EndedJobPage,
    callers: ['governance'],
  },
  /** Erases ended jobs with their results, and keeps others on the event bus for longer. For administrators. */
  settle: {
    method: 'POST',
    path: '/internal/retention/jobs',
    body: SettleJobsRequest,
    answers: 'json',
    answer: SettledJobs,
    callers: ['governance'],
    idempotent: true,
  },
  /** Some of the jobs of one owner, with what they were to do. For them and for administrators. */
  exportOf: {
    method: 'GET',
    path: '/internal/subjects/:id/jobs',
    param: 'text',
    query: EndedJobsQuery,
    answers: 'json',
    answer: SubjectJobs,
    callers: ['gateway'],
  },
  /** Erases jobs of one owner, those at work as well: asked until it is complete. Holds are for the caller to ask for. */
  eraseOf: {
    method: 'POST',
    path: '/internal/subjects/:id/jobs/erase',
    param: 'text',
    answers: 'json',
    answer: ErasedJobs,
    callers: ['gateway'],
    idempotent: true,
  },
});
export type TaskEngineApi = ApiOf<typeof taskEngineEndpoints>;
