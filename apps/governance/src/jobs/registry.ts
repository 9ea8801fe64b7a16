import { auditBundle } from './audit-bundle.ts';
import type { GovernanceJob } from './job.ts';
import { logCheck } from './log-check.ts';
import { retention } from './retention.ts';

/** Every governance job, with the variable that holds its schedule. A new one: a file beside these, and one line here. */
export const jobs: readonly GovernanceJob[] = [logCheck, retention, auditBundle];
