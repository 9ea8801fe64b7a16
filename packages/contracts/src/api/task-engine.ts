import { z } from 'zod';
import { CreateJobRequest, Job, ListJobsQuery } from '../tables/jobs.ts';
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
});
export type TaskEngineApi = ApiOf<typeof taskEngineEndpoints>;
