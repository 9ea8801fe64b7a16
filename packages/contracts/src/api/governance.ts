import { z } from 'zod';
import { GovernanceRun } from '../tables/governance.ts';
import { type ApiOf, defineApi } from './endpoint.ts';

/** A governance job, when it runs, and how its last run ended. */
export const GovernanceJob = z.object({
  name: z.string(),
  schedule: z.string(),
  last: GovernanceRun.nullable(),
});

/** The governance service's interface. */
export const governanceEndpoints = defineApi({
  jobs: {
    method: 'GET',
    path: '/internal/jobs',
    answers: 'json',
    answer: z.array(GovernanceJob).readonly(),
    callers: ['gateway'],
  },
  /** Runs a job now. For administrators. */
  run: {
    method: 'POST',
    path: '/internal/jobs/:name/run',
    param: 'text',
    answers: 'json',
    answer: GovernanceRun,
    callers: ['gateway'],
  },
});
export type GovernanceApi = ApiOf<typeof governanceEndpoints>;
