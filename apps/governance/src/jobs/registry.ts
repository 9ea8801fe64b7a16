import { auditBundle } from './audit-bundle.ts';
import { energy } from './energy.ts';
import type { GovernanceJob } from './job.ts';
import { keyRotation } from './key-rotation.ts';
import { logCheck } from './log-check.ts';
import { retention } from './retention.ts';

/** Every governance job, with the variable that holds its schedule. A new one: a file beside these, and one line here. */
export const jobs: readonly GovernanceJob[] = [logCheck, keyRotation, retention, auditBundle, energy];
